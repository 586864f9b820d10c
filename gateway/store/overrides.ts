import type { OverrideMode } from "../../routing/choose.ts";
import type { Database } from "./database.ts";

/** An operator's decision about a provider: one per provider, the last one counts. */
export interface Override {
  readonly provider: string;
  readonly mode: OverrideMode;
  readonly reason: string;
  /** Who decided, as in events. */
  readonly actor: string;
  readonly createdAt: Date;
  /** null: until it is removed. */
  readonly expiresAt: Date | null;
}

export interface OverrideChange {
  /** Of the operator's key: the event belongs to it. */
  readonly accountId: string;
  readonly actor: string;
  readonly now: Date;
}

interface Row {
  readonly provider: string;
  readonly mode: OverrideMode;
  readonly reason: string;
  readonly actor: string;
  readonly created_at: Date;
  readonly expires_at: Date | null;
}

/** Sets or replaces the provider's override. The event tells what it replaced (`before`: expired or not). */
export async function setOverride(db: Database, override: Omit<Override, "actor" | "createdAt">, by: OverrideChange): Promise<Override> {
  const rows = await db.query<Row>({
    name: "set_override",
    text: `with before as (
        select provider, mode, reason, expires_at from provider_overrides where provider = $1
      ), written as (
        insert into provider_overrides (provider, mode, reason, actor, created_at, expires_at) values ($1, $2, $3, $4, $5, $6)
        on conflict (provider) do update set mode = excluded.mode, reason = excluded.reason, actor = excluded.actor,
          created_at = excluded.created_at, expires_at = excluded.expires_at
        returning *
      ), event as (
        insert into events (at, account_id, type, actor, provider, data)
        select $5, $7, 'override.set', $4, provider, jsonb_build_object('mode', mode, 'reason', reason, 'expires_at', expires_at,
          'before', (select to_jsonb(before) - 'provider' from before))
        from written
      )
      select * from written`,
    values: [override.provider, override.mode, override.reason, by.actor, by.now, override.expiresAt, by.accountId],
  });
  return toOverride(rows[0] as Row);
}

/** Removes the provider's override; null when there was none (then nothing is written). */
export async function removeOverride(db: Database, provider: string, by: OverrideChange): Promise<Override | null> {
  const rows = await db.query<Row>({
    name: "remove_override",
    text: `with removed as (
        delete from provider_overrides where provider = $1 returning *
      ), event as (
        insert into events (at, account_id, type, actor, provider, data)
        select $2, $3, 'override.removed', $4, provider, jsonb_build_object('mode', mode, 'reason', reason, 'expires_at', expires_at)
        from removed
      )
      select * from removed`,
    values: [provider, by.now, by.accountId, by.actor],
  });
  return rows[0] ? toOverride(rows[0]) : null;
}

/** All of them, expired ones too: the reader's clock decides. At most one per provider ever named. */
export async function listOverrides(db: Database): Promise<Override[]> {
  const rows = await db.query<Row>({
    name: "list_overrides",
    text: "select provider, mode, reason, actor, created_at, expires_at from provider_overrides order by provider",
  });
  return rows.map(toOverride);
}

function toOverride(row: Row): Override {
  const { provider, mode, reason, actor } = row;
  return { provider, mode, reason, actor, createdAt: row.created_at, expiresAt: row.expires_at };
}
