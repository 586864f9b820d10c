import type { Segment } from "../../routing/approval.ts";
import type { Decision } from "../../routing/choose.ts";
import type { NewAttempt } from "../store/accept-charges.ts";
import { storedRequest } from "./attempt.ts";
import type { Attempt, Charge } from "./charge.ts";
import type { Core } from "./core.ts";
import { leaseEnd, MAX_SKEW_MS } from "./lease.ts";

/** The next provider for a charge, from the in-process snapshot. */
export function decide(
  core: Core,
  charge: Pick<Charge, "id" | "paymentMethod" | "currency" | "amount">,
  excluded: readonly string[],
): Decision {
  return core.fleet.choose({
    providers: Object.keys(charge.paymentMethod.tokens),
    excluded,
    chargeId: charge.id,
    segment: segmentOf(charge),
    money: { amount: charge.amount, currency: charge.currency },
  });
}

/** What approval rates are kept by. */
export function segmentOf(charge: Pick<Charge, "paymentMethod" | "currency">): Segment {
  const { type, brand, country } = charge.paymentMethod;
  return { type, brand, country, currency: charge.currency };
}

export function newAttempt(
  core: Core,
  charge: Parameters<typeof storedRequest>[0] & { attempts: readonly unknown[] },
  provider: string,
  decision: Decision,
  now: Date,
): NewAttempt {
  const account = core.accountOf(provider);
  if (account === null) throw new Error(`provider ${provider} was chosen before its account was verified`);
  return {
    id: core.newId("at"),
    no: charge.attempts.length + 1,
    provider,
    provider_account: account,
    request: storedRequest(charge, provider),
    decision,
    started_at: now.toISOString(),
  };
}

/**
 * Authorizations in doubt that were left for another provider (authorize_first), the newest first. They move no money, so they hold
 * nothing back; the looks at closed attempts void them as soon as their provider answers.
 */
export function orphansOf(charge: Pick<Charge, "attempts">): Attempt[] {
  return charge.attempts.filter(isOrphan).reverse();
}

export function isOrphan({ live, outcome }: Pick<Attempt, "live" | "outcome">): boolean {
  return !live && outcome === "unknown";
}

/**
 * Whether there is late evidence about an attempt that was given up: nothing new is begun before it is looked at. (A look that is
 * under way, or was put off because somebody holds the charge, is due within a lease's time by the clock of whoever took it; later ones
 * are routine.)
 */
export function awaitsLook(core: Core, charge: Charge): boolean {
  const soon = leaseEnd(core.clock, core.settings).getTime() + MAX_SKEW_MS;
  return charge.attempts.some((one) => !isOrphan(one) && one.nextLookAt !== null && one.nextLookAt.getTime() <= soon);
}
