import { hash } from "node:crypto";
import type { Clock, Random } from "../../providers/contract/clock.ts";
import type { Currency } from "../../providers/contract/money.ts";
import type { ChargeService, CreateCharge } from "../charges/service.ts";

export const MAX_PER_SECOND = 20;
/** A demonstration that was forgotten ends by itself. */
const RUNS_MS = 10 * 60_000;
/** Charges under way at once: processors that hang must not pile up more. */
const MAX_IN_FLIGHT = 200;
const DEFER_MS = 72 * 3_600_000;

export interface Traffic {
  /** As many charges a second from now on, for ten minutes; 0 stops. */
  set(perSecond: number, by: { accountId: string; actor: string }): void;
  state(): TrafficState;
  stop(): void;
}

export interface TrafficState {
  readonly perSecond: number;
  /** Milliseconds since 1970; null while it does not run. */
  readonly untilMs: number | null;
  /** What each was answered since this instance started: a charge's status, or `refused`. */
  readonly byStatus: Readonly<Record<string, number>>;
}

/** Charges with the simulated processors' test methods, through the gateway's own service: every law holds for them. */
export function sandboxTraffic(parts: {
  charges: Pick<ChargeService, "create">;
  clock: Clock;
  random: Random;
  newId: (prefix: "tr") => string;
  /** The simulated providers, by adapter: no other one gets a token, so none can be charged. */
  providers: ReadonlyMap<string, string>;
}): Traffic {
  const { charges, clock, random } = parts;
  let perSecond = 0;
  let untilMs: number | null = null;
  let author: { accountId: string; actor: string } | null = null;
  let stopTimer = (): void => {};
  let inFlight = 0;
  const byStatus: Record<string, number> = {};

  function stop(): void {
    stopTimer();
    stopTimer = () => {};
    perSecond = 0;
    untilMs = null;
  }

  function tick(): void {
    if (untilMs === null || clock.now() >= untilMs || author === null) {
      stop();
      return;
    }
    if (inFlight < MAX_IN_FLIGHT) void send(author);
    stopTimer = clock.after(1_000 / perSecond, tick);
  }

  async function send(by: { accountId: string; actor: string }): Promise<void> {
    inFlight += 1;
    const key = parts.newId("tr");
    const status = await charges.create({ ...by, ...someCharge(key, parts.providers, random, clock.now()) }).then(
      ({ charge }) => charge.status,
      () => "refused",
    );
    byStatus[status] = (byStatus[status] ?? 0) + 1;
    inFlight -= 1;
  }

  return {
    set(wanted, by) {
      stop();
      if (wanted <= 0) return;
      perSecond = Math.min(wanted, MAX_PER_SECOND);
      untilMs = clock.now() + RUNS_MS;
      author = by;
      tick();
    },
    state: () => ({ perSecond, untilMs, byStatus: { ...byStatus } }),
    stop,
  };
}

interface Kind {
  readonly country: string;
  readonly currency: string;
  /** Of all charges, in parts. */
  readonly parts: number;
  /** How often each adapter's charges are declined here: who is better differs, so that there is something to learn. */
  readonly declined: Readonly<Record<string, number>>;
}

const KINDS: readonly Kind[] = [
  { country: "US", currency: "usd", parts: 40, declined: { stripe: 0.06, paypal: 0.1 } },
  { country: "DE", currency: "eur", parts: 18, declined: { stripe: 0.14, paypal: 0.05 } },
  { country: "GB", currency: "gbp", parts: 15, declined: { stripe: 0.08, paypal: 0.08 } },
  { country: "FR", currency: "eur", parts: 10, declined: { stripe: 0.09, paypal: 0.12 } },
  { country: "BR", currency: "brl", parts: 9, declined: { stripe: 0.25, paypal: 0.12 } },
  { country: "JP", currency: "jpy", parts: 8, declined: { stripe: 0.07, paypal: 0.2 } },
];
const PAYPAL_CODES = { do_not_honor: "0500", insufficient_funds: "5120" };
const BRANDS = ["visa", "visa", "visa", "mastercard", "mastercard", "amex"] as const;

function someCharge(
  key: string,
  providers: ReadonlyMap<string, string>,
  random: Random,
  nowMs: number,
): Omit<CreateCharge, "accountId" | "actor"> {
  const kind = pick(LOTS, random);
  const tokens: Record<string, unknown> = {};
  for (const [provider, adapter] of providers) {
    const declined = random() < (kind.declined[adapter] ?? 0.1);
    const why = random() < 0.5 ? "do_not_honor" : "insufficient_funds";
    // Each charge is another customer's: what a scheme allows one card must not stop the demonstration.
    if (adapter === "stripe") tokens[provider] = { payment_method: declined ? `pm_card_decline_${why}__${key}` : `pm_card_${key}` };
    if (adapter === "paypal") tokens[provider] = { vault_id: declined ? `processor_${PAYPAL_CODES[why]}__${key}` : key, source: "card" };
  }
  return {
    idempotencyKey: key,
    fingerprint: hash("sha256", key, "buffer"),
    money: { amount: BigInt(500 + Math.floor(random() ** 3 * 40_000)), currency: kind.currency as Currency },
    reference: null,
    allowDuplicateReference: false,
    capture: "automatic",
    failover: "proven",
    paymentMethodId: null,
    paymentMethod: { tokens, type: "card", brand: pick(BRANDS, random), country: kind.country },
    description: "Demonstration traffic",
    metadata: {},
    defer: { untilMs: nowMs + DEFER_MS },
  };
}

/** Each as often as its parts say. */
const LOTS = KINDS.flatMap((kind) => Array<Kind>(kind.parts).fill(kind));

function pick<T>(from: readonly T[], random: Random): T {
  return from[Math.floor(random() * from.length)] as T;
}
