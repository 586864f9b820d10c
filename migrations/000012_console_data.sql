-- What the console's pages read without a scan of the charges. What each column counts: count-events.ts.

-- Charges that succeeded only because of failover or deferral.
alter table stats_rollups
  add column charges_recovered bigint not null default 0,
  add column amount_recovered bigint not null default 0;

-- The same counts by segment, per hour and once more per day of UTC: a report over a year adds up days, and hours and minutes at its ends
-- only. '' is none, or not known: what was counted before this migration.
create table stats_segments (
  account_id text not null,
  grain text not null check (grain in ('hour', 'day')),
  bucket timestamptz not null,
  provider text not null,
  currency text not null,
  type text not null,
  brand text not null,
  country text not null,
  attempts bigint not null default 0,
  approved bigint not null default 0,
  declined bigint not null default 0,
  not_sent bigint not null default 0,
  in_doubt bigint not null default 0,
  latency_ms_sum bigint not null default 0,
  latency_count bigint not null default 0,
  charges_succeeded bigint not null default 0,
  amount_succeeded bigint not null default 0,
  charges_failed bigint not null default 0,
  amount_failed bigint not null default 0,
  charges_canceled bigint not null default 0,
  amount_canceled bigint not null default 0,
  charges_deferred bigint not null default 0,
  amount_deferred bigint not null default 0,
  refunds_succeeded bigint not null default 0,
  amount_refunded bigint not null default 0,
  disputes_opened bigint not null default 0,
  amount_disputed bigint not null default 0,
  charges_recovered bigint not null default 0,
  amount_recovered bigint not null default 0,
  amount_approved bigint not null default 0,
  amount_declined bigint not null default 0,
  amount_not_sent bigint not null default 0,
  amount_in_doubt bigint not null default 0,
  primary key (account_id, grain, bucket, provider, currency, type, brand, country)
);
insert into stats_segments (account_id, grain, bucket, provider, currency, type, brand, country,
  attempts, approved, declined, not_sent, in_doubt, latency_ms_sum, latency_count, charges_succeeded, amount_succeeded, charges_failed,
  amount_failed, charges_canceled, amount_canceled, charges_deferred, amount_deferred, refunds_succeeded, amount_refunded, disputes_opened,
  amount_disputed)
select account_id, g.grain, date_trunc(g.grain, bucket, 'UTC'), provider, currency, '', '', '',
  sum(attempts), sum(approved), sum(declined), sum(not_sent), sum(in_doubt), sum(latency_ms_sum), sum(latency_count), sum(charges_succeeded),
  sum(amount_succeeded), sum(charges_failed), sum(amount_failed), sum(charges_canceled), sum(amount_canceled), sum(charges_deferred),
  sum(amount_deferred), sum(refunds_succeeded), sum(amount_refunded), sum(disputes_opened), sum(amount_disputed)
from stats_rollups cross join (values ('hour'), ('day')) as g(grain)
group by 1, 2, 3, 4, 5;

-- Lists of what is rare among the charges: without these a page of them would read them all. The first costs only those charges, the
-- second one entry for each charge, once.
create index charges_by_status on charges (account_id, status, id)
  where status in ('requires_action', 'pending', 'in_doubt', 'deferred', 'authorized', 'failed', 'canceled');
create index charges_by_provider on charges (account_id, provider, id) where provider is not null;

create index dead_letters_by_account on dead_letters (account_id, state, id);

-- Breakers and overrides on the time axis.
create index events_of_providers on events (provider, at, id)
  where type in ('provider.opened', 'provider.closed', 'override.set', 'override.removed');
