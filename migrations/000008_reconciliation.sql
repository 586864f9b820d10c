-- Reconciliation: what the providers have on record, against what we have. A run reads the records of a window into a table, page by
-- page and resumable, compares, and leaves findings (000004).
create table reconciliation_runs (
  id text primary key,
  account_id text not null,
  -- who asked for it: `key:<id>`, `system:reconciliation` for the daily one, `system:command`
  actor text not null,
  state text not null default 'queued' check (state in ('queued', 'running', 'finished', 'failed')),
  -- null: all that are configured when it runs
  provider text,
  -- the day of a daily run: one per day for the whole fleet
  day date unique,
  from_at timestamptz not null,
  to_at timestamptz not null,
  -- +1 with each claim; every page is written under it
  lease_no integer not null default 0,
  lease_until timestamptz,
  error text,
  -- what it came to: counts, and what could not be verified
  report jsonb not null default '{}',
  created_at timestamptz not null,
  started_at timestamptz,
  finished_at timestamptz,
  check (from_at < to_at)
);
create index reconciliation_runs_by_account on reconciliation_runs (account_id, id);

-- How far a provider's list has been read: moved in the statement that keeps the page.
create table reconciliation_reads (
  run_id text not null references reconciliation_runs,
  provider text not null,
  what text not null check (what in ('payments', 'refunds')),
  -- law 12: the account whose list this is
  provider_account text not null,
  cursor text,
  done boolean not null default false,
  records bigint not null default 0,
  primary key (run_id, provider, what)
);

-- The records of runs that are not finished, with what of ours they are.
create table reconciliation_records (
  run_id text not null references reconciliation_runs,
  provider text not null,
  kind text not null check (kind in ('payment', 'refund')),
  -- what the provider knows it by
  reference text not null,
  state text not null,
  -- minor units
  amount bigint not null,
  currency text not null,
  created_at timestamptz not null,
  -- ours, as the provider keeps them; null where it does not
  object text,
  named_attempt text,
  named_charge text,
  -- of a refund: the payment's reference, and our key
  payment text,
  refund_key text,
  -- ours, as they were found
  attempt_id text,
  charge_id text,
  operation_id text,
  primary key (run_id, provider, kind, reference)
);
create index reconciliation_records_by_charge on reconciliation_records (run_id, charge_id) where charge_id is not null;
create index reconciliation_records_by_operation on reconciliation_records (run_id, operation_id) where operation_id is not null;

-- What of ours took money in a window: the trail says when. It is only ever appended to, in the order of time, so a summary of each few
-- pages finds an hour of it, and costs the path of a charge next to nothing.
create index events_by_time on events using brin (at) with (pages_per_range = 16, autosummarize = on);
create index operations_by_success on operations (updated_at) where state = 'succeeded';

create index findings_by_subject on findings (provider, kind, subject);
create index findings_open on findings (provider, last_seen_at) where state = 'open';
create index findings_by_charge on findings (charge_id) where charge_id is not null;
