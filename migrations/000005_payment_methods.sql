-- Stored payment methods: one instrument (a card, a wallet) with the token that each provider gave for it. A charge copies what it uses,
-- so that it never needs the row again. Invariants:
--   expiry     month and year are known together, or not at all
--   deletion   is soft, and final: a deleted method takes no change (payment-methods.ts)
--   version    +1 with each change that a person makes: what a new charge was read from is what its intent is committed against

create table payment_methods (
  id text primary key,
  account_id text not null,
  type text not null,
  brand text,
  country text,
  exp_month integer check (exp_month between 1 and 12),
  exp_year integer check (exp_year between 2000 and 2199),
  metadata jsonb not null default '{}',
  version integer not null default 1,
  -- `payment_method.expiring` was told for the present expiry
  expiry_told boolean not null default false,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  deleted_at timestamptz,
  check ((exp_month is null) = (exp_year is null))
);
create index payment_methods_by_account on payment_methods (account_id, id) where deleted_at is null;
create index payment_methods_to_tell on payment_methods (exp_year, exp_month, id) where deleted_at is null and not expiry_told;

create table payment_method_tokens (
  payment_method_id text not null references payment_methods,
  provider text not null,
  -- what the provider calls the instrument: its webhooks name it so (Provider.tokenReference)
  reference text not null,
  token jsonb not null,
  -- gone: the provider says that it can never be charged again
  state text not null default 'active' check (state in ('active', 'gone')),
  reason text,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (payment_method_id, provider),
  check ((state = 'gone') = (reason is not null))
);
create index payment_method_tokens_by_reference on payment_method_tokens (provider, reference);
