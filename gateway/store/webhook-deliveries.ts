import type { Database } from "./database.ts";

/*
 * Deliveries in the order of their subject (a charge) at one endpoint. Invariants:
 * - A pending delivery is not claimed while an earlier one of its subject and endpoint is pending: the claim itself looks.
 * - One that waits for another has no `next_try_at`, so that a long backlog costs a claim nothing. Whoever closes the one before wakes it.
 *   Neither misses the other: who inserts holds the rows before it (for share) until its commit, and who closes a row holds it first and
 *   looks for the next one in a later statement, whose snapshot sees what was committed meanwhile. Both lock in the order of `no`.
 * - Writers claim (+1 on `lease_no`) and record by compare-and-set on it. A lease that ended is claimed again: sent twice, with the same id.
 */

type Query = Database["query"];

/** From an event, or a person's replay, until the last try; a failure after it is a dead letter. */
export const DELIVERY_MAX_AGE_MS = 72 * 3_600_000;

export interface NewDelivery {
  readonly id: string;
  readonly endpoint_id: string;
  readonly event_id: string;
  readonly type: string;
  readonly subject: string | null;
  readonly body: string;
}

/** Within the caller's transaction, in their order; those that are there already stay as they are. */
export async function insertDeliveries(
  query: Query,
  deliveries: readonly NewDelivery[],
  at: { now: Date; expiresAt: Date },
): Promise<void> {
  if (deliveries.length === 0) return;
  const heads = new Set<string>();
  const rows = deliveries.map((delivery, position) => {
    const key = `${delivery.endpoint_id} ${delivery.subject}`;
    const first = delivery.subject === null || !heads.has(key);
    heads.add(key);
    return { ...delivery, position, first };
  });
  await query({
    name: "lock_deliveries_before",
    text: `select d.no from webhook_deliveries d
      where d.no = any(array(
        select b.no from (select distinct * from jsonb_to_recordset($1::jsonb) as k(endpoint_id text, subject text)) k cross join lateral (
          select no from webhook_deliveries where endpoint_id = k.endpoint_id and subject = k.subject and state = 'pending' offset 0) b))
      order by d.no for share`,
    values: [JSON.stringify(rows.map(({ endpoint_id, subject }) => ({ endpoint_id, subject })))],
  });
  await query({
    name: "insert_deliveries",
    text: `insert into webhook_deliveries (id, endpoint_id, event_id, type, subject, body, next_try_at, expires_at, created_at)
      select i.id, i.endpoint_id, i.event_id, i.type, i.subject, i.body, case when i.first and not exists (
          select from webhook_deliveries d where d.endpoint_id = i.endpoint_id and d.subject = i.subject and d.state = 'pending' offset 0)
        then $2::timestamptz end, $3, $2
      from jsonb_to_recordset($1::jsonb) as i(id text, endpoint_id text, event_id text, type text, subject text, body text, position integer,
        first boolean)
      order by i.position
      on conflict (id) do nothing`,
    values: [JSON.stringify(rows), at.now, at.expiresAt],
  });
}

/** A delivery under a claim. */
export interface ClaimedDelivery {
  readonly no: bigint;
  readonly id: string;
  readonly endpointId: string;
  readonly url: string;
  readonly body: string;
  /** What signs it: the present secret, and for a time the one before. */
  readonly secrets: readonly Buffer[];
  readonly leaseNo: number;
  /** Tries so far, this one included. */
  readonly tries: number;
  readonly expiresAt: Date;
}

interface ClaimedRow {
  no: bigint;
  id: string;
  endpoint_id: string;
  url: string;
  body: string;
  secret: Buffer;
  previous_secret: Buffer | null;
  lease_no: number;
  tries: number;
  expires_at: Date;
}

/**
 * Those due, per endpoint at most what it has room for: a backlog of one does not stand in the way of another. `inFlight`: how many
 * this instance has on their way, by endpoint. `for update skip locked`: instances never wait for each other. The offset makes the look at
 * what is before each an index probe; as a join it would read the whole backlog.
 */
export async function claimDeliveries(
  db: Database,
  at: { now: Date; leaseUntil: Date; limit: number; perEndpoint: number; perFailing: number; inFlight: Readonly<Record<string, number>> },
): Promise<ClaimedDelivery[]> {
  const rows = await db.query<ClaimedRow>({
    name: "claim_deliveries",
    text: `with room as (
        select e.id, greatest(0, case when e.failing_since is null then $4::integer else $5::integer end
          - coalesce(($6::jsonb ->> e.id)::integer, 0)) as free
        from webhook_endpoints e where e.enabled and (e.held_until is null or e.held_until <= $1)
      ), due as (
        select d.no from room r cross join lateral (
          select d.no, d.next_try_at from webhook_deliveries d
          where d.endpoint_id = r.id and d.next_try_at <= $1 and not exists (
            select from webhook_deliveries b
            where b.endpoint_id = d.endpoint_id and b.subject = d.subject and b.state = 'pending' and b.no < d.no offset 0)
          order by d.next_try_at, d.no limit r.free for update of d skip locked) d
        order by d.next_try_at, d.no limit $3
      )
      update webhook_deliveries d set lease_no = d.lease_no + 1, lease_until = $2, next_try_at = $2, tries = d.tries + 1, last_tried_at = $1
      from due, webhook_endpoints e where d.no = due.no and e.id = d.endpoint_id
      returning d.no, d.id, d.endpoint_id, e.url, d.body, e.secret,
        case when e.previous_until > $1 then e.previous_secret end as previous_secret, d.lease_no, d.tries, d.expires_at`,
    values: [at.now, at.leaseUntil, at.limit, at.perEndpoint, at.perFailing, JSON.stringify(at.inFlight)],
  });
  return rows.map((row) => ({
    no: row.no,
    id: row.id,
    endpointId: row.endpoint_id,
    url: row.url,
    body: row.body,
    secrets: row.previous_secret === null ? [row.secret] : [row.secret, row.previous_secret],
    leaseNo: row.lease_no,
    tries: row.tries,
    expiresAt: row.expires_at,
  }));
}

/** What a try came to, as it is kept. */
export interface TryResult {
  readonly status: number | null;
  /** null: it was delivered. */
  readonly error: string | null;
  readonly answer: string | null;
}

/** It failed, and is tried again. `pauseUntil`: the endpoint asked to be left alone. */
export async function putOffDelivery(
  db: Database,
  held: Pick<ClaimedDelivery, "no" | "leaseNo">,
  result: TryResult,
  at: { now: Date; nextTryAt: Date; pauseUntil: Date | null },
): Promise<void> {
  await db.query({
    name: "put_off_delivery",
    text: `with moved as (
        update webhook_deliveries set next_try_at = $3, lease_until = null, last_status = $4, last_error = $5, last_answer = $6
        where no = $1 and lease_no = $2 and state = 'pending' returning endpoint_id
      )
      update webhook_endpoints e set failing_since = coalesce(e.failing_since, $7), held_until = coalesce(greatest(e.held_until, $8), e.held_until)
      from moved m where e.id = m.endpoint_id and (e.failing_since is null or $8::timestamptz is not null)`,
    values: [held.no, held.leaseNo, at.nextTryAt, result.status, result.error, result.answer, at.now, at.pauseUntil],
  });
}

/** It was delivered, or this was its last try (`letterId`: of its dead letter). The next one of its subject becomes due. */
export function closeDelivery(
  db: Database,
  held: Pick<ClaimedDelivery, "no" | "leaseNo">,
  result: TryResult,
  by: { now: Date; letterId: string | null },
): Promise<void> {
  return db.transaction(async (query) => {
    const [mine] = await query({
      name: "hold_delivery",
      text: "select no from webhook_deliveries where no = $1 and lease_no = $2 and state = 'pending' for update",
      values: [held.no, held.leaseNo],
    });
    if (mine) await close(query, [{ no: held.no.toString(), letter: by.letterId, ...result }], by.now);
  });
}

/**
 * Gives up what is past its time without a try that says so: of a disabled endpoint, or behind a backlog. Those under a lease are left
 * to their writer. Answers how many.
 */
export function buryExpired(db: Database, by: { expiredBefore: Date; now: Date; limit: number; newId: () => string }): Promise<number> {
  return db.transaction(async (query) => {
    const rows = await query<{ no: bigint; last_status: number | null; last_error: string | null; last_answer: string | null }>({
      name: "hold_expired_deliveries",
      text: `select d.no, d.last_status, d.last_error, d.last_answer from webhook_deliveries d join webhook_endpoints e on e.id = d.endpoint_id
        where d.state = 'pending' and d.expires_at <= $1 and (d.lease_until is null or d.lease_until <= $2) and e.deleted_at is null
        order by d.no limit $3 for update of d skip locked`,
      values: [by.expiredBefore, by.now, by.limit],
    });
    const closed = rows.map((row) => ({
      no: row.no.toString(),
      letter: by.newId(),
      status: row.last_status,
      error: row.last_error ?? "never_sent",
      answer: row.last_answer,
    }));
    if (closed.length > 0) await close(query, closed, by.now);
    return closed.length;
  });
}

/** Rows that the transaction holds already. */
async function close(
  query: Query,
  rows: readonly ({ readonly no: string; readonly letter: string | null } & TryResult)[],
  now: Date,
): Promise<void> {
  const closed = await query<{ endpoint_id: string; subject: string | null }>({
    name: "close_deliveries",
    text: `with input as (
        select * from jsonb_to_recordset($1::jsonb) as i(no bigint, letter text, status integer, error text, answer text)
      ), closed as (
        update webhook_deliveries d set state = case when i.letter is null then 'delivered' else 'dead' end, closed_at = $2,
          next_try_at = null, lease_until = null, last_status = i.status, last_error = i.error, last_answer = i.answer
        from input i where d.no = i.no
        returning d.id, d.endpoint_id, d.event_id, d.type, d.subject, d.tries, i.letter, i.status, i.error
      ), answers as (
        update webhook_endpoints e set failing_since = null, held_until = null
        where e.failing_since is not null and e.id in (select endpoint_id from closed where letter is null)
      ), buried as (
        insert into dead_letters (id, account_id, kind, reason, data, created_at)
        select c.letter, e.account_id, 'webhook', 'webhook ' || c.type || ': ' || coalesce('status ' || c.status, c.error),
          jsonb_build_object('delivery', c.id, 'endpoint', c.endpoint_id, 'event', c.event_id, 'type', c.type, 'subject', c.subject,
            'tries', c.tries, 'status', c.status, 'error', c.error), $2
        from closed c join webhook_endpoints e on e.id = c.endpoint_id where c.letter is not null and e.deleted_at is null
        on conflict do nothing
        returning id, account_id, reason, data
      ), told as (
        insert into events (at, account_id, type, actor, data)
        select $2, account_id, 'dead_letter.opened', 'system:webhooks', data || jsonb_build_object('id', id, 'kind', 'webhook', 'reason', reason)
        from buried
      )
      select endpoint_id, subject from closed where subject is not null`,
    values: [JSON.stringify(rows), now],
  });
  if (closed.length === 0) return;
  await query({
    name: "wake_deliveries",
    text: `update webhook_deliveries d set next_try_at = $2
      from (select distinct * from jsonb_to_recordset($1::jsonb) as k(endpoint_id text, subject text)) k cross join lateral (
        select n.no from webhook_deliveries n where n.endpoint_id = k.endpoint_id and n.subject = k.subject and n.state = 'pending'
        order by n.no limit 1) n
      where d.no = n.no and d.next_try_at is null`,
    values: [JSON.stringify(closed), now],
  });
}
