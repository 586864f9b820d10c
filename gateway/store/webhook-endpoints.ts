import type { Database } from "./database.ts";

// Invariants: a secret leaves this file only for its one answer and for signing; an event names the endpoint's host and port, never its
// path (people put tokens there) or a secret; a deleted endpoint is seen by nobody; every change writes its event.

export interface WebhookEndpoint {
  readonly id: string;
  readonly url: string;
  readonly events: readonly string[];
  readonly description: string | null;
  readonly enabled: boolean;
  readonly disabledReason: "operator" | "gone" | null;
  readonly failingSince: Date | null;
  /** Until when the secret before this one signs as well. */
  readonly previousUntil: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface EndpointChange {
  readonly accountId: string;
  readonly actor: string;
  readonly now: Date;
}

interface Row {
  id: string;
  url: string;
  events: string[];
  description: string | null;
  enabled: boolean;
  disabled_reason: WebhookEndpoint["disabledReason"];
  failing_since: Date | null;
  previous_until: Date | null;
  created_at: Date;
  updated_at: Date;
}

type Writer = Pick<Database, "query">;

const COLUMNS = "id, url, events, description, enabled, disabled_reason, failing_since, previous_until, created_at, updated_at";

/**
 * null: the account has `max` already. The account's row is locked, and counted under its lock by a second statement: two requests at once
 * do not both take the last place.
 */
export function insertEndpoint(
  db: Database,
  by: EndpointChange,
  made: { id: string; url: string; events: readonly string[]; description: string | null; secret: Buffer; max: number },
): Promise<WebhookEndpoint | null> {
  return db.transaction(async (query) => {
    await query({ name: "lock_account", text: "select from accounts where id = $1 for no key update", values: [by.accountId] });
    const rows = await query<Row>({
      name: "insert_webhook_endpoint",
      text: `with made as (
          insert into webhook_endpoints (id, account_id, url, events, description, enabled, secret, from_seq, created_at, updated_at)
          select $1, $2, $3, $4, $5, true, $6, h.seq, $7, $7 from trail_head h
          where (select count(*) from webhook_endpoints where account_id = $2 and deleted_at is null) < $8
          returning ${COLUMNS}
        ), told as (
          insert into events (at, account_id, type, actor, data)
          select $7, $2, 'webhook_endpoint.created', $9, jsonb_build_object('endpoint', id, 'host', $10::text, 'events', events) from made
        )
        select * from made`,
      values: [made.id, by.accountId, made.url, made.events, made.description, made.secret, by.now, made.max, by.actor, hostOf(made.url)],
    });
    return rows[0] ? toEndpoint(rows[0]) : null;
  });
}

export async function readEndpoint(db: Writer, by: { accountId: string; id: string }): Promise<WebhookEndpoint | null> {
  const rows = await db.query<Row>({
    name: "read_webhook_endpoint",
    text: `select ${COLUMNS} from webhook_endpoints where id = $1 and account_id = $2 and deleted_at is null`,
    values: [by.id, by.accountId],
  });
  return rows[0] ? toEndpoint(rows[0]) : null;
}

/** Newest first; `after` is the id of the last one seen. */
export async function listEndpoints(
  db: Writer,
  by: { accountId: string; after: string | null; limit: number },
): Promise<WebhookEndpoint[]> {
  const rows = await db.query<Row>({
    name: "list_webhook_endpoints",
    text: `select ${COLUMNS} from webhook_endpoints
      where account_id = $1 and deleted_at is null and ($2::text is null or id < $2) order by id desc limit $3`,
    values: [by.accountId, by.after, by.limit],
  });
  return rows.map(toEndpoint);
}

/** What is left out stays. */
export interface EndpointPatch {
  readonly url?: string | undefined;
  readonly events?: readonly string[] | undefined;
  readonly description?: string | null | undefined;
  readonly enabled?: boolean | undefined;
}

/** Enabling starts at the trail's head: what was sealed meanwhile is not sent. Deliveries that were pending go on. */
export async function updateEndpoint(db: Writer, by: EndpointChange, id: string, patch: EndpointPatch): Promise<WebhookEndpoint | null> {
  const rows = await db.query<Row>({
    name: "update_webhook_endpoint",
    text: `with before as materialized (
        select id, enabled from webhook_endpoints where id = $1 and account_id = $2 and deleted_at is null for no key update
      ), changed as (
        update webhook_endpoints e set url = coalesce($5, e.url), events = coalesce($6, e.events),
          description = case when $7 then $8 else e.description end, enabled = coalesce($9, e.enabled),
          disabled_reason = case when coalesce($9, e.enabled) then null else coalesce(e.disabled_reason, 'operator') end,
          from_seq = case when $9 and not e.enabled then (select seq from trail_head) else e.from_seq end,
          failing_since = case when $5 is not null or $9 then null else e.failing_since end,
          held_until = case when $5 is not null or $9 then null else e.held_until end, updated_at = $4
        from before b where e.id = b.id returning ${COLUMNS.split(", ")
          .map((column) => `e.${column}`)
          .join(", ")}, b.enabled as was_enabled
      ), told as (
        insert into events (at, account_id, type, actor, data)
        select $4, $2, case when was_enabled and not enabled then 'webhook_endpoint.disabled' when enabled and not was_enabled
          then 'webhook_endpoint.enabled' else 'webhook_endpoint.updated' end, $3,
          jsonb_build_object('endpoint', id, 'host', $10::text, 'events', events, 'reason', disabled_reason) from changed
      )
      select * from changed`,
    values: [
      id,
      by.accountId,
      by.actor,
      by.now,
      patch.url ?? null,
      patch.events ?? null,
      patch.description !== undefined,
      patch.description ?? null,
      patch.enabled ?? null,
      patch.url === undefined ? null : hostOf(patch.url),
    ],
  });
  return rows[0] ? toEndpoint(rows[0]) : null;
}

/** The present secret signs as well until `previousUntil`; a third one, of a rotation before, ends. */
export async function rotateSecret(
  db: Writer,
  by: EndpointChange,
  id: string,
  next: { secret: Buffer; previousUntil: Date },
): Promise<WebhookEndpoint | null> {
  const rows = await db.query<Row>({
    name: "rotate_webhook_secret",
    text: `with changed as (
        update webhook_endpoints set previous_secret = secret, previous_until = $6, secret = $5, updated_at = $4
        where id = $1 and account_id = $2 and deleted_at is null returning ${COLUMNS}
      ), told as (
        insert into events (at, account_id, type, actor, data)
        select $4, $2, 'webhook_endpoint.secret_rotated', $3, jsonb_build_object('endpoint', id, 'previous_until', previous_until) from changed
      )
      select * from changed`,
    values: [id, by.accountId, by.actor, by.now, next.secret, next.previousUntil],
  });
  return rows[0] ? toEndpoint(rows[0]) : null;
}

/** Its secrets go at once, its open dead letters are settled; its deliveries are removed by the hourly job. Whether it was there. */
export async function deleteEndpoint(db: Writer, by: EndpointChange, id: string): Promise<boolean> {
  const rows = await db.query({
    name: "delete_webhook_endpoint",
    text: `with gone as (
        update webhook_endpoints set deleted_at = $4, updated_at = $4, enabled = false, disabled_reason = 'operator', secret = '',
          previous_secret = null, previous_until = null
        where id = $1 and account_id = $2 and deleted_at is null returning id
      ), settled as (
        update dead_letters d set state = 'settled', closed_at = $4, closed_by = $3 from gone g
        where d.kind = 'webhook' and d.state = 'open' and d.data ->> 'endpoint' = g.id
      ), told as (
        insert into events (at, account_id, type, actor, data)
        select $4, $2, 'webhook_endpoint.deleted', $3, jsonb_build_object('endpoint', id, 'pending',
          (select count(*) from webhook_deliveries w where w.endpoint_id = gone.id and w.state = 'pending')) from gone
      )
      select id from gone`,
    values: [id, by.accountId, by.actor, by.now],
  });
  return rows.length > 0;
}

/** Those that want events, with where each begins. For whoever turns events into deliveries, in its transaction. */
export function listListening(query: Database["query"]): Promise<{ id: string; account_id: string; events: string[]; from_seq: bigint }[]> {
  return query({
    name: "list_listening_endpoints",
    text: "select id, account_id, events, from_seq from webhook_endpoints where enabled order by id",
  });
}

/** It answered 410 at `url`. Not if it was moved or disabled meanwhile. Whether this disabled it. */
export async function disableGone(db: Writer, gone: { id: string; url: string; now: Date }): Promise<boolean> {
  const rows = await db.query({
    name: "disable_gone_webhook_endpoint",
    text: `with changed as (
        update webhook_endpoints set enabled = false, disabled_reason = 'gone', updated_at = $3
        where id = $1 and url = $2 and enabled returning id, account_id
      )
      insert into events (at, account_id, type, actor, data)
      select $3, account_id, 'webhook_endpoint.disabled', 'system:webhooks',
        jsonb_build_object('endpoint', id, 'host', $4::text, 'reason', 'gone') from changed returning id`,
    values: [gone.id, gone.url, gone.now, hostOf(gone.url)],
  });
  return rows.length > 0;
}

/** Host and port, as the trail has them. */
function hostOf(url: string): string {
  const { hostname, port, protocol } = new URL(url);
  return `${hostname}:${port || (protocol === "https:" ? 443 : 80)}`;
}

function toEndpoint(row: Row): WebhookEndpoint {
  return {
    id: row.id,
    url: row.url,
    events: row.events,
    description: row.description,
    enabled: row.enabled,
    disabledReason: row.disabled_reason,
    failingSince: row.failing_since,
    previousUntil: row.previous_until,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
