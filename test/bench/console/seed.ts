import pg from "pg";

/** What a database of `charges` holds besides: about 2% of them wait, 1 in 20 failed over, one dead letter each 2,000, three events each. */
export interface Seed {
  readonly charges: number;
  /** Spread evenly over this many days before `endsAt`. */
  readonly days: number;
  readonly endsAt: Date;
}

/**
 * Fills a migrated, empty database by SQL alone, as the gateway would have left it: charges with keys, attempts, sealed events and rollups
 * that agree with them. Then it is analysed, as autovacuum does. A million charges take some minutes.
 */
export async function seed(url: string, { charges, days, endsAt }: Seed, say: (line: string) => void = () => {}): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    // As a restore does it: the rows are known to be right.
    await client.query("set session_replication_role = replica; set synchronous_commit = off; set work_mem = '256MB'");
    await client.query(DRAFTS, [charges, new Date(endsAt.getTime() - days * 86_400_000), endsAt]);
    for (const [what, text] of STEPS) {
      await client.query(text);
      say(what);
    }
    await client.query("drop table draft");
    await client.query("vacuum (analyze)");
  } finally {
    await client.end();
  }
}

/** $1 charges from $2 to $3. Ids as ids.ts makes them: ten characters of time, sixteen others. */
const DRAFTS = `create unlogged table draft as
  select 'ch_' || k.id as id, 'at_' || k.id as attempt, n, at, k.id as tail,
    case when n % 1000 < 880 then 'succeeded' when n % 1000 < 985 then 'failed' when n % 1000 < 995 then 'canceled'
      when n % 1000 < 998 then 'deferred' when n % 1000 = 998 then 'in_doubt' else 'authorized' end as status,
    case when n % 20 = 0 or n % 5 = 1 then 'paypal' else 'stripe' end as provider, n % 20 = 0 as failed_over,
    (array['usd', 'usd', 'eur', 'gbp'])[1 + n % 4] as currency,
    (array['US', 'DE', 'GB', 'FR', 'BR', 'JP', 'ES', 'IT', 'NL', 'SE', 'CA', 'AU'])[1 + (n / 4) % 12] as country,
    (array['visa', 'mastercard', 'amex', 'discover'])[1 + (n / 7) % 4] as brand, 500 + n::bigint * 7919 % 20000 as amount
  from (select n, $2::timestamptz + n * (($3::timestamptz - $2) / $1::integer) as at from generate_series(0, $1::integer - 1) n) s
  cross join lateral (select (extract(epoch from at) * 1000)::bigint as ms offset 0) t
  cross join lateral (select string_agg(substr('0123456789abcdefghjkmnpqrstvwxyz', (ms >> (5 * i) & 31)::integer + 1, 1), '' order by i desc)
    || substr(md5(n::text), 1, 16) as id from generate_series(0, 9) i) k`;

const SETTLED = "status in ('succeeded', 'failed', 'canceled')";
/** Each event of a transaction of its own, as the planner knows them. (A gateway started on this database finds numbers from elsewhere, and begins an epoch.) */
const XID = "(2 * n + k + 3)::text::xid8";
const EVENT =
  "insert into events (xid, at, account_id, type, actor, charge_id, attempt_id, provider, amount, currency, from_status, to_status, outcome, latency_ms)";
/** What the rows of `draft` count for; see count-events.ts. */
const COUNTS = {
  attempts: "1",
  approved: "(status = 'succeeded')::integer",
  declined: "(status = 'failed')::integer",
  in_doubt: "(status = 'in_doubt')::integer",
  latency_ms_sum: "100 + n % 300",
  latency_count: "1",
  charges_succeeded: "(status = 'succeeded')::integer",
  amount_succeeded: "(status = 'succeeded')::integer * amount",
  charges_failed: "(status = 'failed')::integer",
  amount_failed: "(status = 'failed')::integer * amount",
  charges_recovered: "(status = 'succeeded' and failed_over)::integer",
  amount_recovered: "(status = 'succeeded' and failed_over)::integer * amount",
};
const FLOW = {
  amount_approved: "(status = 'succeeded')::integer * amount",
  amount_declined: "(status = 'failed')::integer * amount",
};
const sums = (of: Readonly<Record<string, string>>) =>
  Object.values(of)
    .map((text) => `sum(${text})`)
    .join(", ");
const names = (of: object) => Object.keys(of).join(", ");

const STEPS: readonly (readonly [what: string, text: string])[] = [
  [
    "charges",
    `insert into charges (id, account_id, livemode, status, amount, amount_captured, currency, reference, idempotency_key, payment_method,
      providers, metadata, defer, defer_until, lease_no, next_action_at, tries, provider, provider_reference, deferred, created_at, updated_at)
    select id, 'acct_default', false, status, amount, case status when 'succeeded' then amount else 0 end, currency, 'invoice-' || n, 'key-' || tail,
      jsonb_build_object('type', 'card', 'brand', brand, 'country', country, 'tokens', jsonb_build_object('stripe', jsonb_build_object(
        'customer', 'cus_' || n, 'payment_method', 'pm_' || tail), 'paypal', jsonb_build_object('vault_id', 'v-' || tail, 'source', 'card'))),
      '{stripe,paypal}', jsonb_build_object('customer', n::text), true, at + interval '72 hours', 2,
      case when not (${SETTLED}) then at + interval '1 hour' end, 1, provider, case status when 'succeeded' then 'pi_' || tail end, null, at, at
    from draft`,
  ],
  [
    "idempotency keys",
    "insert into idempotency_keys select 'acct_default', 'key-' || tail, 'charge', sha256(tail::bytea), id, at from draft",
  ],
  [
    "attempts",
    `insert into attempts (id, charge_id, no, provider, provider_account, request, live, outcome, detail, object, provider_reference, decision, started_at,
      finished_at, latency_ms)
    select attempt || case no when 1 then 'a' else '' end, id, case when failed_over then no + 1 else 1 end,
      case no when 0 then provider else 'stripe' end, 'acct_1', jsonb_build_object('amount', amount::text, 'currency', currency, 'token',
        jsonb_build_object('customer', 'cus_' || n, 'payment_method', 'pm_' || tail), 'description', null, 'reference', 'invoice-' || n),
      status = 'in_doubt', case when no = 0 and status = 'succeeded' then 'approved' when status = 'in_doubt' then 'unknown' when status = 'failed' then 'declined'
        else 'not_sent' end, jsonb_build_object('reason', 'insufficient_funds'), 'pi_' || tail || no, case when no = 0 and status = 'succeeded' then 'pi_' || tail end,
      jsonb_build_object('version', 1, 'candidates', jsonb_build_array(jsonb_build_object('provider', 'stripe', 'score', 0.91),
        jsonb_build_object('provider', 'paypal', 'score', 0.9))), at, at + interval '300 ms', 100 + n % 300
    from draft cross join generate_series(0, 1) no where no = 0 or failed_over`,
  ],
  [
    "refunds",
    `insert into operations (id, charge_id, attempt_id, kind, state, reference, amount, currency, captured, provider_reference, created_at, updated_at, account_id,
      provider_key)
    select 're_' || tail, id, attempt, 'refund', 'succeeded', 'pi_' || tail, 100, currency, true, 're_at_' || tail, at, at, 'acct_default', 're_' || tail
    from draft where status = 'succeeded' and n % 50 = 1`,
  ],
  [
    "events",
    `${EVENT}
    select ${XID}, at + k * interval '100 ms', 'acct_default', case k when 0 then 'attempt.started' when 1 then 'charge.' || status else 'attempt.finished' end,
      'key:key_billing', id, attempt, provider, amount, currency, case k when 1 then 'processing' end, case k when 1 then status end,
      case when k = 1 and status = 'succeeded' then 'approved' end, case k when 1 then 120 end
    from draft cross join generate_series(0, 1) k order by n, k`,
  ],
  [
    "changes of providers",
    `insert into events (xid, at, account_id, type, actor, provider, data)
    select ${XID}, at, 'acct_default', case when n / 2000 % 2 = 0 then 'provider.opened' else 'provider.closed' end, 'system:health', 'stripe',
      '{"reason": "five faults in a row"}' from draft cross join (values (0)) as one(k) where n % 2000 = 0 order by n`,
  ],
  [
    "seals",
    `with numbered as (select row_number() over (order by id) as seq, id, at from events)
    insert into event_seals (seq, event_id, hash, sealed_at) select seq, id, sha256(id::text::bytea), at + interval '1 second' from numbered`,
  ],
  [
    "the trail's head",
    `update trail_head set seq = (select max(seq) from event_seals), done = format('%1$s:%1$s:', (select max(xid) from events)::text::bigint + 1)::pg_snapshot`,
  ],
  [
    "dead letters",
    `insert into dead_letters (id, account_id, kind, charge_id, reason, state, created_at)
    select 'dl_' || tail, 'acct_default', 'charge', id, 'out of tries', case when n % 10000 = 997 then 'open' else 'replayed' end, at
    from draft where n % 2000 = 997`,
  ],
  [
    "rollups by the minute",
    `insert into stats_rollups (account_id, bucket, provider, currency, ${names(COUNTS)})
    select 'acct_default', date_trunc('minute', at, 'UTC'), provider, currency, ${sums(COUNTS)} from draft group by 1, 2, 3, 4`,
  ],
  [
    "rollups by segment",
    `insert into stats_segments (account_id, grain, bucket, provider, currency, type, brand, country, ${names({ ...COUNTS, ...FLOW })})
    select 'acct_default', grain, date_trunc(grain, at, 'UTC'), provider, currency, 'card', brand, country, ${sums({ ...COUNTS, ...FLOW })}
    from draft cross join (values ('hour'), ('day')) as g(grain) group by 1, 2, 3, 4, 5, 6, 7, 8`,
  ],
  [
    "accounts at the providers",
    "insert into provider_accounts (provider, kind, account, livemode, first_used_at) values ('stripe', 'stripe', 'a', false, now()), ('paypal', 'paypal', 'b', false, now())",
  ],
];
