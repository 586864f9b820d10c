import type { Express } from "express";
import { Stripe } from "stripe";
import supertest from "supertest";
import type { Charge } from "../../../gateway/charges/charge.ts";
import { chargeReadRoutes } from "../../../gateway/http/charge-read-routes.ts";
import { disputeRoutes } from "../../../gateway/http/dispute-routes.ts";
import { providerWebhookRoutes } from "../../../gateway/http/provider-webhook-routes.ts";
import type { Role } from "../../../gateway/http/route.ts";
import { createHttpApp } from "../../../gateway/http/server.ts";
import { createLogger } from "../../../gateway/log.ts";
import { createMetrics } from "../../../gateway/metrics.ts";
import type { Database } from "../../../gateway/store/database.ts";
import { createReceiver } from "../../../gateway/webhooks-in/receiver.ts";
import { createRefusals, type Refusals } from "../../../gateway/webhooks-in/refusals.ts";
import { lookAtUnmatched } from "../../../gateway/webhooks-in/unmatched.ts";
import { type Clock, systemClock } from "../../../providers/contract/clock.ts";
import type { Provider } from "../../../providers/contract/provider.ts";
import { chargeInput, type Engine, type EngineSettings, startEngine } from "../../support/engine.ts";

export const SECRET = "whsec_of_the_tests";
const stripe = new Stripe("sk_test_sandbox");

export interface WebhookApp {
  readonly app: Express;
  /** Every log line so far, as text. */
  readonly log: string[];
  /** `provider result` of each delivery. */
  readonly counted: string[];
  readonly refusals: Refusals;
}

/** The routes that webhooks concern, on parts of the caller's. */
export function webhookApp(parts: {
  db: Database;
  providers: ReadonlyMap<string, Provider>;
  newId: (prefix: string) => string;
  clock?: Clock;
}): WebhookApp {
  const { db, providers, newId, clock = systemClock } = parts;
  const log: string[] = [];
  const counted: string[] = [];
  const logger = createLogger({ destination: { write: (line) => void log.push(line) } });
  const refusals = createRefusals({ db, clock, log: logger });
  const count = (provider: string, result: string) => void counted.push(`${provider} ${result}`);
  const receiver = createReceiver({ db, clock, newId, log: logger, providers, refusals, count });
  const app = createHttpApp({
    routes: [...providerWebhookRoutes({ receiver, clock }), ...disputeRoutes({ db }), ...chargeReadRoutes({ db })],
    authenticate: async (key) => {
      const [role, accountId] = key === "other" ? ["finance" as const, "acct_other"] : [key as Role, "acct_default"];
      return { accountId, keyId: "k", role, actor: "key:k" };
    },
    log: logger,
    metrics: createMetrics({ process: false }),
    clock,
    newRequestId: () => newId("req"),
    version: "0.0.0",
  });
  return { app, log, counted, refusals };
}

/** The engine behind its webhook routes, with the real adapters. */
export class WebhookStage {
  readonly engine: Engine;
  readonly app: Express;
  readonly http: WebhookApp;

  private constructor(engine: Engine) {
    this.engine = engine;
    this.http = webhookApp({ db: engine.db, providers: engine.core.providers, newId: engine.core.newId });
    this.app = this.http.app;
  }

  static async open(settings: EngineSettings = {}): Promise<WebhookStage> {
    return new WebhookStage(await startEngine({ stripeWebhookSecret: SECRET, ...settings }));
  }

  async close(): Promise<void> {
    await this.http.refusals.stop();
    await this.engine.close();
  }

  /** Signed as Stripe signs, by its own SDK. */
  deliver(event: StripeEvent, signing: { secret?: string; ageS?: number } = {}): supertest.Test {
    return post(this.app, "stripe", ...signed(event, signing));
  }

  async taken(event: StripeEvent): Promise<void> {
    const answer = await this.deliver(event);
    if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text}`);
  }

  rows<R extends object>(text: string, ...values: unknown[]): Promise<R[]> {
    return this.engine.db.query<R>({ name: "", text, values });
  }

  /** The events of the trail of this type, oldest first. */
  told(type: string, chargeId?: string) {
    return this.rows<{ charge_id: string | null; actor: string; provider: string; amount: bigint | null; data: Record<string, unknown> }>(
      "select charge_id, actor, provider, amount, data from events where type = $1 and ($2::text is null or charge_id = $2) order by id",
      type,
      chargeId ?? null,
    );
  }

  /** A charge of 42.00 usd that Stripe has captured. */
  async paid(): Promise<Charge & { intent: string }> {
    const { charge } = await this.engine.charges.create(chargeInput({ tokens: stripeOnly() }));
    if (charge.status !== "succeeded" || charge.provider !== "stripe" || charge.providerReference === null) {
      throw new Error(`${charge.status} at ${charge.provider}`);
    }
    return { ...charge, intent: charge.providerReference };
  }

  /** `up`: whatever its health gate says. `drain`: no new attempts. */
  async allow(provider: string, mode: "up" | "drain"): Promise<void> {
    const by = { actor: "key:ops", accountId: "acct_default", now: new Date() };
    await this.engine.overrides.set({ provider, mode, reason: "test", expiresAt: null }, by);
  }

  /** As the job does it, `afterMs` from now. */
  async looksAtUnmatched(afterMs: number): Promise<void> {
    const { db, core } = this.engine;
    await lookAtUnmatched({ db, clock: { now: () => Date.now() + afterMs }, newId: core.newId, log: core.log });
  }
}

let customers = 0;

/** Each time another customer's. */
export function stripeOnly(): Record<string, unknown> {
  customers += 1;
  return { stripe: { customer: `cus_only_${customers}`, payment_method: "pm_card_visa" } };
}

export interface StripeEvent {
  readonly id: string;
  readonly object: "event";
  readonly type: string;
  readonly created: number;
  readonly livemode: boolean;
  readonly data: { readonly object: Record<string, unknown> };
}

let serial = 0;

/** An event of Stripe's about `object`; `atS`: seconds from now at which it was made. */
export function stripeEvent(type: string, object: Record<string, unknown>, atS = 0): StripeEvent {
  serial += 1;
  const created = Math.floor(Date.now() / 1_000) + atS;
  return { id: `evt_${process.pid}_${serial}`, object: "event", type, created, livemode: false, data: { object } };
}

/** A PaymentIntent as Stripe shows one of ours. */
export function intentOf(
  charge: Pick<Charge, "id">,
  attempt: { id: string; object: string | null },
  more: object = {},
): Record<string, unknown> {
  const ours = { charge_id: charge.id, attempt_id: attempt.id };
  return { ...paidIntent(attempt.object ?? ""), metadata: ours, ...more };
}

/** One that was paid. */
export function paidIntent(id: string, more: object = {}): Record<string, unknown> {
  return {
    id,
    object: "payment_intent",
    amount: 4200,
    amount_capturable: 0,
    amount_received: 4200,
    currency: "usd",
    metadata: {},
    status: "succeeded",
    capture_method: "automatic",
    livemode: false,
    ...more,
  };
}

export function disputeOf(intent: string, id: string, status: string, more: object = {}): Record<string, unknown> {
  return {
    id,
    object: "dispute",
    amount: 4200,
    charge: "ch_stripes_own",
    currency: "usd",
    created: Math.floor(Date.now() / 1_000),
    evidence_details: { due_by: 1_800_000_000, has_evidence: false, past_due: false, submission_count: 0 },
    livemode: false,
    metadata: {},
    payment_intent: intent,
    payment_method_details: { type: "card", card: { brand: "visa", network_reason_code: "10.4" } },
    reason: "fraudulent",
    status,
    ...more,
  };
}

export function signed(event: StripeEvent, { secret = SECRET, ageS = 0 } = {}): [body: string, headers: Record<string, string>] {
  const payload = JSON.stringify(event);
  const timestamp = Math.floor(Date.now() / 1_000) - ageS;
  return [payload, { "stripe-signature": stripe.webhooks.generateTestHeaderString({ payload, secret, timestamp }) }];
}

export function post(app: Express, provider: string, body: string, headers: Record<string, string>): supertest.Test {
  return supertest(app)
    .post(`/webhooks/${provider}`)
    .set({ "content-type": "application/json; charset=utf-8", ...headers })
    .serialize((text) => text as unknown as string)
    .send(body);
}
