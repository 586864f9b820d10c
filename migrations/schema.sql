-- Generated from the catalog after all migrations (npm run schema). Do not edit: `npm run check` compares it.

CREATE OR REPLACE FUNCTION public.guard_terminal()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if old.status = 'succeeded' and new.status <> 'succeeded'
     or old.status in ('failed', 'canceled') and new.status not in (old.status, 'succeeded') then
    raise exception 'charge % is %, it does not become %', old.id, old.status, new.status using errcode = 'restrict_violation';
  end if;
  return new;
end
$function$;

CREATE OR REPLACE FUNCTION public.refuse_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  raise exception '% is append-only', tg_table_name using errcode = 'restrict_violation';
end
$function$;

create table accounts (
  id text not null,
  name text not null,
  created_at timestamp with time zone default now() not null,
  constraint accounts_pkey PRIMARY KEY (id)
);

create table api_keys (
  id text not null,
  account_id text not null,
  name text not null,
  role text not null,
  key_hash bytea not null,
  created_at timestamp with time zone not null,
  revoked_at timestamp with time zone,
  constraint api_keys_pkey PRIMARY KEY (id),
  constraint api_keys_key_hash_key UNIQUE (key_hash),
  constraint api_keys_role_check CHECK ((role = ANY (ARRAY['billing'::text, 'finance'::text, 'ops'::text, 'admin'::text]))),
  constraint api_keys_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id)
);

create table attempts (
  id text not null,
  charge_id text not null,
  no integer not null,
  provider text not null,
  provider_account text not null,
  request jsonb not null,
  live boolean not null,
  outcome text,
  ambiguous boolean default false not null,
  detail jsonb,
  object text,
  provider_reference text,
  decision jsonb,
  started_at timestamp with time zone not null,
  finished_at timestamp with time zone,
  latency_ms integer,
  next_look_at timestamp with time zone,
  looks integer default 0 not null,
  constraint attempts_pkey PRIMARY KEY (id),
  constraint attempts_charge_id_no_key UNIQUE (charge_id, no),
  constraint attempts_no_check CHECK ((no > 0)),
  constraint attempts_charge_id_fkey FOREIGN KEY (charge_id) REFERENCES charges(id)
);
CREATE INDEX attempts_by_object ON public.attempts USING btree (provider, object) WHERE (object IS NOT NULL);
CREATE INDEX attempts_by_reference ON public.attempts USING btree (provider, provider_reference) WHERE (provider_reference IS NOT NULL);
CREATE UNIQUE INDEX attempts_one_live ON public.attempts USING btree (charge_id) WHERE live;
CREATE INDEX attempts_to_look_at ON public.attempts USING btree (next_look_at) WHERE (next_look_at IS NOT NULL);

create table charges (
  id text not null,
  account_id text not null,
  livemode boolean not null,
  status text not null,
  amount bigint not null,
  currency text not null,
  amount_captured bigint default 0 not null,
  amount_refunded bigint default 0 not null,
  reference text,
  allow_duplicate_reference boolean default false not null,
  idempotency_key text not null,
  payment_method jsonb not null,
  providers text[] not null,
  excluded text[] default '{}'::text[] not null,
  description text,
  metadata jsonb not null,
  defer boolean not null,
  defer_until timestamp with time zone not null,
  lease_no integer not null,
  lease_until timestamp with time zone,
  next_action_at timestamp with time zone,
  tries integer default 0 not null,
  provider text,
  provider_reference text,
  failure jsonb,
  deferred jsonb,
  next_action jsonb,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  capture text default 'automatic'::text not null,
  failover text default 'proven'::text not null,
  payment_method_id text,
  amount_reserved bigint default 0 not null,
  authorized_until timestamp with time zone,
  disputed boolean default false not null,
  constraint charges_pkey PRIMARY KEY (id),
  constraint charges_amount_captured_check CHECK ((amount_captured >= 0)),
  constraint charges_amount_check CHECK (((amount > 0) AND (amount < '1000000000000'::bigint))),
  constraint charges_amount_refunded_check CHECK ((amount_refunded >= 0)),
  constraint charges_capture_check CHECK ((capture = ANY (ARRAY['automatic'::text, 'manual'::text]))),
  constraint charges_currency_check CHECK ((currency ~ '^[a-z]{3}$'::text)),
  constraint charges_failover_check CHECK ((failover = ANY (ARRAY['proven'::text, 'authorize_first'::text]))),
  constraint charges_money CHECK (((amount_refunded <= amount_captured) AND ((status = 'succeeded'::text) = (amount_captured > 0)) AND ((status <> ALL (ARRAY['processing'::text, 'in_doubt'::text, 'pending'::text, 'requires_action'::text])) OR (next_action_at IS NOT NULL)))),
  constraint charges_refunds CHECK (((amount_refunded <= amount_reserved) AND (amount_reserved <= amount_captured))),
  constraint charges_status_check CHECK ((status = ANY (ARRAY['processing'::text, 'requires_action'::text, 'pending'::text, 'in_doubt'::text, 'deferred'::text, 'authorized'::text, 'succeeded'::text, 'failed'::text, 'canceled'::text])))
);
CREATE INDEX charges_by_account ON public.charges USING btree (account_id, id);
CREATE INDEX charges_by_provider ON public.charges USING btree (account_id, provider, id) WHERE (provider IS NOT NULL);
CREATE INDEX charges_by_reference ON public.charges USING btree (reference, account_id, id) WHERE (reference IS NOT NULL);
CREATE INDEX charges_by_status ON public.charges USING btree (account_id, status, id) WHERE (status = ANY (ARRAY['requires_action'::text, 'pending'::text, 'in_doubt'::text, 'deferred'::text, 'authorized'::text, 'failed'::text, 'canceled'::text]));
CREATE INDEX charges_deferred ON public.charges USING btree (created_at) WHERE (status = 'deferred'::text);
CREATE INDEX charges_deferred_expiry ON public.charges USING btree (defer_until) WHERE ((status = 'deferred'::text) AND (next_action_at IS NOT NULL));
CREATE INDEX charges_due ON public.charges USING btree (next_action_at) WHERE ((next_action_at IS NOT NULL) AND (status <> 'deferred'::text));
CREATE INDEX charges_in_doubt ON public.charges USING btree (created_at) WHERE (status = 'in_doubt'::text);
CREATE UNIQUE INDEX charges_one_unfinished_per_reference ON public.charges USING btree (account_id, reference) WHERE ((reference IS NOT NULL) AND (NOT allow_duplicate_reference) AND (status = ANY (ARRAY['processing'::text, 'requires_action'::text, 'pending'::text, 'in_doubt'::text, 'deferred'::text, 'authorized'::text])));
CREATE TRIGGER charges_terminal BEFORE UPDATE OF status ON public.charges FOR EACH ROW EXECUTE FUNCTION guard_terminal();

create table console_sessions (
  token_hash bytea not null,
  account_id text not null,
  key_id text,
  created_at timestamp with time zone not null,
  expires_at timestamp with time zone not null,
  constraint console_sessions_pkey PRIMARY KEY (token_hash),
  constraint console_sessions_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id),
  constraint console_sessions_key_id_fkey FOREIGN KEY (key_id) REFERENCES api_keys(id)
);
CREATE INDEX console_sessions_by_expiry ON public.console_sessions USING btree (expires_at);
CREATE INDEX console_sessions_by_key ON public.console_sessions USING btree (key_id, created_at);

create table dead_letters (
  id text not null,
  account_id text not null,
  kind text not null,
  charge_id text,
  attempt_id text,
  reason text not null,
  data jsonb default '{}'::jsonb not null,
  state text default 'open'::text not null,
  created_at timestamp with time zone not null,
  closed_at timestamp with time zone,
  closed_by text,
  operation_id text,
  constraint dead_letters_pkey PRIMARY KEY (id),
  constraint dead_letters_kind_check CHECK ((kind = ANY (ARRAY['charge'::text, 'doubt'::text, 'compensation'::text, 'refund'::text, 'webhook'::text, 'job'::text]))),
  constraint dead_letters_state_check CHECK ((state = ANY (ARRAY['open'::text, 'replayed'::text, 'settled'::text]))),
  constraint dead_letters_attempt_id_fkey FOREIGN KEY (attempt_id) REFERENCES attempts(id),
  constraint dead_letters_charge_id_fkey FOREIGN KEY (charge_id) REFERENCES charges(id),
  constraint dead_letters_operation_id_fkey FOREIGN KEY (operation_id) REFERENCES operations(id)
);
CREATE INDEX dead_letters_by_account ON public.dead_letters USING btree (account_id, state, id);
CREATE INDEX dead_letters_by_charge ON public.dead_letters USING btree (charge_id);
CREATE INDEX dead_letters_by_endpoint ON public.dead_letters USING btree (((data ->> 'endpoint'::text))) WHERE ((kind = 'webhook'::text) AND (state = 'open'::text));
CREATE UNIQUE INDEX dead_letters_one_open ON public.dead_letters USING btree (kind, charge_id, COALESCE(attempt_id, ''::text), COALESCE(operation_id, ''::text)) WHERE ((state = 'open'::text) AND (charge_id IS NOT NULL));
CREATE UNIQUE INDEX dead_letters_one_open_delivery ON public.dead_letters USING btree (((data ->> 'delivery'::text))) WHERE ((kind = 'webhook'::text) AND (state = 'open'::text));
CREATE UNIQUE INDEX dead_letters_one_per_job ON public.dead_letters USING btree (((data ->> 'job'::text))) WHERE (kind = 'job'::text);

create table declined_attempts (
  id bigint generated always as identity not null,
  instrument bytea not null,
  charge_id text not null,
  attempt_id text not null,
  amount bigint not null,
  currency text not null,
  counted boolean not null,
  forbidden_until timestamp with time zone,
  rule text,
  network_code text,
  declined_at timestamp with time zone not null,
  constraint declined_attempts_pkey PRIMARY KEY (id),
  constraint declined_attempts_check CHECK (((forbidden_until IS NULL) = (rule IS NULL))),
  constraint declined_attempts_rule_check CHECK ((rule = ANY (ARRAY['visa_never'::text, 'mastercard_never'::text, 'advice_never'::text, 'retry_after'::text])))
);
CREATE INDEX declined_attempts_by_instrument ON public.declined_attempts USING btree (instrument, declined_at);

create table dispatch_cursors (
  consumer text not null,
  seq bigint not null,
  constraint dispatch_cursors_pkey PRIMARY KEY (consumer)
);

create table disputes (
  id text not null,
  account_id text not null,
  provider text not null,
  provider_dispute text not null,
  charge_id text not null,
  attempt_id text not null,
  amount bigint,
  currency text,
  status text not null,
  reason text,
  network_code text,
  evidence_due_at timestamp with time zone,
  opened_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  occurred_at timestamp with time zone not null,
  constraint disputes_pkey PRIMARY KEY (id),
  constraint disputes_one UNIQUE (provider, provider_dispute),
  constraint disputes_amount_check CHECK ((amount >= 0)),
  constraint disputes_status_check CHECK ((status = ANY (ARRAY['warning'::text, 'open'::text, 'won'::text, 'lost'::text, 'closed'::text]))),
  constraint disputes_attempt_id_fkey FOREIGN KEY (attempt_id) REFERENCES attempts(id),
  constraint disputes_charge_id_fkey FOREIGN KEY (charge_id) REFERENCES charges(id)
);
CREATE INDEX disputes_by_account ON public.disputes USING btree (account_id, id);
CREATE INDEX disputes_by_charge ON public.disputes USING btree (charge_id);

create table drain_pace (
  only_row boolean default true not null,
  granted_at timestamp with time zone not null,
  state jsonb not null,
  constraint drain_pace_pkey PRIMARY KEY (only_row),
  constraint drain_pace_only_row_check CHECK (only_row)
);

create table event_seals (
  seq bigint not null,
  event_id bigint not null,
  hash bytea not null,
  sealed_at timestamp with time zone not null,
  constraint event_seals_pkey PRIMARY KEY (seq),
  constraint event_seals_event_id_key UNIQUE (event_id)
);
CREATE INDEX event_seals_by_time ON public.event_seals USING btree (sealed_at, seq);
CREATE TRIGGER event_seals_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.event_seals FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

create table events (
  id bigint generated always as identity not null,
  epoch integer default 0 not null,
  xid xid8 default pg_current_xact_id() not null,
  at timestamp with time zone not null,
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
  data jsonb default '{}'::jsonb not null,
  constraint events_pkey PRIMARY KEY (id)
);
CREATE INDEX events_by_charge ON public.events USING btree (charge_id, id) WHERE (charge_id IS NOT NULL);
CREATE INDEX events_by_time ON public.events USING brin (at) WITH (pages_per_range='16', autosummarize='on');
CREATE INDEX events_of_providers ON public.events USING btree (provider, at, id) WHERE (type = ANY (ARRAY['provider.opened'::text, 'provider.closed'::text, 'override.set'::text, 'override.removed'::text]));
CREATE INDEX events_to_seal ON public.events USING btree (epoch, xid, id);
CREATE TRIGGER events_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.events FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

create table findings (
  id text not null,
  account_id text not null,
  kind text not null,
  provider text not null,
  subject text not null,
  charge_id text,
  attempt_id text,
  operation_id text,
  our_amount bigint,
  their_amount bigint,
  currency text,
  detail jsonb default '{}'::jsonb not null,
  state text default 'open'::text not null,
  owner text,
  note text,
  first_seen_at timestamp with time zone not null,
  last_seen_at timestamp with time zone not null,
  closed_at timestamp with time zone,
  closed_by text,
  constraint findings_pkey PRIMARY KEY (id),
  constraint findings_kind_check CHECK ((kind = ANY (ARRAY['unknown_payment'::text, 'missing_payment'::text, 'amount_differs'::text, 'paid_twice'::text, 'orphan_hold'::text, 'unknown_refund'::text, 'missing_refund'::text, 'unknown_dispute'::text]))),
  constraint findings_state_check CHECK ((state = ANY (ARRAY['open'::text, 'resolved'::text])))
);
CREATE INDEX findings_by_account ON public.findings USING btree (account_id, id);
CREATE INDEX findings_by_charge ON public.findings USING btree (charge_id) WHERE (charge_id IS NOT NULL);
CREATE INDEX findings_by_subject ON public.findings USING btree (provider, kind, subject);
CREATE UNIQUE INDEX findings_one_open ON public.findings USING btree (provider, kind, subject) WHERE (state = 'open'::text);
CREATE INDEX findings_open ON public.findings USING btree (provider, last_seen_at) WHERE (state = 'open'::text);

create table fleet_reachability (
  only_row boolean default true not null,
  reachable boolean default true not null,
  changed_at timestamp with time zone default '1970-01-01 00:00:00+00'::timestamp with time zone not null,
  suspected_at timestamp with time zone,
  denied_at timestamp with time zone,
  constraint fleet_reachability_pkey PRIMARY KEY (only_row),
  constraint fleet_reachability_only_row_check CHECK (only_row)
);

create table idempotency_keys (
  account_id text not null,
  key text not null,
  operation text not null,
  fingerprint bytea not null,
  charge_id text not null,
  created_at timestamp with time zone not null,
  operation_id text,
  constraint idempotency_keys_pkey PRIMARY KEY (account_id, key),
  constraint idempotency_keys_charge_id_fkey FOREIGN KEY (charge_id) REFERENCES charges(id),
  constraint idempotency_keys_operation_id_fkey FOREIGN KEY (operation_id) REFERENCES operations(id)
);

create table installation (
  only_row boolean default true not null,
  id text not null,
  livemode boolean not null,
  created_at timestamp with time zone not null,
  constraint installation_pkey PRIMARY KEY (only_row),
  constraint installation_only_row_check CHECK (only_row)
);

create table notifications (
  only_row boolean default true not null,
  state jsonb default '{}'::jsonb not null,
  constraint notifications_pkey PRIMARY KEY (only_row),
  constraint notifications_only_row_check CHECK (only_row)
);

create table operations (
  id text not null,
  charge_id text not null,
  attempt_id text not null,
  kind text not null,
  state text not null,
  object text,
  reference text not null,
  amount bigint not null,
  currency text not null,
  captured boolean not null,
  lease_no integer default 0 not null,
  lease_until timestamp with time zone,
  next_action_at timestamp with time zone,
  tries integer default 0 not null,
  first_sent_at timestamp with time zone,
  provider_reference text,
  detail text,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  account_id text not null,
  provider_key text not null,
  reason text,
  metadata jsonb default '{}'::jsonb not null,
  failure jsonb,
  ambiguous boolean default false not null,
  constraint operations_pkey PRIMARY KEY (id),
  constraint operations_provider_key_key UNIQUE (provider_key),
  constraint operations_amount_check CHECK ((amount > 0)),
  constraint operations_kind_check CHECK ((kind = ANY (ARRAY['capture'::text, 'void'::text, 'refund'::text, 'compensate'::text]))),
  constraint operations_state_check CHECK ((state = ANY (ARRAY['processing'::text, 'pending'::text, 'in_doubt'::text, 'deferred'::text, 'succeeded'::text, 'failed'::text]))),
  constraint operations_attempt_id_fkey FOREIGN KEY (attempt_id) REFERENCES attempts(id),
  constraint operations_charge_id_fkey FOREIGN KEY (charge_id) REFERENCES charges(id)
);
CREATE INDEX operations_by_charge ON public.operations USING btree (charge_id);
CREATE INDEX operations_by_reference ON public.operations USING btree (provider_reference) WHERE (provider_reference IS NOT NULL);
CREATE INDEX operations_by_success ON public.operations USING btree (updated_at) WHERE (state = 'succeeded'::text);
CREATE INDEX operations_due ON public.operations USING btree (next_action_at) WHERE (next_action_at IS NOT NULL);
CREATE UNIQUE INDEX operations_one_compensation ON public.operations USING btree (attempt_id) WHERE (kind = 'compensate'::text);
CREATE UNIQUE INDEX operations_one_settlement ON public.operations USING btree (charge_id) WHERE ((kind = ANY (ARRAY['capture'::text, 'void'::text])) AND (state <> 'failed'::text));
CREATE INDEX operations_refunds ON public.operations USING btree (account_id, id) WHERE (kind = 'refund'::text);

create table payment_method_tokens (
  payment_method_id text not null,
  provider text not null,
  reference text not null,
  token jsonb not null,
  state text default 'active'::text not null,
  reason text,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  constraint payment_method_tokens_pkey PRIMARY KEY (payment_method_id, provider),
  constraint payment_method_tokens_check CHECK (((state = 'gone'::text) = (reason IS NOT NULL))),
  constraint payment_method_tokens_state_check CHECK ((state = ANY (ARRAY['active'::text, 'gone'::text]))),
  constraint payment_method_tokens_payment_method_id_fkey FOREIGN KEY (payment_method_id) REFERENCES payment_methods(id)
);
CREATE INDEX payment_method_tokens_by_reference ON public.payment_method_tokens USING btree (provider, reference);

create table payment_methods (
  id text not null,
  account_id text not null,
  type text not null,
  brand text,
  country text,
  exp_month integer,
  exp_year integer,
  metadata jsonb default '{}'::jsonb not null,
  version integer default 1 not null,
  expiry_told boolean default false not null,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  deleted_at timestamp with time zone,
  constraint payment_methods_pkey PRIMARY KEY (id),
  constraint payment_methods_check CHECK (((exp_month IS NULL) = (exp_year IS NULL))),
  constraint payment_methods_exp_month_check CHECK (((exp_month >= 1) AND (exp_month <= 12))),
  constraint payment_methods_exp_year_check CHECK (((exp_year >= 2000) AND (exp_year <= 2199)))
);
CREATE INDEX payment_methods_by_account ON public.payment_methods USING btree (account_id, id) WHERE (deleted_at IS NULL);
CREATE INDEX payment_methods_to_tell ON public.payment_methods USING btree (exp_year, exp_month, id) WHERE ((deleted_at IS NULL) AND (NOT expiry_told));

create table provider_accounts (
  provider text not null,
  kind text not null,
  account text not null,
  livemode boolean not null,
  first_used_at timestamp with time zone not null,
  constraint provider_accounts_pkey PRIMARY KEY (provider)
);

create table provider_events (
  provider text not null,
  event text not null,
  type text not null,
  subject jsonb not null,
  occurred_at timestamp with time zone not null,
  received_at timestamp with time zone not null,
  state text not null,
  look_at timestamp with time zone,
  looks integer default 0 not null,
  charge_id text,
  attempt_id text,
  constraint provider_events_pkey PRIMARY KEY (provider, event),
  constraint provider_events_check CHECK (((state = 'waiting'::text) = (look_at IS NOT NULL))),
  constraint provider_events_state_check CHECK ((state = ANY (ARRAY['handled'::text, 'waiting'::text, 'unknown'::text])))
);
CREATE INDEX provider_events_by_age ON public.provider_events USING btree (received_at);
CREATE INDEX provider_events_waiting ON public.provider_events USING btree (look_at) WHERE (look_at IS NOT NULL);

create table provider_overrides (
  provider text not null,
  mode text not null,
  reason text not null,
  actor text not null,
  created_at timestamp with time zone not null,
  expires_at timestamp with time zone,
  constraint provider_overrides_pkey PRIMARY KEY (provider),
  constraint provider_overrides_mode_check CHECK ((mode = ANY (ARRAY['down'::text, 'drain'::text, 'only'::text, 'up'::text])))
);

create table reconciliation_reads (
  run_id text not null,
  provider text not null,
  what text not null,
  provider_account text not null,
  cursor text,
  done boolean default false not null,
  records bigint default 0 not null,
  constraint reconciliation_reads_pkey PRIMARY KEY (run_id, provider, what),
  constraint reconciliation_reads_what_check CHECK ((what = ANY (ARRAY['payments'::text, 'refunds'::text]))),
  constraint reconciliation_reads_run_id_fkey FOREIGN KEY (run_id) REFERENCES reconciliation_runs(id)
);

create table reconciliation_records (
  run_id text not null,
  provider text not null,
  kind text not null,
  reference text not null,
  state text not null,
  amount bigint not null,
  currency text not null,
  created_at timestamp with time zone not null,
  object text,
  named_attempt text,
  named_charge text,
  payment text,
  refund_key text,
  attempt_id text,
  charge_id text,
  operation_id text,
  constraint reconciliation_records_pkey PRIMARY KEY (run_id, provider, kind, reference),
  constraint reconciliation_records_kind_check CHECK ((kind = ANY (ARRAY['payment'::text, 'refund'::text]))),
  constraint reconciliation_records_run_id_fkey FOREIGN KEY (run_id) REFERENCES reconciliation_runs(id)
);
CREATE INDEX reconciliation_records_by_charge ON public.reconciliation_records USING btree (run_id, charge_id) WHERE (charge_id IS NOT NULL);
CREATE INDEX reconciliation_records_by_operation ON public.reconciliation_records USING btree (run_id, operation_id) WHERE (operation_id IS NOT NULL);

create table reconciliation_runs (
  id text not null,
  account_id text not null,
  actor text not null,
  state text default 'queued'::text not null,
  provider text,
  day date,
  from_at timestamp with time zone not null,
  to_at timestamp with time zone not null,
  lease_no integer default 0 not null,
  lease_until timestamp with time zone,
  error text,
  report jsonb default '{}'::jsonb not null,
  created_at timestamp with time zone not null,
  started_at timestamp with time zone,
  finished_at timestamp with time zone,
  constraint reconciliation_runs_pkey PRIMARY KEY (id),
  constraint reconciliation_runs_day_key UNIQUE (day),
  constraint reconciliation_runs_check CHECK ((from_at < to_at)),
  constraint reconciliation_runs_state_check CHECK ((state = ANY (ARRAY['queued'::text, 'running'::text, 'finished'::text, 'failed'::text])))
);
CREATE INDEX reconciliation_runs_by_account ON public.reconciliation_runs USING btree (account_id, id);

create table routing_rules (
  version integer not null,
  rules jsonb not null,
  actor text not null,
  comment text,
  created_at timestamp with time zone not null,
  constraint routing_rules_pkey PRIMARY KEY (version),
  constraint routing_rules_version_check CHECK ((version > 0))
);
CREATE TRIGGER routing_rules_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.routing_rules FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

create table stats_rollups (
  bucket timestamp with time zone not null,
  account_id text not null,
  provider text not null,
  currency text not null,
  attempts bigint default 0 not null,
  approved bigint default 0 not null,
  declined bigint default 0 not null,
  not_sent bigint default 0 not null,
  in_doubt bigint default 0 not null,
  latency_ms_sum bigint default 0 not null,
  latency_count bigint default 0 not null,
  charges_succeeded bigint default 0 not null,
  amount_succeeded bigint default 0 not null,
  charges_failed bigint default 0 not null,
  amount_failed bigint default 0 not null,
  charges_canceled bigint default 0 not null,
  amount_canceled bigint default 0 not null,
  charges_deferred bigint default 0 not null,
  amount_deferred bigint default 0 not null,
  refunds_succeeded bigint default 0 not null,
  amount_refunded bigint default 0 not null,
  disputes_opened bigint default 0 not null,
  amount_disputed bigint default 0 not null,
  charges_recovered bigint default 0 not null,
  amount_recovered bigint default 0 not null,
  constraint stats_rollups_pkey PRIMARY KEY (account_id, bucket, provider, currency)
);

create table stats_segments (
  account_id text not null,
  grain text not null,
  bucket timestamp with time zone not null,
  provider text not null,
  currency text not null,
  type text not null,
  brand text not null,
  country text not null,
  attempts bigint default 0 not null,
  approved bigint default 0 not null,
  declined bigint default 0 not null,
  not_sent bigint default 0 not null,
  in_doubt bigint default 0 not null,
  latency_ms_sum bigint default 0 not null,
  latency_count bigint default 0 not null,
  charges_succeeded bigint default 0 not null,
  amount_succeeded bigint default 0 not null,
  charges_failed bigint default 0 not null,
  amount_failed bigint default 0 not null,
  charges_canceled bigint default 0 not null,
  amount_canceled bigint default 0 not null,
  charges_deferred bigint default 0 not null,
  amount_deferred bigint default 0 not null,
  refunds_succeeded bigint default 0 not null,
  amount_refunded bigint default 0 not null,
  disputes_opened bigint default 0 not null,
  amount_disputed bigint default 0 not null,
  charges_recovered bigint default 0 not null,
  amount_recovered bigint default 0 not null,
  amount_approved bigint default 0 not null,
  amount_declined bigint default 0 not null,
  amount_not_sent bigint default 0 not null,
  amount_in_doubt bigint default 0 not null,
  constraint stats_segments_pkey PRIMARY KEY (account_id, grain, bucket, provider, currency, type, brand, country),
  constraint stats_segments_grain_check CHECK ((grain = ANY (ARRAY['hour'::text, 'day'::text])))
);

create table trail_checks (
  only_row boolean default true not null,
  seq bigint default 0 not null,
  hash bytea default decode(repeat('00'::text, 32), 'hex'::text) not null,
  sweep_seq bigint default 0 not null,
  checked_at timestamp with time zone,
  broken jsonb,
  constraint trail_checks_pkey PRIMARY KEY (only_row),
  constraint trail_checks_only_row_check CHECK (only_row)
);

create table trail_head (
  only_row boolean default true not null,
  seq bigint not null,
  hash bytea not null,
  epoch integer not null,
  done pg_snapshot not null,
  cluster bigint not null,
  constraint trail_head_pkey PRIMARY KEY (only_row),
  constraint trail_head_only_row_check CHECK (only_row)
);

create table webhook_deliveries (
  no bigint generated always as identity not null,
  id text not null,
  endpoint_id text not null,
  event_id text not null,
  type text not null,
  subject text,
  body text not null,
  state text default 'pending'::text not null,
  next_try_at timestamp with time zone,
  lease_no integer default 0 not null,
  lease_until timestamp with time zone,
  tries integer default 0 not null,
  last_tried_at timestamp with time zone,
  last_status integer,
  last_error text,
  last_answer text,
  expires_at timestamp with time zone not null,
  created_at timestamp with time zone not null,
  closed_at timestamp with time zone,
  constraint webhook_deliveries_pkey PRIMARY KEY (no),
  constraint webhook_deliveries_id_key UNIQUE (id),
  constraint webhook_deliveries_check CHECK (((state = 'pending'::text) = (closed_at IS NULL))),
  constraint webhook_deliveries_check1 CHECK (((state = 'pending'::text) OR (next_try_at IS NULL))),
  constraint webhook_deliveries_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'delivered'::text, 'dead'::text]))),
  constraint webhook_deliveries_endpoint_id_fkey FOREIGN KEY (endpoint_id) REFERENCES webhook_endpoints(id)
);
CREATE INDEX webhook_deliveries_by_endpoint ON public.webhook_deliveries USING btree (endpoint_id, no);
CREATE INDEX webhook_deliveries_due ON public.webhook_deliveries USING btree (endpoint_id, next_try_at, no) WHERE (next_try_at IS NOT NULL);
CREATE INDEX webhook_deliveries_in_order ON public.webhook_deliveries USING btree (endpoint_id, subject, no) WHERE (state = 'pending'::text);
CREATE INDEX webhook_deliveries_to_bury ON public.webhook_deliveries USING btree (expires_at) WHERE (state = 'pending'::text);
CREATE INDEX webhook_deliveries_to_forget ON public.webhook_deliveries USING btree (closed_at) WHERE (state <> 'pending'::text);

create table webhook_endpoints (
  id text not null,
  account_id text not null,
  url text not null,
  events text[] not null,
  description text,
  enabled boolean not null,
  disabled_reason text,
  secret bytea not null,
  previous_secret bytea,
  previous_until timestamp with time zone,
  from_seq bigint not null,
  failing_since timestamp with time zone,
  held_until timestamp with time zone,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  deleted_at timestamp with time zone,
  constraint webhook_endpoints_pkey PRIMARY KEY (id),
  constraint webhook_endpoints_check CHECK ((enabled = (disabled_reason IS NULL))),
  constraint webhook_endpoints_check1 CHECK (((previous_secret IS NULL) = (previous_until IS NULL))),
  constraint webhook_endpoints_disabled_reason_check CHECK ((disabled_reason = ANY (ARRAY['operator'::text, 'gone'::text]))),
  constraint webhook_endpoints_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id)
);
CREATE INDEX webhook_endpoints_by_account ON public.webhook_endpoints USING btree (account_id, id);
