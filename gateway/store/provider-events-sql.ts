/**
 * The parts of which the inbox's statements are made. Each is a CTE; `input` is one event, `match` at most one row: what of ours it
 * names, and whether that is all of it (`known`), `stored` one row if this delivery is the one that counts.
 */

/** `i.names`: every name by which an attempt may know what the event is about. */
export const INPUT = `input as (
    select * from jsonb_to_record($1::jsonb) as i(provider text, event text, type text, subject jsonb, occurred_at timestamptz,
      received_at timestamptz, look_at timestamptz, attempt text, charge text, object text, names text[], key text, refund text,
      evidence boolean)
  )`;

/**
 * Our own ids first: they are committed before anything is sent. Then the provider's names of it, which are committed with its answer,
 * and may come later than its webhook. Each branch is a look into one index.
 */
const ATTEMPT = `attempt as (
    select a.id, a.charge_id, a.object, a.outcome from input i cross join lateral (
      select 1 as rank, a.id, a.charge_id, a.object, a.outcome, a.no from attempts a where a.id = i.attempt and a.provider = i.provider
      union all
      select 2, a.id, a.charge_id, a.object, a.outcome, a.no from attempts a
        where a.provider = i.provider and a.provider_reference = any(i.names)
      union all
      select 3, a.id, a.charge_id, a.object, a.outcome, a.no from attempts a where a.provider = i.provider and a.object = any(i.names)
      union all
      select 4, a.id, a.charge_id, a.object, a.outcome, a.no from attempts a where a.charge_id = i.charge and a.provider = i.provider
    ) a
    order by a.rank, a.outcome is not distinct from 'approved' desc, a.no desc limit 1
  )`;

/** Another object than the attempt's own is not known, though the attempt is. */
export const MATCH_PAYMENT = `${ATTEMPT}, match as (
    select a.charge_id, a.id as attempt_id, null::text as operation_id, a.outcome,
      a.object is null or i.object is null or a.object = i.object as known
    from attempt a cross join input i
  )`;

/** A refund of a payment of ours that we did not make is not known. */
export const MATCH_REFUND = `${ATTEMPT}, operation as (
    select o.id, o.charge_id, o.attempt_id from input i cross join lateral (
      select * from operations o where o.provider_key = i.key
      union all
      select * from operations o where o.provider_reference = i.refund
    ) o join attempts a on a.id = o.attempt_id and a.provider = i.provider
    where o.kind in ('refund', 'compensate') and o.captured limit 1
  ), match as (
    select charge_id, attempt_id, id as operation_id, true as known from operation
    union all
    select a.charge_id, a.id, null, false from attempt a where not exists (select from operation)
  )`;

/** The first delivery stores it; a second one waits for that, and then finds it there. */
export const STORE = `stored as (
    insert into provider_events (provider, event, type, subject, occurred_at, received_at, state, look_at, charge_id, attempt_id)
    select i.provider, i.event, i.type, i.subject, i.occurred_at, i.received_at, case when m.known then 'handled' else 'waiting' end,
      case when m.known then null else i.look_at end, m.charge_id, m.attempt_id
    from input i left join match m on true
    on conflict (provider, event) do nothing
    returning event
  )`;

/** One that waits, if now it is known. */
export const STORE_AGAIN = `stored as (
    update provider_events e set state = 'handled', look_at = null, charge_id = m.charge_id, attempt_id = m.attempt_id
    from input i cross join match m
    where m.known and e.provider = i.provider and e.event = i.event and e.state = 'waiting'
    returning e.event
  )`;

/**
 * Evidence that an attempt was paid, as in hint_attempt: see there. One that is marked already was marked by such evidence, and nobody
 * has looked since: whoever claimed the charge meanwhile knows of it. `closed`: given up, and no orphan, which holds nothing back. Needs
 * `held`, the charge's row lock.
 */
export const MARK = `marked as (
    update attempts a set next_look_at = 'epoch' from match m join held h on h.id = m.charge_id cross join input i
    where i.evidence and a.id = m.attempt_id and a.outcome is distinct from 'approved' and a.next_look_at is distinct from 'epoch'
    returning a.charge_id, not a.live and a.outcome is distinct from 'unknown' as closed
  )`;

export const RESULT = `select exists (select from stored) as stored, coalesce((select known from match), false) as known,
    (select charge_id from match) as charge_id, (select attempt_id from match) as attempt_id,
    (select c.account_id from charges c where c.id = (select charge_id from match)) as account_id`;
