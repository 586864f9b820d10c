-- Webhooks to callers, made from sealed events of the trail.

-- An address that wants to hear of events. Its secrets are kept as they are: signing needs them. They are in no list, log or event.
create table webhook_endpoints (
  id text primary key,
  account_id text not null references accounts,
  url text not null,
  -- public event names, `refund.*` or `*`
  events text[] not null,
  description text,
  enabled boolean not null,
  -- `gone`: it answered 410
  disabled_reason text check (disabled_reason in ('operator', 'gone')),
  secret bytea not null,
  -- signs as well until `previous_until`, after a rotation
  previous_secret bytea,
  previous_until timestamptz,
  -- sealed number: what was sealed up to it is not sent (the head when it was made, or enabled again)
  from_seq bigint not null,
  -- since when every try failed: then it gets one request at a time
  failing_since timestamptz,
  -- it asked for a pause (Retry-After)
  held_until timestamptz,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  -- its deliveries are removed little by little, then the row
  deleted_at timestamptz,
  check (enabled = (disabled_reason is null)),
  check ((previous_secret is null) = (previous_until is null))
);
create index webhook_endpoints_by_account on webhook_endpoints (account_id, id);

-- One event for one endpoint. In order: a pending one is not sent while an earlier one of its subject and endpoint is pending.
create table webhook_deliveries (
  -- order of making; that of the trail for one endpoint, but for tests
  no bigint generated always as identity primary key,
  -- webhook-id: the same at each try
  id text not null unique,
  endpoint_id text not null references webhook_endpoints,
  event_id text not null,
  type text not null,
  -- whose order it belongs to: the charge, else the provider, …; null: nobody's
  subject text,
  -- the bytes of each try
  body text not null,
  state text not null default 'pending' check (state in ('pending', 'delivered', 'dead')),
  -- null: it waits for the one before it, or is at its end
  next_try_at timestamptz,
  lease_no integer not null default 0,
  lease_until timestamptz,
  tries integer not null default 0,
  last_tried_at timestamptz,
  last_status integer,
  -- why the last try failed, in our words
  last_error text,
  -- the first characters of the last answer
  last_answer text,
  -- a failure later than this is the last one
  expires_at timestamptz not null,
  created_at timestamptz not null,
  closed_at timestamptz,
  check ((state = 'pending') = (closed_at is null)),
  check (state = 'pending' or next_try_at is null)
);
create index webhook_deliveries_due on webhook_deliveries (endpoint_id, next_try_at, no) where next_try_at is not null;
create index webhook_deliveries_in_order on webhook_deliveries (endpoint_id, subject, no) where state = 'pending';
create index webhook_deliveries_by_endpoint on webhook_deliveries (endpoint_id, no);
create index webhook_deliveries_to_bury on webhook_deliveries (expires_at) where state = 'pending';
create index webhook_deliveries_to_forget on webhook_deliveries (closed_at) where state <> 'pending';

alter table dead_letters
  drop constraint dead_letters_kind_check,
  add constraint dead_letters_kind_check check (kind in ('charge', 'doubt', 'compensation', 'refund', 'webhook', 'job'));
create unique index dead_letters_one_open_delivery on dead_letters ((data ->> 'delivery')) where kind = 'webhook' and state = 'open';
create index dead_letters_by_endpoint on dead_letters ((data ->> 'endpoint')) where kind = 'webhook' and state = 'open';

-- Whether any provider can take new attempts, as the fleet of instances agrees (gateway/health/reachability.ts). One row.
create table fleet_reachability (
  only_row boolean primary key default true check (only_row),
  reachable boolean not null default true,
  changed_at timestamptz not null default 'epoch',
  -- an instance finds no provider that it could use, and asks the others
  suspected_at timestamptz,
  -- another one could
  denied_at timestamptz
);
insert into fleet_reachability default values;
