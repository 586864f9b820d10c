import type { Charge } from "../../gateway/charges/charge.ts";
import { createChargeService } from "../../gateway/charges/charge-service.ts";
import type { Core, CoreLog } from "../../gateway/charges/core.ts";
import type { ChargeService, CreateCharge } from "../../gateway/charges/service.ts";
import { assembleCore } from "../../gateway/core-parts.ts";
import { createFleet, type Fleet } from "../../gateway/health/fleet.ts";
import { OverrideWatcher } from "../../gateway/health/overrides.ts";
import { RulesWatcher } from "../../gateway/health/rules-watcher.ts";
import { keyClaims } from "../../gateway/idempotency/key-claims.ts";
import { Identities } from "../../gateway/identities.ts";
import { createWorker, type Worker } from "../../gateway/queue/worker.ts";
import { type Database, openDatabase } from "../../gateway/store/database.ts";
import { readCharge } from "../../gateway/store/read-charges.ts";
import type { Currency } from "../../providers/contract/money.ts";
import type { Provider } from "../../providers/contract/provider.ts";
import { createPayPalProvider } from "../../providers/paypal/paypal.ts";
import { type Sandbox, startSandbox } from "../../providers/sandbox/sandbox.ts";
import { createStripeProvider } from "../../providers/stripe/stripe.ts";
import { createTestDatabase } from "./database.ts";
import { livedClock, stoodStillMs } from "./lived-clock.ts";

/** The money core on its real parts: PostgreSQL, the official SDKs, and the sandbox processors over HTTP. No HTTP of its own. */
export interface Engine {
  readonly core: Core;
  readonly db: Database;
  readonly fleet: Fleet;
  readonly overrides: OverrideWatcher;
  readonly rules: RulesWatcher;
  readonly sandbox: Sandbox;
  readonly charges: ChargeService;
  readonly worker: Worker;
  /** A second instance on the same database and processors, with other settings where they are given. */
  another(more?: EngineSettings): Promise<Engine>;
  close(): Promise<void>;
}

export interface EngineSettings {
  readonly providerTimeoutMs?: number;
  readonly chargeBudgetMs?: number;
  readonly log?: CoreLog;
  /** The ids of the providers that it configures; default: both. */
  readonly providers?: readonly string[];
  /** Of Stripe's webhooks; without it they cannot be read. */
  readonly stripeWebhookSecret?: string;
  /** The same of PayPal's: the id of our webhook there. */
  readonly paypalWebhookId?: string;
  /** Wraps each adapter, to pause or spy between two steps. */
  readonly wrap?: (provider: Provider) => Provider;
}

export const silent: CoreLog = { info() {}, warn() {}, error() {} };

export async function startEngine(settings: EngineSettings = {}): Promise<Engine> {
  const [database, sandbox] = await Promise.all([createTestDatabase(), startSandbox()]);
  const engine = await instance(database.url, sandbox, settings);
  return {
    ...engine,
    async close() {
      await engine.close();
      await sandbox.close();
      await database.drop();
    },
  };
}

async function instance(databaseUrl: string, sandbox: Sandbox, settings: EngineSettings): Promise<Engine> {
  const clock = livedClock;
  const { providerTimeoutMs = 1_000, chargeBudgetMs = 5_000 } = settings;
  const log = settings.log ?? silent;
  const db = openDatabase({ url: databaseUrl, maxConnections: 8, onIdleError: () => {} });
  const providers = [
    createStripeProvider({
      secretKey: "sk_test_sandbox",
      webhookSecret: settings.stripeWebhookSecret ?? "",
      apiBase: sandbox.stripeUrl,
      clock,
    }),
    createPayPalProvider({
      clientId: "sandbox",
      clientSecret: "sandbox",
      apiBase: sandbox.paypalUrl,
      clock,
      ...(settings.paypalWebhookId && { webhookId: settings.paypalWebhookId, webhookCa: sandbox.paypalWebhookCa }),
    }),
  ]
    .filter(({ id }) => settings.providers?.includes(id) ?? true)
    .map(settings.wrap ?? ((provider) => provider));
  const overrides = new OverrideWatcher({ db, clock, onError: () => {} });
  await overrides.start();
  const rules = new RulesWatcher({ db, clock, providers: providers.map(({ id }) => id), onError: () => {}, onUnknown: () => {} });
  await rules.start();
  const fleet = createFleet({
    providers,
    clock,
    random: Math.random,
    overrides,
    rules: () => rules.current(),
    instance: "test",
    documents: null,
    onBug: (bug) => log.error({ bug }, "bug"),
  });
  const identities = new Identities({ db, clock, fleet, providers, livemode: false, log });
  await identities.start();
  const core = assembleCore({
    db,
    clock,
    random: Math.random,
    providers,
    accountOf: (id) => identities.accountOf(id),
    fleet,
    maySend: () => true,
    settings: {
      livemode: false,
      providerTimeoutMs,
      // It is counted by the wall clock as well: what a standstill took is given back.
      get chargeBudgetMs() {
        return chargeBudgetMs + stoodStillMs();
      },
    },
    log,
  });
  const claims = keyClaims({ redis: null, installationId: "test", ttlMs: chargeBudgetMs });
  const charges = createChargeService(core, claims, { accepting: () => true, countCharge: () => {} });
  const worker = createWorker(core, { liveRatePerS: () => 0 });
  return {
    core,
    db,
    fleet,
    overrides,
    rules,
    sandbox,
    charges,
    worker,
    another: (more) => instance(databaseUrl, sandbox, { ...settings, ...more }),
    async close() {
      identities.stop();
      overrides.stop();
      rules.stop();
      await worker.stop();
      fleet.close();
      for (const provider of providers) provider.close();
      await db.close();
    },
  };
}

let serial = 0;
let customers = 0;

/** A charge of 42.00 usd with a token for both providers; whatever differs is passed. */
export function chargeInput(more: Partial<Omit<CreateCharge, "paymentMethod">> & { tokens?: Record<string, unknown> } = {}): CreateCharge {
  serial += 1;
  const { tokens, ...rest } = more;
  return {
    accountId: "acct_default",
    actor: "key:test",
    idempotencyKey: `key-${process.pid}-${serial}`,
    fingerprint: Buffer.alloc(32, 7),
    money: { amount: 4200n, currency: "usd" as Currency },
    reference: null,
    allowDuplicateReference: false,
    capture: "automatic",
    failover: "proven",
    paymentMethodId: null,
    paymentMethod: { tokens: tokens ?? both(), type: "card", brand: "visa", country: "US" },
    description: null,
    metadata: {},
    defer: { untilMs: Date.now() + 3_600_000 },
    ...rest,
  };
}

/** Tokens for both providers: each time another customer's, so that no test meets the declines of another one. */
export function both(stripe = "pm_card_visa", paypal?: string): Record<string, unknown> {
  customers += 1;
  return { stripe: { customer: `cus_${customers}`, payment_method: stripe }, paypal: { vault_id: paypal ?? `vault-${customers}` } };
}

export async function reread(engine: Pick<Engine, "db">, charge: Charge): Promise<Charge> {
  const read = await readCharge(engine.db, { accountId: null, id: charge.id });
  if (!read) throw new Error(`${charge.id} is gone`);
  return read;
}

/** What the processors' own ledgers say of a charge: captures less refunds, minor units, by provider. */
export function movedAt(sandbox: Sandbox, chargeId: string): Record<string, bigint> {
  const moved: Record<string, bigint> = {};
  for (const movement of sandbox.ledger()) {
    if (movement.chargeId !== chargeId) continue;
    const sign = movement.type === "capture" ? 1n : movement.type === "refund" ? -1n : 0n;
    moved[movement.provider] = (moved[movement.provider] ?? 0n) + sign * movement.amount;
  }
  return moved;
}

/** A fresh instance that makes the other provider the second choice: its gates are closed, and `first` has the better approval. */
export async function preferring<T>(
  engine: Engine,
  first: "stripe" | "paypal",
  work: (fresh: Engine) => Promise<T>,
  more: EngineSettings = {},
): Promise<T> {
  const fresh = await engine.another(more);
  const segment = { type: "card", brand: "visa", country: "US", currency: "usd" };
  const other = first === "stripe" ? "paypal" : "stripe";
  for (let i = 0; i < 200; i++) fresh.fleet.recordApproval(first, segment, true);
  for (let i = 0; i < 200; i++) fresh.fleet.recordApproval(other, segment, false);
  try {
    return await work(fresh);
  } finally {
    await fresh.close();
  }
}

/** Lets the worker turn at the charge until `done`. */
export function worked(engine: Engine, charge: Charge, done: (charge: Charge) => boolean, timeoutMs = 90_000): Promise<Charge> {
  const turn = async (): Promise<Charge> => {
    await engine.worker.pass();
    await engine.worker.idle();
    return reread(engine, charge);
  };
  return eventually(turn, done, timeoutMs);
}

/** Waits until `done` answers; fails after `timeoutMs` with what was last seen. */
export async function eventually<T>(read: () => Promise<T> | T, done: (value: T) => boolean, timeoutMs = 60_000): Promise<T> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const value = await read();
    if (done(value)) return value;
    if (Date.now() > end)
      throw new Error(`not within ${timeoutMs} ms; last: ${JSON.stringify(value, (_, v) => (typeof v === "bigint" ? `${v}` : v))}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
