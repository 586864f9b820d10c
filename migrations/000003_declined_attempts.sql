-- Declined attempts per instrument, over all providers and charges: what the card schemes' retry rules are held against.
-- One row for each token of the charge, because another charge of the same card may have only one of them.
create table declined_attempts (
  id bigint generated always as identity primary key,
  -- sha-256 of a provider's id and its token, never the token
  instrument bytea not null,
  charge_id text not null,
  attempt_id text not null,
  amount bigint not null,
  currency text not null,
  -- an issuer declined it: the schemes' limits count it
  counted boolean not null,
  -- until when, and by which rule, no attempt with this instrument may be made
  forbidden_until timestamptz,
  rule text check (rule in ('visa_never', 'mastercard_never', 'advice_never', 'retry_after')),
  network_code text,
  declined_at timestamptz not null,
  check ((forbidden_until is null) = (rule is null))
);
-- The only index on a time: with another one, the planner might read that instead of an instrument's few rows.
create index declined_attempts_by_instrument on declined_attempts (instrument, declined_at);
