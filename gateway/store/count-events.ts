/**
 * What the statistics count, in one place: the sealer adds it to `stats_rollups`, a report adds it for the unsealed tail.
 *
 *   attempts            attempts begun (`attempt.started`)
 *   approved, declined, attempts that ended so. A doubt is counted when it arises, and again by what it turns out to be:
 *   not_sent, in_doubt  attempts may be less than their sum
 *   latency             of the first answer of each attempt: not of what a doubt, a review or a customer took later
 *   charges_succeeded,  charges that are now in that state, by the minute of the change: +1 when they enter it, -1 when
 *   _failed, _canceled  they leave it again (a late success that is adopted), at the provider that the first change named.
 *                       So for each of these states the sum over all time is the number of charges in it, exactly
 *   charges_deferred    times a charge became deferred; what is deferred now: waiting.ts
 *   refunds_succeeded   refunds that are succeeded now, by the minute of the change, with their own amounts: +1 when one succeeds, -1 when
 *                       one that had succeeded turns out to have failed. Compensations are no refunds: their charges never had the money
 *   disputes_opened     times a dispute was opened, with the disputed amounts
 *   charges_recovered   charges that succeeded only because of failover or deferral: they were deferred before, or another provider
 *                       had been tried before the one that succeeded
 *   amount_approved, …  the amounts of the attempts that ended so (FLOW_COLUMNS; only in stats_segments)
 *
 * Provider '' is none. Amounts are the charges' amounts, but for refunds and disputes, in minor units of the row's currency.
 */
export const COUNTED_COLUMNS = [
  "attempts",
  "approved",
  "declined",
  "not_sent",
  "in_doubt",
  "latency_ms_sum",
  "latency_count",
  "charges_succeeded",
  "amount_succeeded",
  "charges_failed",
  "amount_failed",
  "charges_canceled",
  "amount_canceled",
  "charges_deferred",
  "amount_deferred",
  "refunds_succeeded",
  "amount_refunded",
  "disputes_opened",
  "amount_disputed",
  "charges_recovered",
  "amount_recovered",
] as const;

export const FLOW_OUTCOMES = ["approved", "declined", "not_sent", "in_doubt"] as const;
export const FLOW_COLUMNS = FLOW_OUTCOMES.map((outcome) => `amount_${outcome}` as const);
/** Who and what it is about: each is '' for none. */
export const SEGMENT_COLUMNS = ["type", "brand", "country"] as const;

export type CountedColumn = (typeof COUNTED_COLUMNS)[number];

/** 1: the charge of `e`, which succeeded, had been deferred before, or another provider had been tried before this one. */
const RECOVERED = `(select (coalesce(bool_or(p.to_status = 'deferred'), false) or coalesce(
      min(p.id) filter (where p.type = 'attempt.started' and p.provider <> e.provider)
      < max(p.id) filter (where p.type = 'attempt.started' and p.provider = e.provider), false))::integer
    from events p where p.charge_id = e.charge_id and p.id < e.id)`;

/**
 * Selects bucket, account_id, provider, currency, the segment and the counted columns, those of the flow too, of `events`, a relation with
 * the columns of `events`. Reads charges by their ids, and the other events of the charges that succeeded.
 */
export function countEvents(events: string): string {
  return `
  select date_trunc('minute', e.at, 'UTC') as bucket, e.account_id, coalesce(d.provider, '') as provider, coalesce(e.currency, '') as currency,
    coalesce(s.type, '') as type, coalesce(s.brand, '') as brand, coalesce(s.country, '') as country, sum(d.attempts) as attempts, sum(d.approved) as approved, sum(d.declined) as declined, sum(d.not_sent) as not_sent,
    sum(d.in_doubt) as in_doubt, sum(d.latency_ms)::bigint as latency_ms_sum, sum(d.latency_count) as latency_count,
    ${["succeeded", "failed", "canceled", "deferred"]
      .map(
        (status) => `sum(d.moved) filter (where d.status = '${status}') as charges_${status},
    sum(d.moved * e.amount) filter (where d.status = '${status}') as amount_${status}`,
      )
      .join(",\n    ")},
    sum(d.refunds) as refunds_succeeded, sum(d.refunds * e.amount) as amount_refunded,
    sum(d.disputes) as disputes_opened, sum(d.disputes * e.amount) as amount_disputed,
    sum(d.recovered) as charges_recovered, sum(d.recovered * e.amount) as amount_recovered,
    ${FLOW_OUTCOMES.map((outcome) => `sum(d.${outcome} * e.amount) as amount_${outcome}`).join(", ")}
  from ${events} e cross join lateral (
    select e.provider, (e.type = 'attempt.started')::integer as attempts,
      (o.outcome is not distinct from 'approved')::integer as approved, (o.outcome is not distinct from 'declined')::integer as declined,
      (o.outcome is not distinct from 'not_sent')::integer as not_sent, (o.outcome is not distinct from 'unknown')::integer as in_doubt,
      case when o.first then e.latency_ms else 0 end as latency_ms, (o.first and e.latency_ms is not null)::integer as latency_count,
      e.to_status as status, (e.to_status is not null and e.from_status is distinct from e.to_status)::integer as moved,
      (e.type = 'refund.succeeded')::integer - (e.type = 'refund.failed' and e.data ->> 'from' is not distinct from 'succeeded')::integer as refunds,
      (e.type = 'dispute.opened')::integer as disputes,
      case when e.to_status = 'succeeded' and e.from_status is distinct from 'succeeded' then ${RECOVERED} else 0 end as recovered
    -- what becomes of an authorization later (capture, void) is no attempt's outcome
    from (select case when e.from_status is distinct from 'authorized' then e.outcome end as outcome,
      e.outcome is not null and coalesce(e.from_status, 'processing') = 'processing' as first) o
    union all
    select coalesce((select coalesce(p.provider, '') from events p where p.charge_id = e.charge_id and p.id < e.id and p.to_status = e.from_status
        and p.from_status is distinct from p.to_status order by p.id desc limit 1), e.provider),
      0, 0, 0, 0, 0, 0, 0, e.from_status, -1, 0, 0, 0
    where e.from_status in ('succeeded', 'failed', 'canceled') and e.to_status <> e.from_status
  ) d left join lateral (
    -- limit: never a join that the planner could turn into a scan of the charges
    select c.payment_method ->> 'type' as type, c.payment_method ->> 'brand' as brand, c.payment_method ->> 'country' as country
    from charges c where c.id = e.charge_id limit 1) s on true
  where e.charge_id is not null
  group by 1, 2, 3, 4, 5, 6, 7`;
}

/** Sums of these columns under their own names, nulls as zero. */
export function sumsOf(columns: readonly string[]): string {
  return columns.map((column) => `coalesce(sum(${column}), 0)::bigint as ${column}`).join(", ");
}

/**
 * The events that are not sealed, as of the statement's own snapshot, which sees seals, rollups and tail of one moment.
 * The order is for the planner: without it, it takes the open range for a third of the table and may read all of it.
 */
export const UNSEALED_EVENTS = `
  (select e.* from trail_head h cross join lateral (
      select * from events n where n.epoch = h.epoch and n.xid >= pg_snapshot_xmax(h.done) order by n.epoch, n.xid, n.id offset 0) e
   union all
   select e.* from trail_head h cross join lateral pg_snapshot_xip(h.done) as late(xid) cross join lateral (
      select * from events n where n.epoch = h.epoch and n.xid = late.xid order by n.id offset 0) e)`;
