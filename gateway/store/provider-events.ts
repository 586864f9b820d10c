import type { InstrumentSubject } from "../../providers/contract/webhook.ts";
import { HINTED } from "./claim-charges.ts";
import type { Database, Statement } from "./database.ts";
import { recordDisputeEvent } from "./disputes.ts";
import { markTokens } from "./payment-methods.ts";
import { type Incoming, inputOf, type Recorded } from "./provider-event-input.ts";
import { INPUT, MARK, MATCH_PAYMENT, MATCH_REFUND, RESULT, STORE, STORE_AGAIN } from "./provider-events-sql.ts";

/**
 * Stores an event and acts upon its hint, in one statement: what it is about becomes due, so that whoever works on it asks the
 * provider. Writes no outcome. An event that is there already changes nothing. Disputes and instruments are written: no one asks about them.
 */
export function recordEvent(db: Database, incoming: Incoming): Promise<Recorded> {
  return record(db, incoming, "first");
}

/** The same for one that waits because it named nothing of ours. */
export function matchAgain(db: Database, incoming: Incoming): Promise<Recorded> {
  return record(db, incoming, "again");
}

async function record(db: Database, incoming: Incoming, when: "first" | "again"): Promise<Recorded> {
  const { subject } = incoming.event;
  if (subject.kind === "dispute") return recordDisputeEvent(db, incoming, subject, when);
  if (subject.kind === "instrument") return recordInstrumentEvent(db, incoming, subject);
  const values = [inputOf(incoming)];
  const statement =
    subject.kind === "payment"
      ? paymentStatement(when)
      : subject.kind === "refund"
        ? refundStatement(when)
        : { name: "record_event", text: RECORD_ONLY };
  const [row] = await db.query<Recorded>({ ...statement, values });
  return row as Recorded;
}

/** With what it says of stored payment methods, in one transaction; only the delivery that stores it says it. */
function recordInstrumentEvent(db: Database, incoming: Incoming, subject: InstrumentSubject): Promise<Recorded> {
  return db.transaction(async (query) => {
    const [row] = await query<Recorded>({ name: "record_event", text: RECORD_ONLY, values: [inputOf(incoming)] });
    const { kind: _, ...news } = subject;
    if (row?.stored) await markTokens({ query }, { ...news, provider: incoming.provider, now: incoming.receivedAt });
    return row as Recorded;
  });
}

/**
 * The charge is locked before its attempt, as by every other writer. The charge comes due (hint_charge); where the event is evidence
 * that money moved, its attempt is marked, and of one that was given up, whoever holds the charge loses their number (hint_attempt).
 * Most events tell what is known already: they lock nothing.
 */
function paymentStatement(when: "first" | "again"): Pick<Statement, "name" | "text"> {
  return {
    name: `record_payment_event_${when}`,
    text: `with ${INPUT}, ${MATCH_PAYMENT}, ${when === "first" ? STORE : STORE_AGAIN}, held as (
    select c.id from charges c join match m on m.charge_id = c.id cross join input i
    where exists (select from stored) and (c.status in ${HINTED} or i.evidence and m.outcome is distinct from 'approved') for update of c
  ), ${MARK}, hinted as (
    update charges c set lease_no = c.lease_no + coalesce(m.closed, false)::integer,
      next_action_at = case when c.status in ${HINTED} then least(c.next_action_at, i.received_at) else c.next_action_at end
    from held h cross join input i left join marked m on true
    where c.id = h.id
      and (coalesce(m.closed, false) or c.status in ${HINTED} and coalesce(c.next_action_at > i.received_at, true))
  )
  ${RESULT}`,
  };
}

/**
 * A refund that succeeded is asked about as well: it may fail later, at the customer's bank; and one that failed may have been carried
 * out after all. Earlier than the lease's end, so that who holds it leaves it due (write_operation).
 */
function refundStatement(when: "first" | "again"): Pick<Statement, "name" | "text"> {
  return {
    name: `record_refund_event_${when}`,
    text: `with ${INPUT}, ${MATCH_REFUND}, ${when === "first" ? STORE : STORE_AGAIN}, hinted as (
    update operations o set next_action_at = least(o.next_action_at, i.received_at, o.lease_until - interval '1 millisecond')
    from match m cross join input i
    where o.id = m.operation_id and exists (select from stored)
  )
  ${RESULT}`,
  };
}

/** Nothing to be done about it. */
const RECORD_ONLY = `with ${INPUT}, match as (
    select null::text as charge_id, null::text as attempt_id, true as known from input
  ), ${STORE}
  ${RESULT}`;

/** One that waits. */
export interface WaitingEvent {
  readonly provider: string;
  readonly event: string;
  readonly type: string;
  /** As `inputOf` stored it: amounts are text. */
  readonly subject: Readonly<Record<string, unknown>> & { readonly kind: string };
  readonly occurred_at: Date;
  readonly looks: number;
}

/** Those whose time has come, the longest first. */
export function readWaiting(db: Pick<Database, "query">, now: Date, limit: number): Promise<WaitingEvent[]> {
  return db.query<WaitingEvent>({
    name: "read_waiting_events",
    text: `select provider, event, type, subject, occurred_at, looks from provider_events
      where look_at <= $1 order by look_at limit $2`,
    values: [now, limit],
  });
}

/** Still unknown: matched again at `next`; null: never. */
export async function stillUnknown(
  db: Pick<Database, "query">,
  { provider, event, looks }: Pick<WaitingEvent, "provider" | "event" | "looks">,
  next: Date | null,
): Promise<void> {
  await db.query({
    name: "still_unknown_event",
    text: `update provider_events set look_at = $4::timestamptz, looks = looks + 1, state = case when $4::timestamptz is null then 'unknown' else state end
      where provider = $1 and event = $2 and looks = $3 and state = 'waiting'`,
    values: [provider, event, looks, next],
  });
}

/** Deletes what came before `before`, at most `limit`; how many it were. */
export async function forgetEvents(db: Pick<Database, "query">, before: Date, limit: number): Promise<number> {
  const rows = await db.query<{ gone: number }>({
    name: "forget_provider_events",
    text: `delete from provider_events where (provider, event) in (
      select provider, event from provider_events where received_at < $1 order by received_at limit $2) returning 1 as gone`,
    values: [before, limit],
  });
  return rows.length;
}
