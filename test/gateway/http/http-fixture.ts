import { createHash, randomBytes } from "node:crypto";
import type { Express } from "express";
import supertest from "supertest";
import type { Charge } from "../../../gateway/charges/charge.ts";
import type {
  CaptureCharge,
  ChargeAnswer,
  ChargeCommand,
  ChargeService,
  CreateCharge,
  CreateRefund,
  RefundAnswer,
  ResolveCharge,
  ResolveRefund,
} from "../../../gateway/charges/service.ts";
import { createFleet } from "../../../gateway/health/fleet.ts";
import { RulesWatcher } from "../../../gateway/health/rules-watcher.ts";
import { createAuthenticator } from "../../../gateway/http/authenticate.ts";
import { chargeReadRoutes } from "../../../gateway/http/charge-read-routes.ts";
import { chargeRoutes } from "../../../gateway/http/charge-routes.ts";
import { consolePages } from "../../../gateway/http/console-pages.ts";
import { consoleSessionRoutes } from "../../../gateway/http/console-session-routes.ts";
import { createConsoleSessions } from "../../../gateway/http/console-sessions.ts";
import { deadLetterRoutes } from "../../../gateway/http/dead-letter-routes.ts";
import { eventRoutes } from "../../../gateway/http/event-routes.ts";
import { keyRoutes } from "../../../gateway/http/key-routes.ts";
import { paymentMethodRoutes } from "../../../gateway/http/payment-method-routes.ts";
import { reconciliationRoutes } from "../../../gateway/http/reconciliation-routes.ts";
import { refundRoutes } from "../../../gateway/http/refund-routes.ts";
import { type Role, type Route, route } from "../../../gateway/http/route.ts";
import { routingRoutes } from "../../../gateway/http/routing-routes.ts";
import { createHttpApp } from "../../../gateway/http/server.ts";
import type { PublicStatus } from "../../../gateway/http/status-json.ts";
import { type Readiness, systemRoutes } from "../../../gateway/http/system-routes.ts";
import { webhookDeliveryRoutes } from "../../../gateway/http/webhook-delivery-routes.ts";
import { webhookEndpointRoutes } from "../../../gateway/http/webhook-endpoint-routes.ts";
import { idSource } from "../../../gateway/ids.ts";
import { createLogger } from "../../../gateway/log.ts";
import { createMetrics } from "../../../gateway/metrics.ts";
import { ensureKey, findKey } from "../../../gateway/store/api-keys.ts";
import { type Database, openDatabase } from "../../../gateway/store/database.ts";
import { systemClock } from "../../../providers/contract/clock.ts";
import { createTestDatabase } from "../../support/database.ts";

export const ACCOUNT = "acct_default";
export const ADMIN_KEY = "an-admin-key-of-at-least-32-characters";
/** Keys as they are given to people; each role has one. */
export const KEYS: Readonly<Record<Role, string>> = {
  billing: "sy_test_billing",
  finance: "sy_test_finance",
  ops: "sy_test_ops",
  admin: "sy_test_admin",
};

/** A real application with a real database; only the money core is a stand-in. */
export interface HttpFixture {
  readonly app: Express;
  readonly db: Database;
  readonly charges: MemoryCharges;
  /** Those of the documented interface. */
  readonly routes: readonly Route[];
  /** Every log line so far, as text. */
  readonly log: string[];
  readonly clock: { nowMs: number; monotonicMs: number };
  readonly system: { readiness: Readiness; status: PublicStatus };
  /** As this role: `fixture.as("billing").get("/v1/charges")`. */
  as(role: Role): ReturnType<typeof supertest.agent>;
  charge(body: unknown, key?: string): supertest.Test;
  close(): Promise<void>;
}

/** What the public is told when all capabilities are at this level, since the first of June. */
export function statusAt(level: PublicStatus["status"]): PublicStatus {
  const since = new Date("2026-06-01T00:00:00Z");
  const capabilities = (["new_payments", "saved_payments", "refunds"] as const).map((id) => ({ id, status: level, since }));
  return {
    status: level,
    since,
    charges: level === "outage" ? "kept" : "processed",
    capabilities,
    as_of: new Date("2026-06-01T01:02:03Z"),
  };
}

export const VALID_CHARGE = {
  amount: 4200,
  currency: "usd",
  payment_method: { stripe: { customer: "cus_1", payment_method: "pm_card_visa" }, type: "card", brand: "visa", country: "US" },
};

export async function createHttpFixture(
  options: { routes?: readonly Route[]; pages?: string; loopback?: boolean } = {},
): Promise<HttpFixture> {
  const database = await createTestDatabase();
  const db = openDatabase({ url: database.url, maxConnections: 4, onIdleError: () => {}, connectTimeoutMs: 60_000 });
  const log: string[] = [];
  const time = { nowMs: Date.parse("2026-06-01T00:00:00Z"), monotonicMs: 0 };
  const clock = { now: () => time.nowMs, monotonic: () => time.monotonicMs };
  for (const [role, key] of Object.entries(KEYS)) {
    await ensureKey(db, {
      accountId: ACCOUNT,
      id: `key_${role}`,
      name: role,
      role: role as Role,
      key,
      actor: "system:test",
      now: new Date(time.nowMs),
    });
  }
  const ids = [...TOKEN_CHECKERS.keys()];
  const metrics = createMetrics({ process: false });
  const newId = idSource(systemClock, Math.random);
  const charges = new MemoryCharges(clock);
  const authenticator = createAuthenticator({
    findKey: (hash) => findKey(db, hash),
    adminKey: { key: ADMIN_KEY, accountId: ACCOUNT },
    clock,
  });
  const sessions = createConsoleSessions({ db, clock, randomBytes, authenticator, adminKey: ADMIN_KEY });
  const patience = { monotonic: clock.monotonic, sleep: async () => {} };
  const system: HttpFixture["system"] = { readiness: { ready: true, checks: [] }, status: statusAt("operational") };
  const failing = route({
    method: "post",
    path: "/test/fail",
    roles: "public",
    summary: "Throws what nobody expects",
    responses: { 200: { description: "never" } },
    problems: [],
    handler: async () => {
      throw new Error("secret detail of 4111111111111111");
    },
  });
  const fleet = createFleet({
    providers: ids.map((id) => ({ id, capabilities: CAPABILITIES })),
    clock: systemClock,
    random: Math.random,
    overrides: { current: () => new Map(), modeOf: () => null },
    instance: "test",
    documents: null,
    onBug: () => {},
  });
  for (const id of ids) fleet.markVerified(id);
  const rules = new RulesWatcher({ db, clock: systemClock, providers: ids, onError: () => {}, onUnknown: () => {} });
  const forget = (keyId: string): void => {
    authenticator.forget(keyId);
    sessions.forget(keyId);
  };
  const routes = [
    ...chargeReadRoutes({ db }),
    ...refundRoutes({ db, charges }),
    ...chargeRoutes({ db, charges, providers: TOKEN_CHECKERS, clock }),
    ...paymentMethodRoutes({ db, providers: TOKEN_CHECKERS, clock, newId }),
    ...deadLetterRoutes({ db, charges }),
    ...reconciliationRoutes({ db, clock, newId, providers: ids }),
    ...routingRoutes({ db, fleet, rules, providers: TOKEN_CHECKERS, clock }),
    ...keyRoutes({ db, clock, newId, randomBytes, livemode: false, authenticator: { forget }, hasAdminKey: false }),
    ...webhookEndpointRoutes({ db, clock, newId, randomBytes, resolve: resolveName, allowPrivate: false }),
    ...webhookDeliveryRoutes({ db, clock, newId, livemode: false }),
    ...eventRoutes({ db, livemode: false }),
    ...systemRoutes({ readiness: async () => system.readiness, status: async () => system.status, registry: metrics.registry }),
    ...consoleSessionRoutes({ sessions, clock: patience, livemode: false, sandbox: false, loopback: options.loopback ?? true }),
    failing,
    ...(options.routes ?? []),
  ];
  const app = createHttpApp({
    routes,
    authenticate: authenticator.authenticate,
    sessions,
    pages: options.pages === undefined ? null : consolePages(options.pages),
    log: createLogger({ destination: { write: (line) => void log.push(line) } }),
    metrics,
    clock,
    newRequestId: () => newId("req"),
    version: "0.0.0",
  });
  const as: HttpFixture["as"] = (role) => supertest.agent(app).set("Authorization", `Bearer ${KEYS[role]}`);
  return {
    app,
    db,
    charges,
    routes: routes.filter(({ internal }) => !internal),
    log,
    clock: time,
    system,
    as,
    charge: (body, key = newId("k")) =>
      as("billing").post("/v1/charges").set("Idempotency-Key", key).set("Content-Type", "application/json").send(JSON.stringify(body)),
    async close() {
      await db.close();
      await database.drop();
    },
  };
}

const CAPABILITIES = { fence: true, prepareKeyAgeMs: 1, commitKeyAgeMs: 1, operationKeyAgeMs: 1, holdMs: 1, currencies: null };

/** `*.inside` is in our own network, whatever else there is on the internet. */
const resolveName = async (name: string) => [{ address: name.endsWith(".inside") ? "10.0.0.1" : "8.8.8.8", family: 4 }];

/** Two providers with the simplest of token rules. */
const TOKEN_CHECKERS = new Map([
  ["stripe", checker("stripe", "payment_method")],
  ["paypal", checker("paypal", "vault_id")],
]);

function checker(kind: string, field: string) {
  return {
    kind,
    checkToken: (token: unknown) => needs(token, field),
    tokenReference: (token: unknown) => (token as Record<string, string>)[field] as string,
  };
}

function needs(token: unknown, field: string): { path: string; message: string } | null {
  if (typeof token !== "object" || token === null || Array.isArray(token)) return { path: "", message: "must be an object" };
  const value = (token as Record<string, unknown>)[field];
  return typeof value === "string" && value !== "" ? null : { path: `/${field}`, message: "must be text" };
}

/** Answers like the money core, remembers what it was asked, and keeps nothing. */
export class MemoryCharges implements ChargeService {
  readonly created: CreateCharge[] = [];
  readonly commands: (ChargeCommand | CaptureCharge | ResolveCharge)[] = [];
  readonly refunds: CreateRefund[] = [];
  readonly resolved: ResolveRefund[] = [];
  /** What the next refund becomes. */
  nextRefund: Partial<RefundAnswer["refund"]> = {};
  readonly replays: { accountId: string; id: string; actor: string }[] = [];
  /** What the next charge becomes; or what is thrown instead. */
  next: Partial<Charge> | Error = {};
  /** Waited for before an answer. */
  gate: Promise<void> = Promise.resolve();
  readonly #clock: { now(): number };

  constructor(clock: { now(): number }) {
    this.#clock = clock;
  }

  async create(input: CreateCharge): Promise<ChargeAnswer> {
    const again = this.created.some(({ idempotencyKey }) => idempotencyKey === input.idempotencyKey);
    this.created.push(input);
    await this.gate;
    if (this.next instanceof Error) throw this.next;
    return { charge: { ...this.#charge(input), ...this.next }, replayed: again };
  }

  capture(input: CaptureCharge): Promise<ChargeAnswer> {
    return this.#command(input, { status: "succeeded" });
  }

  cancel(input: ChargeCommand): Promise<ChargeAnswer> {
    return this.#command(input, { status: "canceled" });
  }

  resolve(input: ResolveCharge): Promise<ChargeAnswer> {
    return this.#command(input, { status: input.outcome === "charged" ? "succeeded" : "failed" });
  }

  async refund(input: CreateRefund): Promise<RefundAnswer> {
    const replayed = this.refunds.some(({ idempotencyKey }) => idempotencyKey === input.idempotencyKey);
    this.refunds.push(input);
    if (this.next instanceof Error) throw this.next;
    const { accountId, chargeId, reason, metadata } = input;
    const refund = {
      ...this.#refund(),
      accountId,
      chargeId,
      amount: input.amount ?? 4200n,
      whole: input.amount === null,
      reason,
      metadata,
    };
    return { refund: { ...refund, ...this.nextRefund }, replayed };
  }

  async resolveRefund(input: ResolveRefund): Promise<RefundAnswer["refund"]> {
    this.resolved.push(input);
    if (this.next instanceof Error) throw this.next;
    return { ...this.#refund(), id: input.refundId, state: input.outcome === "refunded" ? "succeeded" : "failed", ...this.nextRefund };
  }

  #refund(): RefundAnswer["refund"] {
    const now = new Date(this.#clock.now());
    return {
      id: "re_1",
      kind: "refund",
      state: "succeeded",
      accountId: ACCOUNT,
      livemode: false,
      chargeId: "ch_1",
      attemptId: "at_1",
      provider: "stripe",
      providerAccount: "acct_stripe",
      providerKey: "re_1",
      object: "pi_1",
      reference: "pi_1",
      amount: 4200n,
      currency: SOME_INPUT.money.currency,
      captured: true,
      whole: true,
      disputed: false,
      leaseNo: 1,
      leaseUntil: null,
      tries: 0,
      firstSentAt: now,
      ambiguous: false,
      providerReference: "re_at_stripe",
      reason: null,
      metadata: {},
      failure: null,
      createdAt: now,
      updatedAt: now,
    };
  }

  async replayDeadLetter(input: { accountId: string; id: string; actor: string }): Promise<void> {
    this.replays.push(input);
    if (this.next instanceof Error) throw this.next;
  }

  async #command(input: ChargeCommand | CaptureCharge | ResolveCharge, change: Partial<Charge>): Promise<ChargeAnswer> {
    this.commands.push(input);
    if (this.next instanceof Error) throw this.next;
    return { charge: { ...this.#charge(SOME_INPUT), id: input.chargeId, ...change }, replayed: false };
  }

  #charge(input: CreateCharge): Charge {
    const now = new Date(this.#clock.now());
    return {
      id: `ch_${createHash("sha256").update(input.idempotencyKey).digest("hex").slice(0, 26)}`,
      accountId: input.accountId,
      livemode: false,
      status: "succeeded",
      amount: input.money.amount,
      amountCaptured: input.money.amount,
      amountRefunded: 0n,
      amountReserved: 0n,
      currency: input.money.currency,
      reference: input.reference,
      idempotencyKey: input.idempotencyKey,
      capture: input.capture,
      failover: input.failover,
      paymentMethodId: input.paymentMethodId,
      paymentMethod: input.paymentMethod,
      excluded: [],
      description: input.description,
      metadata: input.metadata,
      defer: input.defer !== false,
      deferUntil: now,
      leaseNo: 1,
      leaseUntil: null,
      nextActionAt: null,
      tries: 0,
      provider: "stripe",
      providerReference: "pi_1",
      failure: null,
      deferred: null,
      nextAction: null,
      authorizedUntil: null,
      disputed: false,
      settlement: null,
      createdAt: now,
      updatedAt: now,
      attempts: [],
    };
  }
}

const SOME_INPUT: CreateCharge = {
  accountId: ACCOUNT,
  actor: "key:key_billing",
  idempotencyKey: "k",
  fingerprint: Buffer.alloc(32),
  money: { amount: 4200n, currency: "usd" as CreateCharge["money"]["currency"] },
  reference: null,
  allowDuplicateReference: false,
  capture: "automatic",
  failover: "proven",
  paymentMethodId: null,
  paymentMethod: { tokens: {}, type: "card", brand: null, country: null },
  description: null,
  metadata: {},
  defer: false,
};
