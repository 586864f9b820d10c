-- Authorize, capture, void, refund: what happens to a charge's money after its attempt. Invariants that the database keeps itself:
--   refunds   charges_refunds: what is refunded, or may yet be, is never more than what was captured, however many arrive at once
--   holds     operations_one_settlement: a hold is captured or voided by one operation, and captured once
--   law 8     operations_one_compensation: one compensation per attempt

alter table charges
  add column capture text not null default 'automatic' check (capture in ('automatic', 'manual')),
  add column failover text not null default 'proven' check (failover in ('proven', 'authorize_first')),
  -- the stored payment method that it was made with
  add column payment_method_id text,
  -- refunds that succeeded or may yet succeed: all but the failed ones
  add column amount_reserved bigint not null default 0,
  -- when the hold of an authorized charge lapses
  add column authorized_until timestamptz,
  -- a dispute about it is open
  add column disputed boolean not null default false,
  add constraint charges_refunds check (amount_refunded <= amount_reserved and amount_reserved <= amount_captured);

-- An operation is one act on the money of an attempt. `capture` and `void` run under the charge's lease, and the charge's
-- next_action_at is their queue; `refund` and `compensate` have a lease of their own.
alter table operations
  drop constraint operations_kind_check,
  drop constraint operations_state_check,
  drop constraint operations_attempt_id_key,
  add column account_id text,
  -- the provider's idempotency key of it: the same for every send
  add column provider_key text,
  add column reason text,
  add column metadata jsonb not null default '{}',
  -- why it failed: {code, message, provider_code}
  add column failure jsonb,
  -- an answer to it was ambiguous once (law 5: doubt is sticky)
  add column ambiguous boolean not null default false;
update operations o set account_id = c.account_id, provider_key = o.attempt_id || ':compensate',
  state = case o.state when 'done' then 'succeeded' when 'dead' then 'failed' else 'processing' end
  from charges c where c.id = o.charge_id;
alter table operations
  alter column account_id set not null,
  alter column provider_key set not null,
  add constraint operations_provider_key_key unique (provider_key),
  add constraint operations_kind_check check (kind in ('capture', 'void', 'refund', 'compensate')),
  -- processing: its intent is committed; deferred: proven not executed, to be sent later
  add constraint operations_state_check check (state in ('processing', 'pending', 'in_doubt', 'deferred', 'succeeded', 'failed'));
create unique index operations_one_compensation on operations (attempt_id) where kind = 'compensate';
create unique index operations_one_settlement on operations (charge_id) where kind in ('capture', 'void') and state <> 'failed';
create index operations_by_charge on operations (charge_id);
create index operations_by_reference on operations (provider_reference) where provider_reference is not null;

-- The operation that a key asked for; null: the charge itself, or a cancel that needed none.
alter table idempotency_keys add column operation_id text references operations;

alter table dead_letters
  drop constraint dead_letters_kind_check,
  add column operation_id text references operations,
  add constraint dead_letters_kind_check check (kind in ('charge', 'doubt', 'compensation', 'refund', 'job'));
drop index dead_letters_one_open;
create unique index dead_letters_one_open on dead_letters (kind, charge_id, coalesce(attempt_id, ''), coalesce(operation_id, ''))
  where state = 'open' and charge_id is not null;

-- Differences between a provider's records and ours. A row has an owner and a state; the same difference is one row while it is open.
create table findings (
  id text primary key,
  account_id text not null,
  kind text not null check (kind in
    ('unknown_payment', 'missing_payment', 'amount_differs', 'paid_twice', 'orphan_hold', 'unknown_refund', 'missing_refund', 'unknown_dispute')),
  provider text not null,
  -- what it is about, in the provider's words: a payment, a refund, a dispute; for what the provider does not have, ours
  subject text not null,
  charge_id text,
  attempt_id text,
  operation_id text,
  -- minor units
  our_amount bigint,
  their_amount bigint,
  currency text,
  detail jsonb not null default '{}',
  state text not null default 'open' check (state in ('open', 'resolved')),
  owner text,
  note text,
  first_seen_at timestamptz not null,
  last_seen_at timestamptz not null,
  closed_at timestamptz,
  closed_by text
);
create unique index findings_one_open on findings (provider, kind, subject) where state = 'open';
create index findings_by_account on findings (account_id, id);
