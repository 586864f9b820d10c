import { faultKinds, providerNames } from "../../providers/sandbox/fault.ts";
import type { Sandbox } from "../../providers/sandbox/sandbox.ts";
import { type Asked, ask, chargeUntilTold, inParallel } from "./client.ts";
import type { World } from "./harness.ts";

/** Milliseconds: past the gateways' PROVIDER_TIMEOUT_MS, so that the processor executes what its caller has given up. */
const SLOW_MS = 900;
const OUTAGE_EVERY_MS = 3_000;
const OUTAGE_MS = 700;

/**
 * Every kind of fault at both processors and every operation: `share` of all requests is struck; and each processor in turn is
 * gone for a moment. Returns how to end it.
 */
export function startStorm(sandbox: Sandbox, share = 0.25): () => void {
  const kinds = faultKinds.filter((kind) => kind !== "refuse");
  const probability = 1 - (1 - share) ** (1 / (kinds.length + 1));
  for (const provider of providerNames) {
    for (const kind of kinds) sandbox.setFault(provider, { kind, probability, ...(kind === "slow" ? { delayMs: SLOW_MS } : {}) });
    // The commit finds nobody.
    sandbox.setFault(provider, { kind: "refuse", operation: "commit", probability, delayMs: 200 });
  }
  let turns = 0;
  const timer = setInterval(() => {
    const provider = providerNames[turns++ % providerNames.length]!;
    sandbox.setFault(provider, { kind: "refuse", delayMs: OUTAGE_MS });
  }, OUTAGE_EVERY_MS);
  return () => {
    clearInterval(timer);
    sandbox.clearFaults();
  };
}

/** An operator's `up` at both: no gate keeps a charge out of the storm. Returns how to end it. */
export async function ignoreHealth(url: string): Promise<(nowAt?: string) => Promise<void>> {
  for (const provider of providerNames) {
    const { status, text } = await ask(url, `PUT /v1/providers/${provider}/override`, { body: { mode: "up", reason: "into the storm" } });
    if (status !== 200) throw new Error(`the override answered ${status}: ${text}`);
  }
  return async (nowAt = url) => {
    for (const provider of providerNames) await ask(nowAt, `DELETE /v1/providers/${provider}/override`);
  };
}

const CURRENCIES = ["usd", "usd", "eur", "jpy"];

/** The nth charge of a mix: mostly good cards at both processors, some at one only, some declined, some settled late. */
export function chargeBody(n: number): Record<string, unknown> {
  const stripe = stripeToken(n);
  return {
    amount: 100 + 7 * n,
    currency: CURRENCIES[n % CURRENCIES.length],
    reference: `invoice-${n}`,
    payment_method: {
      ...(n % 10 === 1 ? {} : { stripe: { customer: `cus_${n}`, payment_method: stripe } }),
      ...(n % 10 === 2 ? {} : { paypal: { vault_id: n % 23 === 5 ? "decline_INSTRUMENT_DECLINED" : `vault-${n}` } }),
      type: "card",
      brand: n % 3 === 0 ? "mastercard" : "visa",
      country: n % 4 === 0 ? "DE" : "US",
    },
    metadata: { n: String(n) },
  };
}

/** A charge that both processors take, of a customer of its own: no card gets so many declines that its scheme forbids another. */
export function goodBody(n: number): Record<string, unknown> {
  const stripe = { customer: `cus_good_${n}`, payment_method: "pm_card_visa" };
  const payment_method = { stripe, paypal: { vault_id: `vault-good-${n}` }, type: "card", brand: "visa", country: "US" };
  return { amount: 100 + n, currency: "usd", reference: `good-${n}`, payment_method, metadata: { n: String(n) } };
}

function stripeToken(n: number): string {
  if (n % 17 === 3) return "pm_card_decline_insufficient_funds";
  if (n % 19 === 4) return "pm_card_decline_processing_error";
  if (n % 29 === 6) return "pm_card_pending";
  return "pm_card_visa";
}

/** `count` charges, `concurrency` at a time; every tenth caller hangs up once, every twentieth sends its request twice at once. */
export async function chargeAll(
  world: Pick<World, "urls">,
  options: { prefix: string; from?: number; count: number; concurrency?: number; between?: (done: number) => void },
): Promise<Asked[]> {
  const { prefix, from = 0, count, concurrency = 20 } = options;
  let done = 0;
  const numbers = Array.from({ length: count }, (_, i) => from + i);
  const asked = await inParallel(numbers, concurrency, async (n) => {
    const key = `${prefix}-${n}`;
    const body = { ...chargeBody(n), metadata: { n: String(n), wish: key } };
    const request = { key, body, ...(n % 10 === 7 ? { impatientMs: 150 } : {}) };
    const both = await Promise.all(Array.from({ length: n % 20 === 11 ? 2 : 1 }, () => chargeUntilTold(world.urls, request)));
    options.between?.(++done);
    return both;
  });
  return asked.flat();
}
