import type { KeyRole } from "./api-keys.ts";
import type { Database } from "./database.ts";

// Invariants: no row can be used to sign in (hashes only); a session whose key is revoked is never found; signing in and out
// writes its event.

export interface SessionRow {
  readonly account_id: string;
  /** null: ADMIN_KEY, as are name and role. */
  readonly key_id: string | null;
  readonly name: string | null;
  readonly role: KeyRole | null;
  readonly created_at: Date;
  readonly expires_at: Date;
}

type Reader = Pick<Database, "query">;

/** The oldest go when one key signs in more often than this within a session's life. */
const MAX_SESSIONS_PER_KEY = 50;

/** null: the key was revoked meanwhile. Also forgets what is over, a few at a time. */
export async function insertSession(
  db: Reader,
  session: { tokenHash: Buffer; accountId: string; keyId: string | null; actor: string; now: Date; expiresAt: Date },
): Promise<SessionRow | null> {
  const rows = await db.query<SessionRow>({
    name: "insert_session",
    text: `with key as (
        select id, name, role from api_keys where id = $3::text and revoked_at is null
      ), over as (
        delete from console_sessions where token_hash in (
          select token_hash from console_sessions where expires_at <= $5 order by expires_at limit 100)
          or token_hash in (
          select token_hash from console_sessions where key_id is not distinct from $3 order by created_at desc offset ${MAX_SESSIONS_PER_KEY - 1})
      ), made as (
        insert into console_sessions (token_hash, account_id, key_id, created_at, expires_at)
        select $1, $2, $3, $5::timestamptz, $6 where $3::text is null or exists (select from key)
        returning account_id, key_id, created_at, expires_at
      ), told as (
        insert into events (at, account_id, type, actor, data)
        select $5, account_id, 'console.signed_in', $4, jsonb_build_object('key_id', key_id) from made
      )
      select made.*, key.name, key.role from made left join key on true`,
    values: [session.tokenHash, session.accountId, session.keyId, session.actor, session.now, session.expiresAt],
  });
  return rows[0] ?? null;
}

/** `hashes`: of the token alone, and keyed with ADMIN_KEY when there is one. */
export async function findSession(db: Reader, by: { hashes: readonly Buffer[]; now: Date }): Promise<SessionRow | null> {
  const rows = await db.query<SessionRow>({
    name: "find_session",
    text: `select s.account_id, s.key_id, s.created_at, s.expires_at, k.name, k.role
      from console_sessions s left join api_keys k on k.id = s.key_id
      where s.token_hash = any($1::bytea[]) and s.expires_at > $2 and (s.key_id is null or k.revoked_at is null)`,
    values: [by.hashes, by.now],
  });
  return rows[0] ?? null;
}

export async function deleteSession(db: Reader, by: { hashes: readonly Buffer[]; actor: string; now: Date }): Promise<void> {
  await db.query({
    name: "delete_session",
    text: `with gone as (
        delete from console_sessions where token_hash = any($1::bytea[]) returning account_id, key_id
      )
      insert into events (at, account_id, type, actor, data)
      select $3, account_id, 'console.signed_out', $2, jsonb_build_object('key_id', key_id) from gone`,
    values: [by.hashes, by.actor, by.now],
  });
}
