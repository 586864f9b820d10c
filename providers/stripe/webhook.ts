import { isUtf8 } from "node:buffer";
import { Stripe } from "stripe";
import type { ProviderEvent, WebhookDelivery, WebhookReading, WebhookRefusal } from "../contract/webhook.ts";
import type { Ask } from "./answer.ts";
import { record, wordOf } from "./judge.ts";
import { isRelease } from "./release.ts";
import { subjectOf } from "./subject.ts";

export interface WebhookCheck {
  /** Each of them is good: while a secret is rolled there are two. */
  readonly secrets: readonly string[];
  /** Of our key. */
  readonly livemode: boolean | null;
}

/** Stripe's own advice. Never 0: that turns the SDK's check off. */
const TOLERANCE_S = 300;

/** `STRIPE_WEBHOOK_SECRET` may hold several, separated by commas. */
export function webhookSecrets(setting: string): string[] {
  return setting
    .split(",")
    .map((secret) => secret.trim())
    .filter((secret) => secret !== "");
}

/** Checks and reads a delivery. Asks Stripe only about a refund without our key: see `isRelease`. */
export async function readWebhook(delivery: WebhookDelivery, check: WebhookCheck, ask: Ask): Promise<WebhookReading> {
  const refusal = signatureRefusal(delivery, check.secrets);
  if (refusal) return refusal;
  const event = parsed(delivery.body);
  const read = event && eventOf(event);
  if (!event || !read) return refused("unreadable", "signed, but not an event");
  if (event.livemode !== check.livemode) return refused("other_account", `livemode is ${event.livemode === true}`);
  // Set on events of connected accounts only; what we charge is never theirs.
  if (typeof event.account === "string") return refused("other_account", "an event of a connected account");
  const { subject } = read;
  if (subject.kind !== "refund" || subject.key !== null) return { kind: "event", event: read };
  return { kind: "event", event: (await isReleased(event, ask)) ? { ...read, subject: { kind: "other" } } : read };
}

function signatureRefusal({ headers, body, receivedAtMs }: WebhookDelivery, secrets: readonly string[]): WebhookReading | null {
  const header = headers["stripe-signature"] ?? "";
  // Exactly one time: the SDK would take the last of several.
  const times = header.split(",").filter((part) => part.startsWith("t="));
  const signedAtS = /^t=(\d{1,12})$/.exec(times[0] ?? "")?.[1];
  if (times.length !== 1 || signedAtS === undefined) return refused("signature", "missing or malformed");
  // As text, because the SDK's own decoding drops a byte order mark and replaces what is not UTF-8: other bytes, same signature.
  if (!isUtf8(body)) return refused("signature", "the body is not UTF-8");
  const text = body.toString("utf8");
  const verifies = (secret: string, toleranceS: number): boolean => {
    try {
      return Stripe.webhooks.signature!.verifyHeader(text, header, secret, toleranceS, undefined, receivedAtMs);
    } catch (error) {
      if (error instanceof Stripe.errors.StripeSignatureVerificationError) return false;
      throw error;
    }
  };
  if (!secrets.some((secret) => verifies(secret, Number.MAX_SAFE_INTEGER))) return refused("signature", "it is not ours");
  // The SDK checks the age only: a time that is still to come would be good until then.
  const early = Number(signedAtS) - receivedAtMs / 1000 > TOLERANCE_S;
  const fresh = !early && secrets.some((secret) => verifies(secret, TOLERANCE_S));
  return fresh ? null : refused("too_old", `signed more than ${TOLERANCE_S} s ${early ? "ahead" : "ago"}`);
}

function parsed(body: Buffer): Record<string, unknown> | null {
  try {
    const event: unknown = JSON.parse(body.toString("utf8"));
    return typeof event === "object" && event !== null && !Array.isArray(event) ? (event as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

const MAX_CREATED_S = 1e11;

function eventOf(event: Record<string, unknown>): ProviderEvent | null {
  const { id, type, created } = event;
  if (event.object !== "event" || typeof id !== "string" || !/^evt_\w{1,250}$/.test(id)) return null;
  if (typeof type !== "string" || !/^[\w.]{1,100}$/.test(type) || typeof event.livemode !== "boolean") return null;
  if (typeof created !== "number" || !Number.isSafeInteger(created) || created < 0 || created > MAX_CREATED_S) return null;
  return { id, type, createdAtMs: created * 1000, subject: subjectOf(type, record(record(event.data).object)) };
}

/** When Stripe cannot be asked it counts as a refund: better one too many to look at than one too few. */
async function isReleased(event: Record<string, unknown>, ask: Ask): Promise<boolean> {
  const refund = record(record(event.data).object);
  const charge = wordOf(refund.charge);
  if (charge === null) return false;
  const answer = await ask((stripe) => stripe.charges.retrieve(charge));
  return answer.kind === "ok" && answer.body.id === charge && isRelease(refund, answer.body);
}

function refused(reason: WebhookRefusal, detail: string): WebhookReading {
  return { kind: "refused", reason, detail };
}
