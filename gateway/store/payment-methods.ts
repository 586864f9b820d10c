import type { PaymentMethodId } from "../ids.ts";
import type { Database } from "./database.ts";

// Invariants: every change writes its event in the same statement; a deleted method takes no change; what a person changes raises
// `version` under the method's row lock, which an intent that was read from it takes too (accept-charges.ts). Whoever changes tokens as
// well locks the method first; the outcome statement (write-transitions.ts) changes tokens alone, and locks no method.

type Writer = Pick<Database, "query">;

/** Who changes which method, and when. */
export interface MethodChange {
  readonly accountId: string;
  readonly id: string;
  readonly actor: string;
  readonly now: Date;
}

export interface NewToken {
  readonly provider: string;
  /** `Provider.tokenReference(token)` */
  readonly reference: string;
  readonly token: unknown;
}

export interface NewMethod extends MethodChange {
  readonly id: PaymentMethodId;
  readonly type: string;
  readonly brand: string | null;
  readonly country: string | null;
  readonly expMonth: number | null;
  readonly expYear: number | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly tokens: readonly NewToken[];
}

export async function insertMethod(db: Writer, method: NewMethod): Promise<void> {
  const { id, accountId, type, brand, country, expMonth, expYear, metadata, tokens, now, actor } = method;
  await db.query({
    name: "insert_payment_method",
    text: `with made as (
        insert into payment_methods (id, account_id, type, brand, country, exp_month, exp_year, metadata, created_at, updated_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)
        returning id, account_id
      ), stored as (
        insert into payment_method_tokens (payment_method_id, provider, reference, token, created_at, updated_at)
        select m.id, t.provider, t.reference, t.token, $9, $9
        from made m cross join jsonb_to_recordset($10::jsonb) as t(provider text, reference text, token jsonb)
        returning provider
      )
      insert into events (at, account_id, type, actor, data)
      select $9, account_id, 'payment_method.created', $11,
        jsonb_build_object('payment_method', id, 'providers', (select jsonb_agg(provider order by provider) from stored))
      from made`,
    values: [id, accountId, type, brand, country, expMonth, expYear, metadata, now, JSON.stringify(tokens), actor],
  });
}

/** What is left out stays; null forgets it. */
export interface MethodPatch {
  readonly brand?: string | null;
  readonly country?: string | null;
  readonly exp_month?: number | null;
  readonly exp_year?: number | null;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Whether it was there to be changed. */
export async function updateMethod(db: Writer, by: MethodChange, patch: MethodPatch): Promise<boolean> {
  const rows = await db.query({
    name: "update_payment_method",
    text: `with changed as (
        update payment_methods m set
          brand = case when p ? 'brand' then p ->> 'brand' else m.brand end,
          country = case when p ? 'country' then p ->> 'country' else m.country end,
          exp_month = case when p ? 'exp_month' then (p ->> 'exp_month')::integer else m.exp_month end,
          exp_year = case when p ? 'exp_year' then (p ->> 'exp_year')::integer else m.exp_year end,
          metadata = coalesce(p -> 'metadata', m.metadata),
          -- another expiry is told anew
          expiry_told = m.expiry_told and coalesce(not p ? 'exp_month'
            or (p ->> 'exp_month')::integer = m.exp_month and (p ->> 'exp_year')::integer = m.exp_year, false),
          version = m.version + 1, updated_at = $4
        from (select $5::jsonb as p) given
        where m.id = $2 and m.account_id = $1 and m.deleted_at is null
        returning m.id, m.account_id
      ), told as (
        insert into events (at, account_id, type, actor, data)
        select $4, account_id, 'payment_method.updated', $3,
          jsonb_build_object('payment_method', id, 'fields', (select jsonb_agg(k order by k) from jsonb_object_keys($5::jsonb) as k))
        from changed
      )
      select id from changed`,
    values: [by.accountId, by.id, by.actor, by.now, patch],
  });
  return rows.length > 0;
}

/** Once deleted it stays as it is. What was charged with it keeps its own copy. */
export async function deleteMethod(db: Writer, by: MethodChange): Promise<void> {
  await db.query({
    name: "delete_payment_method",
    text: `with gone as (
        update payment_methods set deleted_at = $4, updated_at = $4, version = version + 1
        where id = $2 and account_id = $1 and deleted_at is null
        returning id, account_id
      )
      insert into events (at, account_id, type, actor, data)
      select $4, account_id, 'payment_method.deleted', $3, jsonb_build_object('payment_method', id) from gone`,
    values: [by.accountId, by.id, by.actor, by.now],
  });
}

/** Adds a provider's token, or replaces it: active again. The same one once more changes nothing. */
export async function putToken(db: Writer, by: MethodChange, token: NewToken): Promise<void> {
  await db.query({
    name: "put_payment_method_token",
    text: `with held as (
        update payment_methods m set version = m.version + 1, updated_at = $4
        where m.id = $2 and m.account_id = $1 and m.deleted_at is null and not exists (
          select from payment_method_tokens t
          where t.payment_method_id = m.id and t.provider = $5 and t.token = $7::jsonb and t.state = 'active')
        returning m.id, m.account_id
      ), put as (
        insert into payment_method_tokens as t (payment_method_id, provider, reference, token, created_at, updated_at)
        select h.id, $5, $6, $7::jsonb, $4, $4 from held h
        on conflict (payment_method_id, provider) do update
          set reference = excluded.reference, token = excluded.token, state = 'active', reason = null, updated_at = excluded.updated_at
        returning t.payment_method_id as id
      )
      insert into events (at, account_id, type, actor, provider, data)
      select $4, h.account_id, 'payment_method.token_added', $3, $5, jsonb_build_object('payment_method', h.id, 'replaced',
        exists (select from payment_method_tokens t where t.payment_method_id = h.id and t.provider = $5))
      from put p join held h on h.id = p.id`,
    values: [by.accountId, by.id, by.actor, by.now, token.provider, token.reference, JSON.stringify(token.token)],
  });
}

/** Whether it was there. */
export async function removeToken(db: Writer, by: MethodChange, provider: string): Promise<boolean> {
  const rows = await db.query({
    name: "remove_payment_method_token",
    text: `with held as (
        update payment_methods m set version = m.version + 1, updated_at = $4
        where m.id = $2 and m.account_id = $1 and m.deleted_at is null
          and exists (select from payment_method_tokens t where t.payment_method_id = m.id and t.provider = $5)
        returning m.id, m.account_id
      ), removed as (
        delete from payment_method_tokens t using held h where t.payment_method_id = h.id and t.provider = $5
        returning h.id, h.account_id
      ), told as (
        insert into events (at, account_id, type, actor, provider, data)
        select $4, account_id, 'payment_method.token_removed', $3, $5, jsonb_build_object('payment_method', id) from removed
      )
      select id from removed`,
    values: [by.accountId, by.id, by.actor, by.now, provider],
  });
  return rows.length > 0;
}

/** What a provider's webhook says of an instrument. */
export interface TokenNews {
  readonly provider: string;
  /** `Provider.tokenReference`, as `InstrumentSubject` has it. */
  readonly reference: string;
  readonly change: "gone" | "updated";
  readonly brand: string | null;
  readonly expires: { readonly month: number; readonly year: number } | null;
  readonly now: Date;
}

/** To all methods that hold the instrument, of whatever account. How many it changed: the same news once more changes none. */
export function markTokens(db: Writer, news: TokenNews): Promise<number> {
  return news.change === "gone" ? markGone(db, news) : renew(db, news);
}

/** Rows are locked in order: two instruments may be of the same methods. */
async function markGone(db: Writer, { provider, reference, now }: TokenNews): Promise<number> {
  const rows = await db.query({
    name: "mark_tokens_gone",
    text: `with due as (
        select t.payment_method_id as id from payment_method_tokens t
        where t.provider = $1 and t.reference = $2 and t.state = 'active' order by 1 for update
      ), marked as (
        update payment_method_tokens t set state = 'gone', reason = 'removed_at_provider', updated_at = $3
        from due d where t.payment_method_id = d.id and t.provider = $1
        returning d.id, t.reason
      ), told as (
        insert into events (at, account_id, type, actor, provider, data)
        select $3, m.account_id, 'payment_method.token_gone', 'system:webhook', $1,
          jsonb_build_object('payment_method', m.id, 'reason', x.reason)
        from marked x join payment_methods m on m.id = x.id
      )
      select id from marked`,
    values: [provider, reference, now],
  });
  return rows.length;
}

/** A network's update. Webhooks come unordered: an expiry only ever moves ahead. */
async function renew(db: Writer, { provider, reference, brand, expires, now }: TokenNews): Promise<number> {
  const rows = await db.query({
    name: "renew_payment_methods",
    text: `with due as (
        select m.id, later, brand_differs from payment_methods m
        cross join lateral (select coalesce(($5, $4) > (m.exp_year, m.exp_month), $5::integer is not null) as later,
          $3::text is not null and $3 is distinct from m.brand as brand_differs) n
        where m.id in (select t.payment_method_id from payment_method_tokens t where t.provider = $1 and t.reference = $2 and t.state = 'active')
          and m.deleted_at is null and (later or brand_differs)
        order by m.id for update of m
      ), changed as (
        update payment_methods m set
          brand = case when brand_differs then $3 else m.brand end,
          exp_month = case when later then $4::integer else m.exp_month end,
          exp_year = case when later then $5::integer else m.exp_year end,
          expiry_told = m.expiry_told and not later,
          version = m.version + 1, updated_at = $6
        from due d where m.id = d.id
        returning m.id, m.account_id, later, brand_differs
      ), told as (
        insert into events (at, account_id, type, actor, provider, data)
        select $6, account_id, 'payment_method.updated', 'system:webhook', $1, jsonb_build_object('payment_method', id, 'fields',
          to_jsonb(array_remove(array[case when brand_differs then 'brand' end, case when later then 'exp_month' end,
            case when later then 'exp_year' end], null)))
        from changed
      )
      select id from changed`,
    values: [provider, reference, brand, expires?.month ?? null, expires?.year ?? null, now],
  });
  return rows.length;
}
