-- What the processors tell us by themselves. Invariants that the database keeps itself:
--   once       provider_events: an event is stored once, however often and wherever it is delivered
--   disputes   disputes_one: a provider's dispute is one row, of one charge

-- The inbox. A row is a hint that was acted upon, in the statement that stored it; what came of it is asked of the provider.
-- No foreign keys: their checks would lock rows that commits of charges wait for.
create table provider_events (
  provider text not null,
  -- the provider's id of the event
  event text not null,
  -- the provider's word for it
  type text not null,
  -- what it is about, as the adapter read it
  subject jsonb not null,
  -- by the provider's clock
  occurred_at timestamptz not null,
  received_at timestamptz not null,
  -- waiting: it names nothing that we know, so far; unknown: it never did
  state text not null check (state in ('handled', 'waiting', 'unknown')),
  -- when one that waits is matched again, and how often it was
  look_at timestamptz,
  looks integer not null default 0,
  charge_id text,
  attempt_id text,
  primary key (provider, event),
  check ((state = 'waiting') = (look_at is not null))
);
create index provider_events_waiting on provider_events (look_at) where look_at is not null;
create index provider_events_by_age on provider_events (received_at);

-- Webhooks, and records of a provider that do not carry our ids, name an attempt by its object.
create index attempts_by_object on attempts (provider, object) where object is not null;

-- Written by whoever holds the charge's row lock: `charges.disputed` is true exactly while one of the charge's disputes is open.
create table disputes (
  id text primary key,
  account_id text not null,
  provider text not null,
  provider_dispute text not null,
  charge_id text not null references charges,
  attempt_id text not null references attempts,
  -- minor units; null: the provider did not say
  amount bigint check (amount >= 0),
  currency text,
  -- warning: an inquiry, no money was taken yet
  status text not null check (status in ('warning', 'open', 'won', 'lost', 'closed')),
  reason text,
  network_code text,
  evidence_due_at timestamptz,
  -- of the first event that we had of it
  opened_at timestamptz not null,
  updated_at timestamptz not null,
  -- of the newest event that was applied, by the provider's clock: what is older changes nothing
  occurred_at timestamptz not null,
  constraint disputes_one unique (provider, provider_dispute)
);
create index disputes_by_charge on disputes (charge_id);
create index disputes_by_account on disputes (account_id, id);
