-- The money core. Invariants that the database keeps itself, whatever the code does:
--   law 1   attempts_one_live: a charge has at most one attempt that may have moved, or may yet move, money
--   law 6   idempotency_keys: one key, one operation, per account
--   law 8   charges_money: what a charge holds fits its status; operations: one compensation per attempt
--   law 10  events: append-only
--   law 12  installation, provider_accounts: sandbox and live never mix

create table installation (
  only_row boolean primary key default true check (only_row),
  id text not null,
  livemode boolean not null,
  created_at timestamptz not null
);

create table provider_accounts (
  provider text primary key,
  kind text not null,
  account text not null,
  livemode boolean not null,
  first_used_at timestamptz not null
);

create table accounts (
  id text primary key,
  name text not null,
  created_at timestamptz not null default now()
);
insert into accounts (id, name) values ('acct_default', 'default');

create table api_keys (
  id text primary key,
  account_id text not null references accounts,
  name text not null,
  role text not null check (role in ('billing', 'finance', 'ops', 'admin')),
  key_hash bytea not null unique,
  created_at timestamptz not null,
  revoked_at timestamptz
);

-- Money rows do not reference accounts: the key share lock on one account's row would be taken by every commit.
create table charges (
  id text primary key,
  account_id text not null,
  livemode boolean not null,
  status text not null check (status in
    ('processing', 'requires_action', 'pending', 'in_doubt', 'deferred', 'authorized', 'succeeded', 'failed', 'canceled')),
  amount bigint not null check (amount > 0 and amount < 1000000000000),
  currency text not null check (currency ~ '^[a-z]{3}$'),
  amount_captured bigint not null default 0 check (amount_captured >= 0),
  amount_refunded bigint not null default 0 check (amount_refunded >= 0),
  reference text,
  allow_duplicate_reference boolean not null default false,
  idempotency_key text not null,
  payment_method jsonb not null,
  -- the ids of the providers that payment_method has a token for
  providers text[] not null,
  -- providers that are not eligible for this charge again
  excluded text[] not null default '{}',
  description text,
  metadata jsonb not null,
  defer boolean not null,
  defer_until timestamptz not null,
  -- +1 with each claim; every later write is a compare-and-set on it
  lease_no integer not null,
  lease_until timestamptz,
  -- when a worker should look; null: nothing to do by itself
  next_action_at timestamptz,
  -- tries of the present state (resolve, poll, drain); drives the back-off
  tries integer not null default 0,
  provider text,
  provider_reference text,
  failure jsonb,
  deferred jsonb,
  next_action jsonb,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint charges_money check (
    amount_refunded <= amount_captured
    and ((status = 'succeeded') = (amount_captured > 0))
    and (status not in ('processing', 'in_doubt', 'pending', 'requires_action') or next_action_at is not null)
  )
);
create index charges_due on charges (next_action_at) where next_action_at is not null and status <> 'deferred';
create index charges_deferred on charges (created_at) where status = 'deferred';
create index charges_deferred_expiry on charges (defer_until) where status = 'deferred' and next_action_at is not null;
create index charges_by_account on charges (account_id, id);
create index charges_by_reference on charges (reference, account_id, id) where reference is not null;
create unique index charges_one_unfinished_per_reference on charges (account_id, reference)
  where reference is not null and not allow_duplicate_reference
    and status in ('processing', 'requires_action', 'pending', 'in_doubt', 'deferred', 'authorized');

create table idempotency_keys (
  account_id text not null,
  key text not null,
  operation text not null,
  -- sha-256 of method, path and canonical body
  fingerprint bytea not null,
  charge_id text not null references charges,
  created_at timestamptz not null,
  primary key (account_id, key)
);

create table attempts (
  id text primary key,
  charge_id text not null references charges,
  no integer not null check (no > 0),
  provider text not null,
  -- the account identity at the provider: doubts are resolved on it and on no other
  provider_account text not null,
  -- the exact request: its money, token and texts
  request jsonb not null,
  -- may have moved, or may yet move, money
  live boolean not null,
  -- what we know: null while it runs; then the kind of the outcome, or 'fenced', 'settled_by_hand'
  outcome text,
  -- an answer to the commit step was ambiguous once (law 5: doubt is sticky)
  ambiguous boolean not null default false,
  detail jsonb,
  -- the provider's object (PaymentIntent, order), once known
  object text,
  -- what the money is known by
  provider_reference text,
  decision jsonb,
  started_at timestamptz not null,
  finished_at timestamptz,
  latency_ms integer,
  -- given up without a fence: look again, a late success is possible (law 8)
  next_look_at timestamptz,
  looks integer not null default 0,
  unique (charge_id, no)
);
create unique index attempts_one_live on attempts (charge_id) where live;
create index attempts_to_look_at on attempts (next_look_at) where next_look_at is not null;
create index attempts_by_reference on attempts (provider, provider_reference) where provider_reference is not null;

-- A compensation of a late success that the charge could not adopt: void, else refund. One per attempt.
create table operations (
  id text primary key,
  charge_id text not null references charges,
  attempt_id text not null unique references attempts,
  kind text not null check (kind = 'compensate'),
  state text not null check (state in ('pending', 'done', 'dead')),
  object text,
  reference text not null,
  amount bigint not null check (amount > 0),
  currency text not null,
  captured boolean not null,
  lease_no integer not null default 0,
  lease_until timestamptz,
  next_action_at timestamptz,
  tries integer not null default 0,
  first_sent_at timestamptz,
  provider_reference text,
  detail text,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create index operations_due on operations (next_action_at) where next_action_at is not null;

create table dead_letters (
  id text primary key,
  account_id text not null,
  kind text not null check (kind in ('charge', 'doubt', 'compensation', 'job')),
  charge_id text references charges,
  attempt_id text references attempts,
  reason text not null,
  data jsonb not null default '{}',
  state text not null default 'open' check (state in ('open', 'replayed', 'settled')),
  created_at timestamptz not null,
  closed_at timestamptz,
  closed_by text
);
create unique index dead_letters_one_open on dead_letters (kind, charge_id, coalesce(attempt_id, '')) where state = 'open' and charge_id is not null;
create unique index dead_letters_one_per_job on dead_letters ((data ->> 'job')) where kind = 'job';
create index dead_letters_by_charge on dead_letters (charge_id);

create table provider_overrides (
  provider text primary key,
  mode text not null check (mode in ('down', 'drain', 'only', 'up')),
  reason text not null,
  actor text not null,
  created_at timestamptz not null,
  expires_at timestamptz
);

-- The pace at which the fleet drains deferred charges: whoever advances it may drain that many this second.
create table drain_pace (
  only_row boolean primary key default true check (only_row),
  granted_at timestamptz not null,
  state jsonb not null
);
insert into drain_pace (granted_at, state) values ('epoch', '{}');

-- The trail. Every state change and every operator action writes its rows in the same statement.
create table events (
  id bigint generated always as identity primary key,
  -- The transaction that wrote it, and the cluster's number: by them the sealer sees what it has not sealed (seal-events.ts).
  -- A restore into another cluster, whose transaction numbers start anew, raises the default epoch by one.
  epoch integer not null default 0,
  xid xid8 not null default pg_current_xact_id(),
  at timestamptz not null,
  account_id text not null,
  type text not null,
  actor text not null,
  charge_id text,
  attempt_id text,
  provider text,
  amount bigint,
  currency text,
  from_status text,
  to_status text,
  outcome text,
  latency_ms integer,
  data jsonb not null default '{}'
);
create index events_by_charge on events (charge_id, id) where charge_id is not null;
create index events_to_seal on events (epoch, xid, id);

-- No foreign key to events: its check would lock, and so write, every event a second time. verify-chain.ts checks instead.
create table event_seals (
  seq bigint primary key,
  event_id bigint not null unique,
  -- sha-256(previous hash || canonical event), canonical-event.ts; the first one's previous hash is 32 zero bytes
  hash bytea not null,
  sealed_at timestamptz not null
);
create index event_seals_by_time on event_seals (sealed_at, seq);

-- The head of the chain and what is sealed: an event of this epoch is, exactly if `done` sees its xid.
-- Only the sealer writes it, in the transaction that seals; its row lock makes the sealer the only one.
create table trail_head (
  only_row boolean primary key default true check (only_row),
  seq bigint not null,
  hash bytea not null,
  epoch integer not null,
  done pg_snapshot not null,
  -- pg_control_system(): another one than ours means that transaction numbers are not comparable with `done`
  cluster bigint not null
);
insert into trail_head (seq, hash, epoch, done, cluster)
  select 0, decode(repeat('00', 32), 'hex'), 0, '1:1:', system_identifier from pg_control_system();

-- Up to where the hourly check found the chain whole, with the hash that it saw there: a chain that is rewritten before it shows.
create table trail_checks (
  only_row boolean primary key default true check (only_row),
  seq bigint not null default 0,
  hash bytea not null default decode(repeat('00', 32), 'hex'),
  -- old events are checked again, a slice each hour: where the next slice starts
  sweep_seq bigint not null default 0,
  checked_at timestamptz,
  -- {seq, kind} of the first break; null while the chain is whole
  broken jsonb
);
insert into trail_checks default values;

-- How far each consumer has turned sealed events into jobs, moved in the transaction that inserts the jobs.
create table dispatch_cursors (
  consumer text primary key,
  seq bigint not null
);

-- Per minute; filled by the sealer in the transaction that seals the events, so a row is counted exactly once. What each
-- column counts: count-events.ts. '' where an event has no provider. A late success takes its earlier failure back: may be negative.
create table stats_rollups (
  bucket timestamptz not null,
  account_id text not null,
  provider text not null,
  currency text not null,
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
  primary key (account_id, bucket, provider, currency)
);

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only', tg_table_name using errcode = 'restrict_violation';
end
$$;
create trigger events_append_only before update or delete or truncate on events execute function refuse_change();
create trigger event_seals_append_only before update or delete or truncate on event_seals execute function refuse_change();

-- Law 8: a terminal state does not move, except that a late success is adopted where no money is held.
create function guard_terminal() returns trigger language plpgsql as $$
begin
  if old.status = 'succeeded' and new.status <> 'succeeded'
     or old.status in ('failed', 'canceled') and new.status not in (old.status, 'succeeded') then
    raise exception 'charge % is %, it does not become %', old.id, old.status, new.status using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;
create trigger charges_terminal before update of status on charges for each row execute function guard_terminal();
