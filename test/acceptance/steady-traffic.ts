import { type Asked, chargeUntilTold, inParallel } from "./client.ts";
import type { Gateway } from "./gateway-process.ts";
import { goodBody } from "./storm.ts";

/** A machine that does not keep up gets no pile of requests. */
const MOST_UNDER_WAY = 24;

export interface Sent {
  readonly gateway: Gateway;
  /** Both processors could take it. */
  readonly free: boolean;
  /** Where its first attempt went; null: there was none. */
  readonly first: string | null;
  readonly asked: Asked;
}

export interface Traffic {
  /** Charges sent so far. */
  begun(): number;
  /** Charges that have been told, from the nth that was sent, in that order. */
  toldFrom(n: number): Sent[];
  /** Resolves when all that was sent is told; rejects if one caller heard what it must not hear. */
  stop(): Promise<Asked[]>;
}

/** A good charge every `everyMs`, at each of the gateways in turn. `bound`: every fifth one has a token at Stripe only. */
export function startTraffic(options: { gateways: readonly Gateway[]; prefix: string; bound?: boolean; everyMs?: number }): Traffic {
  const { gateways, prefix, bound = false, everyMs = 60 } = options;
  const told = new Map<number, Sent>();
  const all: Promise<Asked>[] = [];
  const timer = setInterval(() => {
    if (all.length - told.size >= MOST_UNDER_WAY) return;
    const n = all.length;
    const gateway = gateways[n % gateways.length]!;
    const free = !bound || n % 5 !== 4;
    const body = {
      ...goodBody(n),
      reference: `${prefix}-${n}`,
      ...(free ? {} : { payment_method: { stripe: { payment_method: "pm_card_visa" } } }),
    };
    const charge = chargeUntilTold(() => [gateway.url], { key: `${prefix}-${n}`, body });
    charge.then(
      (asked) => told.set(n, { gateway, free, asked, first: asked.charge.attempts[0]?.provider ?? null }),
      () => {},
    );
    all.push(charge);
  }, everyMs);
  return {
    begun: () => all.length,
    toldFrom: (from) =>
      [...told]
        .filter(([n]) => n >= from)
        .sort(([a], [b]) => a - b)
        .map(([, sent]) => sent),
    async stop() {
      clearInterval(timer);
      return Promise.all(all);
    },
  };
}

/** Issuers' answers at PayPal that are worse than Stripe's: without faults every charge goes to Stripe first. Told charges, for the judge. */
export function preferStripe(gateway: Gateway, prefix: string): Promise<Asked[]> {
  return inParallel(
    Array.from({ length: 30 }, (_, n) => n),
    4,
    (n) => {
      const vault_id = n % 3 === 0 ? "decline_INSTRUMENT_DECLINED" : `vault-${n}`;
      const body = { ...goodBody(n), reference: `${prefix}-${n}`, payment_method: { paypal: { vault_id }, type: "card" } };
      return chargeUntilTold(() => [gateway.url], { key: `${prefix}-${n}`, body });
    },
  );
}

/** The share of charges that were sent to `provider` first. */
export function firstShare(sent: readonly Sent[], provider: string): number {
  return sent.filter(({ first }) => first === provider).length / sent.length;
}
