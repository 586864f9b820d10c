-- Refunds and disputes in the statistics. What each column counts: count-events.ts.
alter table stats_rollups
  add column refunds_succeeded bigint not null default 0,
  add column amount_refunded bigint not null default 0,
  add column disputes_opened bigint not null default 0,
  add column amount_disputed bigint not null default 0;

-- The list of an account's refunds.
create index operations_refunds on operations (account_id, id) where kind = 'refund';
