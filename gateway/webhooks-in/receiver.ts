import { Call } from "../../providers/contract/call.ts";
import type { Clock } from "../../providers/contract/clock.ts";
import { never } from "../../providers/contract/outcome.ts";
import type { Provider } from "../../providers/contract/provider.ts";
import type { ProviderEvent, WebhookDelivery, WebhookReading, WebhookRefusal } from "../../providers/contract/webhook.ts";
import type { BackgroundLog } from "../keep-going.ts";
import { type Database, DatabaseAmbiguous, DatabaseUnavailable } from "../store/database.ts";
import { recordEvent } from "../store/provider-events.ts";
import type { Refusals } from "./refusals.ts";
import { FIRST_LOOK_MS } from "./unmatched.ts";

/** Anybody may knock. More than these of one provider are not checked at once; others wait at the provider, which sends again. */
const MAX_READING = 32;
/** A check may fetch a certificate or ask the provider; Stripe gives up on an answer after 10 s or more, PayPal likewise. */
const READ_TIMEOUT_MS = 8_000;
/** Longer ones are nobody's ids, and would not fit an index. */
const MAX_ID = 255;

/** What became of a delivery. Only what is `stored`, or was before, may be acknowledged. */
export type Received =
  | { readonly kind: "stored" | "duplicate" }
  | { readonly kind: "refused"; readonly reason: WebhookRefusal }
  /** Not now: the provider must send it again. */
  | { readonly kind: "not_now"; readonly why: "busy" | "unverifiable" | "database" };

export interface Receiver {
  /** null: no such provider, or it sends no webhooks here. Rejects on bugs only; then nothing is acknowledged. */
  receive(provider: string, delivery: WebhookDelivery): Promise<Received> | null;
}

export interface ReceiverParts {
  readonly db: Database;
  readonly clock: Clock;
  readonly newId: (prefix: string) => string;
  readonly log: BackgroundLog;
  readonly providers: ReadonlyMap<string, Provider>;
  readonly refusals: Refusals;
  count(provider: string, result: string): void;
}

/** A processor's webhook: the adapter checks it, the inbox keeps it, and what it hints at becomes due. Nothing else. */
export function createReceiver(parts: ReceiverParts): Receiver {
  const reading = new Map<string, number>();

  async function receive(provider: Reads, delivery: WebhookDelivery): Promise<Received> {
    const { id } = provider;
    const busy = reading.get(id) ?? 0;
    if (busy >= MAX_READING) return { kind: "not_now", why: "busy" };
    reading.set(id, busy + 1);
    let read: WebhookReading;
    try {
      read = await provider.readWebhook(delivery, new Call({ clock: parts.clock, timeoutMs: READ_TIMEOUT_MS }));
    } finally {
      reading.set(id, (reading.get(id) ?? 1) - 1);
    }
    switch (read.kind) {
      case "event":
        return isSane(read.event)
          ? store(parts, id, read.event, delivery)
          : refused(parts, id, "unreadable", "without a usable id or time");
      case "refused":
        return refused(parts, id, read.reason, read.detail);
      case "unknown":
        parts.log.warn({ provider: id, detail: read.detail }, "a webhook could not be checked");
        return { kind: "not_now", why: "unverifiable" };
      default:
        return never(read);
    }
  }

  return {
    receive(providerId, delivery) {
      const provider = parts.providers.get(providerId);
      if (!provider || !readsWebhooks(provider)) return null;
      return receive(provider, delivery).then(
        (received) => {
          parts.count(providerId, "why" in received ? received.why : received.kind);
          return received;
        },
        (error: unknown) => {
          parts.count(providerId, "failed");
          throw error;
        },
      );
    },
  };
}

type Reads = Provider & Required<Pick<Provider, "readWebhook">>;

function readsWebhooks(provider: Provider): provider is Reads {
  return provider.readWebhook !== undefined;
}

function isSane({ id, type, createdAtMs }: ProviderEvent): boolean {
  const fits = (text: string) => text.length > 0 && text.length <= MAX_ID;
  return fits(id) && fits(type) && Number.isFinite(createdAtMs) && Math.abs(createdAtMs) <= 8.64e15;
}

async function refused(parts: ReceiverParts, provider: string, reason: WebhookRefusal, detail: string): Promise<Received> {
  await parts.refusals.note(provider, reason, detail);
  return { kind: "refused", reason };
}

async function store(parts: ReceiverParts, provider: string, event: ProviderEvent, delivery: WebhookDelivery): Promise<Received> {
  const { db, newId } = parts;
  const receivedAt = new Date(delivery.receivedAtMs);
  const lookAt = new Date(delivery.receivedAtMs + FIRST_LOOK_MS);
  try {
    const { stored } = await recordEvent(db, { provider, event, receivedAt, lookAt, newId });
    return { kind: stored ? "stored" : "duplicate" };
  } catch (error) {
    if (!(error instanceof DatabaseUnavailable || error instanceof DatabaseAmbiguous)) throw error;
    // Perhaps it is stored: then the next delivery finds it there.
    parts.log.warn({ provider, error: error.message }, "a webhook waits for the database");
    return { kind: "not_now", why: "database" };
  }
}
