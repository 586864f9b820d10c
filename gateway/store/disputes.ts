import type { DisputeSubject } from "../../providers/contract/webhook.ts";
import type { Database } from "./database.ts";
import { type Incoming, inputOf, type Recorded } from "./provider-event-input.ts";
import { INPUT, MARK, MATCH_PAYMENT, RESULT, STORE, STORE_AGAIN } from "./provider-events-sql.ts";

/**
 * An event about a dispute: the inbox's row, the dispute, the charge's flag and the trail, together. In a transaction of two
 * statements, because the second one must see every other dispute of the charge: its snapshot is taken under the charge's lock, which
 * whoever writes a dispute holds.
 */
export function recordDisputeEvent(db: Database, incoming: Incoming, subject: DisputeSubject, when: "first" | "again"): Promise<Recorded> {
  const values = [inputOf(incoming)];
  return db.transaction(async (query) => {
    const [found] = await query<Found>({ name: "lock_disputed_charge", text: LOCK_CHARGE, values });
    const dispute = {
      id: incoming.newId("dp"),
      dispute: subject.dispute,
      charge_id: found?.charge_id ?? null,
      attempt_id: found?.attempt_id ?? null,
      account_id: found?.account_id ?? null,
      known: found?.known ?? false,
      amount: subject.money?.amount.toString() ?? null,
      currency: subject.money?.currency ?? null,
      status: subject.status,
      reason: subject.reason,
      network_code: subject.networkCode,
      evidence_due_at: subject.evidenceDueByMs === null ? null : new Date(subject.evidenceDueByMs),
    };
    const [row] = await query<Recorded>({
      name: `record_dispute_event_${when}`,
      text: recordText(when),
      values: [...values, JSON.stringify(dispute)],
    });
    return row as Recorded;
  });
}

type Found = Pick<Recorded, "charge_id" | "attempt_id" | "known"> & { readonly account_id: string };

const LOCK_CHARGE = `with ${INPUT}, ${MATCH_PAYMENT}
  select c.id as charge_id, m.attempt_id, c.account_id, m.known from match m join charges c on c.id = m.charge_id for update of c`;

/** Of two events of the same second the one that is further in a dispute's life counts. */
const rank = (status: string) => `case ${status} when 'warning' then 0 when 'open' then 1 else 2 end`;

/**
 * What is older than what was applied changes nothing, and a field that an event does not have keeps its value. A dispute's payment was
 * made: if its attempt was given up, that is evidence like any other (hint_attempt). `dispute.opened` is told once, however the events arrive.
 */
function recordText(when: "first" | "again"): string {
  return `with ${INPUT}, match as (
    select * from jsonb_to_record($2::jsonb) as m(id text, dispute text, charge_id text, attempt_id text, account_id text, known boolean,
      amount bigint, currency text, status text, reason text, network_code text, evidence_due_at timestamptz)
  ), ${when === "first" ? STORE : STORE_AGAIN}, held as (
    select m.charge_id as id from match m where m.charge_id is not null and exists (select from stored)
  ), ${MARK}, prior as (
    select d.* from disputes d cross join input i cross join match m where d.provider = i.provider and d.provider_dispute = m.dispute
  ), written as (
    insert into disputes as d (id, account_id, provider, provider_dispute, charge_id, attempt_id, amount, currency, status, reason,
      network_code, evidence_due_at, opened_at, updated_at, occurred_at)
    select m.id, m.account_id, i.provider, m.dispute, m.charge_id, m.attempt_id, m.amount, m.currency, m.status, m.reason, m.network_code,
      m.evidence_due_at, i.occurred_at, i.received_at, i.occurred_at
    from match m cross join input i join held h on m.known
    on conflict (provider, provider_dispute) do update set status = excluded.status, amount = coalesce(excluded.amount, d.amount),
      currency = coalesce(excluded.currency, d.currency), reason = coalesce(excluded.reason, d.reason),
      network_code = coalesce(excluded.network_code, d.network_code),
      evidence_due_at = coalesce(excluded.evidence_due_at, d.evidence_due_at), updated_at = excluded.updated_at,
      occurred_at = excluded.occurred_at
    where excluded.occurred_at > d.occurred_at
      or excluded.occurred_at = d.occurred_at and ${rank("excluded.status")} > ${rank("d.status")}
    returning d.*
  ), flag as (
    select w.charge_id, w.status in ('open', 'lost') or exists (
      select from disputes o where o.charge_id = w.charge_id and o.status in ('open', 'lost') and o.id <> w.id) as disputed
    from written w
  ), flagged as (
    update charges c set disputed = coalesce(f.disputed, c.disputed), lease_no = c.lease_no + coalesce(k.closed, false)::integer,
      updated_at = case when f.disputed is distinct from c.disputed and f.disputed is not null then i.received_at else c.updated_at end
    from held h cross join input i left join flag f on true left join marked k on true
    where c.id = coalesce(f.charge_id, h.id) and (f.disputed <> c.disputed or k.closed)
  ), told as (
    insert into events (at, account_id, type, actor, charge_id, attempt_id, provider, amount, currency, data)
    select i.received_at, w.account_id, t.type, 'system:webhook', w.charge_id, w.attempt_id, w.provider, w.amount, w.currency,
      jsonb_build_object('id', w.id, 'dispute', w.provider_dispute, 'status', w.status, 'was', p.status, 'reason', w.reason,
        'network_code', w.network_code, 'evidence_due_at', w.evidence_due_at)
    from written w cross join input i left join prior p on true cross join lateral (
      select w.status in ('open', 'won', 'lost') and coalesce(p.status, 'warning') = 'warning' as opened,
        w.status in ('won', 'lost', 'closed') and w.status is distinct from p.status as ended
    ) x cross join lateral (
      select 'dispute.opened' as type, 1 as no where x.opened
      union all
      select 'dispute.' || w.status, 2 where x.ended
      union all
      select 'dispute.updated', 3 where not x.opened and not x.ended
        and (w.status, w.amount, w.currency, w.reason, w.network_code, w.evidence_due_at)
          is distinct from (p.status, p.amount, p.currency, p.reason, p.network_code, p.evidence_due_at)
    ) t
    order by t.no
  )
  ${RESULT}`;
}
