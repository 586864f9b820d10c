import type { Database } from "./database.ts";
import type { EndpointChange } from "./webhook-endpoints.ts";

export const DELIVERY_STATES = ["pending", "delivered", "dead"] as const;

/** A delivery as whoever looks for a fault sees it. */
export interface DeliveryRow {
  readonly no: bigint;
  readonly id: string;
  readonly event_id: string;
  readonly type: string;
  readonly subject: string | null;
  readonly state: (typeof DELIVERY_STATES)[number];
  readonly tries: number;
  readonly last_tried_at: Date | null;
  readonly last_status: number | null;
  readonly last_error: string | null;
  readonly last_answer: string | null;
  readonly next_try_at: Date | null;
  readonly expires_at: Date;
  readonly created_at: Date;
  readonly closed_at: Date | null;
}

const COLUMNS = `no, id, event_id, type, subject, state, tries, last_tried_at, last_status, last_error, last_answer, next_try_at, expires_at,
  created_at, closed_at`;

type Reader = Pick<Database, "query">;

/** Newest first; `after` is the number of the last one seen. Whose endpoint it is was checked by the caller. */
export function listDeliveries(
  db: Reader,
  by: { endpointId: string; state: DeliveryRow["state"] | null; after: bigint | null; limit: number },
): Promise<DeliveryRow[]> {
  return db.query<DeliveryRow>({
    name: "list_deliveries",
    text: `select ${COLUMNS} from webhook_deliveries
      where endpoint_id = $1 and ($2::text is null or state = $2) and ($3::bigint is null or no < $3) order by no desc limit $4`,
    values: [by.endpointId, by.state, by.after, by.limit],
  });
}

export const TEST_TYPE = "webhook_endpoint.test";

/** A delivery of a test event to an enabled endpoint, with its event. While one is pending there is no second one: it is that one. */
export async function insertTestDelivery(
  db: Reader,
  by: EndpointChange,
  made: { id: string; eventId: string; endpointId: string; body: string; expiresAt: Date },
): Promise<DeliveryRow | null> {
  const rows = await db.query<DeliveryRow>({
    name: "insert_test_delivery",
    text: `with endpoint as materialized (
        select id from webhook_endpoints where id = $3 and account_id = $6 and deleted_at is null and enabled for no key update
      ), pending as (
        select ${COLUMNS} from webhook_deliveries
        where endpoint_id = (select id from endpoint) and type = '${TEST_TYPE}' and state = 'pending' order by no desc limit 1
      ), made as (
        insert into webhook_deliveries (id, endpoint_id, event_id, type, body, next_try_at, expires_at, created_at)
        select $1, id, $2, '${TEST_TYPE}', $4, $7, $5, $7 from endpoint where not exists (select from pending)
        returning ${COLUMNS}
      ), told as (
        insert into events (at, account_id, type, actor, data)
        select $7, $6, 'webhook_endpoint.tested', $8, jsonb_build_object('endpoint', $3::text, 'delivery', id) from made
      )
      select * from made union all select * from pending`,
    values: [made.id, made.eventId, made.endpointId, made.body, made.expiresAt, by.accountId, by.now, by.actor],
  });
  return rows[0] ?? null;
}

/**
 * Removes delivered ones that are older than `before`, dead ones that nobody can replay any more, and all of deleted endpoints; at
 * most `limit`. Answers how many.
 */
export async function forgetDeliveries(db: Reader, before: Date, limit: number): Promise<number> {
  const rows = await db.query({
    name: "forget_deliveries",
    text: `delete from webhook_deliveries where no in (
        (select no from webhook_deliveries d where state <> 'pending' and closed_at < $1 and (state = 'delivered' or not exists (
          select from dead_letters l where l.kind = 'webhook' and l.state = 'open' and l.data ->> 'delivery' = d.id)) limit $2)
        union all
        (select d.no from webhook_endpoints e join webhook_deliveries d on d.endpoint_id = e.id where e.deleted_at is not null limit $2)
      ) returning no`,
    values: [before, limit],
  });
  return rows.length;
}

/** Deleted endpoints that have no deliveries left. */
export async function forgetEndpoints(db: Reader): Promise<void> {
  await db.query({
    name: "forget_webhook_endpoints",
    text: `delete from webhook_endpoints e where deleted_at is not null
      and not exists (select from webhook_deliveries d where d.endpoint_id = e.id)`,
  });
}

/** Since when a delivery waits although its endpoint could take it; null: none does. */
export async function oldestDueDelivery(db: Reader, now: Date): Promise<Date | null> {
  const rows = await db.query<{ at: Date | null }>({
    name: "oldest_due_delivery",
    text: `select min(d.next_try_at) as at from webhook_endpoints e cross join lateral (
        select next_try_at from webhook_deliveries where endpoint_id = e.id and next_try_at <= $1 order by next_try_at limit 1) d
      where e.enabled`,
    values: [now],
  });
  return rows[0]?.at ?? null;
}
