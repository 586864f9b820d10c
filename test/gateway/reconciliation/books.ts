import { idSource } from "../../../gateway/ids.ts";
import { type Parts, SETTINGS, type Settings } from "../../../gateway/reconciliation/parts.ts";
import { type RunEnd, reconcile } from "../../../gateway/reconciliation/run.ts";
import { type Database, openDatabase } from "../../../gateway/store/database.ts";
import { type Finding, listFindings } from "../../../gateway/store/read-findings.ts";
import { createRun, readRun } from "../../../gateway/store/reconciliation-runs.ts";
import type { Clock } from "../../../providers/contract/clock.ts";
import type { Finding as Looked, Outcome } from "../../../providers/contract/outcome.ts";
import type { Provider } from "../../../providers/contract/provider.ts";
import type { PaymentRecord, ProviderRecord, Records, RecordsQuery, RefundRecord } from "../../../providers/contract/records.ts";
import { createTestDatabase } from "../../support/database.ts";

export const DAY = Date.parse("2026-11-01T00:00:00Z");
export const HOUR = 3_600_000;
export const FROM = new Date(DAY);
export const TO = new Date(DAY + 24 * HOUR);
/** Long after the window: everything is settled, and in the lists. */
export const NOW = DAY + 36 * HOUR;
export const NOON = DAY + 12 * HOUR;

const SILENCE = { kind: "unknown", cause: "timeout", detail: "no answer" } as const;

/** A processor that answers over the contract alone: lists, and looks at single payments. */
export class Source {
  readonly id: string;
  readonly account: string;
  readonly payments: PaymentRecord[] = [];
  readonly refunds: RefundRecord[] = [];
  /** What a look at a payment finds, by object; at a refund, by its key. */
  readonly looks = new Map<string, Looked | Outcome>();
  readonly asked: string[] = [];
  readonly queries: RecordsQuery[] = [];
  pageSize = 500;
  /** Called before each page is answered: what it returns is answered instead. */
  onPage: (query: RecordsQuery) => Promise<Records | null> | Records | null = () => null;
  onLook: (object: string) => Promise<void> | void = () => {};

  constructor(id: string) {
    this.id = id;
    this.account = `account-of-${id}`;
  }

  provider(): Provider {
    return {
      id: this.id,
      kind: "source",
      records: (query: RecordsQuery) => this.#page(query),
      lookup: async ({ object }: { object: string }) => {
        this.asked.push(object);
        await this.onLook(object);
        return { object, finding: this.looks.get(object) ?? { kind: "unknown", cause: "unexpected", detail: "not found" } };
      },
      lookupRefund: async ({ key }: { key: string }) => {
        this.asked.push(key);
        return this.looks.get(key) ?? { kind: "unknown", cause: "unexpected", detail: "not found" };
      },
    } as unknown as Provider;
  }

  async #page(query: RecordsQuery): Promise<Records> {
    this.queries.push(query);
    const instead = await this.onPage(query);
    if (instead) return instead;
    const all: ProviderRecord[] = query.what === "payments" ? this.payments : this.refunds;
    const found = all.filter(({ createdAtMs }) => createdAtMs >= query.fromMs && createdAtMs < query.toMs);
    const start = Number(query.cursor ?? 0);
    const end = start + this.pageSize;
    return { kind: "page", records: found.slice(start, end), next: end < found.length ? String(end) : null };
  }
}

export const silence = SILENCE;

/** Our books in a real database, and two processors' lists. */
export class Books {
  readonly db: Database;
  readonly url: string;
  stripe = new Source("stripe");
  paypal = new Source("paypal");
  nowMs = NOW;
  readonly clock: Clock = {
    now: () => this.nowMs,
    monotonic: () => performance.now(),
    sleep: async () => {},
    after: (ms, fn) => {
      const timer = setTimeout(fn, ms);
      return () => clearTimeout(timer);
    },
  };
  readonly newId = idSource({ now: Date.now }, Math.random);
  readonly #drop: () => Promise<void>;
  #serial = 0;

  private constructor(db: Database, url: string, drop: () => Promise<void>) {
    this.db = db;
    this.url = url;
    this.#drop = drop;
  }

  static async open(): Promise<Books> {
    const database = await createTestDatabase();
    const db = openDatabase({ url: database.url, maxConnections: 6, onIdleError: () => {}, connectTimeoutMs: 60_000 });
    return new Books(db, database.url, () => database.drop());
  }

  /** Empty books, and empty lists. */
  async reset(): Promise<void> {
    this.stripe = new Source("stripe");
    this.paypal = new Source("paypal");
    this.nowMs = NOW;
    await this.sql(
      "truncate charges, attempts, operations, findings, reconciliation_runs, reconciliation_reads, reconciliation_records cascade",
    );
  }

  async close(): Promise<void> {
    await this.db.close();
    await this.#drop();
  }

  parts(more: Partial<Settings> = {}): Parts {
    return {
      db: this.db,
      clock: this.clock,
      newId: this.newId,
      providers: new Map([this.stripe, this.paypal].map((source) => [source.id, source.provider()])),
      accountOf: (id) => `account-of-${id}`,
      ask: async (_, send) => ({ admitted: true, result: await send() }),
      log: { info() {}, warn() {}, error() {} },
      settings: { ...SETTINGS, retryMs: [1], ...more },
    };
  }

  async newRun(more: { from?: Date; to?: Date; provider?: string } = {}): Promise<string> {
    const id = this.newId("rr");
    const run = { id, account_id: "acct_default", actor: "system:test", provider: more.provider ?? null };
    await createRun(this.db, { ...run, from_at: more.from ?? FROM, to_at: more.to ?? TO }, new Date(this.nowMs));
    return id;
  }

  async reconcile(more: { from?: Date; to?: Date; provider?: string; settings?: Partial<Settings> } = {}): Promise<RunEnd> {
    return reconcile(this.parts(more.settings), await this.newRun(more));
  }

  /** Compares and answers what is open, as `kind provider subject`. */
  async differences(more: Parameters<Books["reconcile"]>[0] = {}): Promise<string[]> {
    const ended = await this.reconcile(more);
    if (ended.kind !== "finished") throw new Error(`the run is ${JSON.stringify(ended)}`);
    return (await this.open()).map(({ kind, provider, subject }) => `${kind} ${provider} ${subject}`).sort();
  }

  open(state = "open"): Promise<Finding[]> {
    const filter = { accountId: "acct_default", kind: null, provider: null, state, owner: null, charge: null };
    return listFindings(this.db, filter, { after: null, limit: 1_000 });
  }

  run(id: string) {
    return readRun(this.db, { id, accountId: null });
  }

  sql<R extends object>(text: string, values: unknown[] = []): Promise<R[]> {
    return this.db.query<R>({ name: `t_${++this.#serial}_${text.slice(0, 20)}`, text, values });
  }

  /** A charge of ours with one attempt. What is left out: paid 42.00 at Stripe at noon. */
  async charge(more: Partial<OurCharge> = {}): Promise<OurCharge> {
    this.#serial += 1;
    const no = String(this.#serial).padStart(6, "0");
    const one: OurCharge = {
      id: `ch_${no}`,
      attempt: `at_${no}`,
      status: "succeeded",
      outcome: "approved",
      live: true,
      provider: "stripe",
      account: `account-of-${more.provider ?? "stripe"}`,
      object: `pi_${no}`,
      reference: `pi_${no}`,
      amount: 4200n,
      captured: 4200n,
      at: NOON,
      ...more,
    };
    await this.sql(
      `insert into charges (id, account_id, livemode, status, amount, amount_captured, amount_reserved, currency, idempotency_key,
        payment_method, providers, metadata, defer, defer_until, lease_no, next_action_at, provider, provider_reference, created_at, updated_at)
      values ($1, 'acct_default', false, $2, $3, $4, 0, 'usd', $1, '{"tokens": {}, "type": "card"}', '{stripe,paypal}', '{}', false, $5, 1, $6,
        $7, $8, $5, $5)`,
      [
        one.id,
        one.status,
        one.amount,
        one.status === "succeeded" ? one.captured : 0n,
        new Date(one.at),
        ["processing", "in_doubt", "pending", "requires_action"].includes(one.status) ? new Date(one.at) : null,
        one.provider,
        one.live ? one.reference : null,
      ],
    );
    await this.attempt(one);
    if (one.status === "succeeded")
      await this.sql(
        "insert into events (at, account_id, type, actor, charge_id, provider) values ($1, 'acct_default', 'charge.succeeded', 'test', $2, $3)",
        [new Date(one.paidAt ?? one.at), one.id, one.provider],
      );
    return one;
  }

  /** A further attempt of a charge: closed, unless it is said otherwise. */
  async attempt(one: Pick<OurCharge, "id"> & Partial<OurCharge>): Promise<void> {
    const provider = one.provider ?? "stripe";
    const [{ no } = { no: 0n }] = await this.sql<{ no: bigint }>("select count(*) as no from attempts where charge_id = $1", [one.id]);
    await this.sql(
      `insert into attempts (id, charge_id, no, provider, provider_account, request, live, outcome, object, provider_reference, started_at,
        finished_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
      [
        one.attempt ?? `${one.id.replace("ch_", "at_")}_${no}`,
        one.id,
        Number(no) + 1,
        provider,
        one.account ?? `account-of-${provider}`,
        JSON.stringify({ amount: "4200", currency: "usd", token: {}, description: null, reference: null }),
        one.live ?? false,
        one.outcome ?? "unknown",
        one.object ?? null,
        (one.live ?? false) ? (one.reference ?? null) : null,
        new Date((one.at ?? NOON) - 1_000),
        one.outcome === null ? null : new Date(one.at ?? NOON),
      ],
    );
  }

  async operation(of: OurCharge, more: Partial<OurOperation> = {}): Promise<OurOperation> {
    this.#serial += 1;
    const one: OurOperation = {
      id: `op_${String(this.#serial).padStart(6, "0")}`,
      kind: "refund",
      state: "succeeded",
      amount: 1000n,
      captured: true,
      reference: null,
      at: NOON,
      ...more,
    };
    await this.sql(
      `insert into operations (id, charge_id, attempt_id, account_id, kind, state, provider_key, object, reference, amount, currency, captured,
        provider_reference, created_at, updated_at) values ($1, $2, $3, 'acct_default', $4, $5, $1, $6, $7, $8, 'usd', $9, $10, $11, $11)`,
      [one.id, of.id, of.attempt, one.kind, one.state, of.object, of.reference, one.amount, one.captured, one.reference, new Date(one.at)],
    );
    return one;
  }
}

export interface OurCharge {
  id: string;
  attempt: string;
  status: string;
  outcome: string | null;
  live: boolean;
  provider: string;
  account: string;
  object: string;
  reference: string;
  amount: bigint;
  captured: bigint;
  at: number;
  /** When the money was taken; left out: at once. */
  paidAt?: number;
}

export interface OurOperation {
  id: string;
  kind: "capture" | "void" | "refund" | "compensate";
  state: string;
  amount: bigint;
  captured: boolean;
  reference: string | null;
  at: number;
}

/** The provider's record of a charge of ours. */
export function paymentOf(one: OurCharge, more: Partial<PaymentRecord> = {}): PaymentRecord {
  return {
    kind: "payment",
    object: one.object,
    reference: one.reference,
    attemptId: one.attempt,
    chargeId: one.id,
    state: "captured",
    amount: one.captured,
    currency: "usd",
    createdAtMs: one.at,
    ...more,
  };
}

/** A payment at the provider that no row of ours is known by. */
export function strangePayment(reference: string, more: Partial<PaymentRecord> = {}): PaymentRecord {
  const ids = { object: reference, reference, attemptId: null, chargeId: null };
  return { kind: "payment", ...ids, state: "captured", amount: 900n, currency: "usd", createdAtMs: NOON, ...more };
}

export function refundRecord(reference: string, more: Partial<RefundRecord> = {}): RefundRecord {
  return {
    kind: "refund",
    reference,
    payment: null,
    key: null,
    state: "succeeded",
    amount: 1000n,
    currency: "usd",
    createdAtMs: NOON,
    ...more,
  };
}

export const captured = (reference: string, amount = 4200n): Looked => ({ kind: "approved", reference, amount, captured: true });
export const holding = (reference: string, amount = 4200n): Looked => ({ kind: "approved", reference, amount, captured: false });
