import { z } from "zod";
import type { Clock } from "../../providers/contract/clock.ts";
import { never } from "../../providers/contract/outcome.ts";
import type { WebhookRefusal } from "../../providers/contract/webhook.ts";
import { Problem } from "../problems.ts";
import type { Received, Receiver } from "../webhooks-in/receiver.ts";
import { type Route, route } from "./route.ts";

/** Stripe's and PayPal's events are below 64 KiB; a dispute with its evidence, or an order with many items, may be more. */
const MAX_WEBHOOK_BYTES = 256 * 1024;
/** Processors have a schedule of their own; others may heed it. */
const RETRY_AFTER_S = 5;

/** What the processors send. Whoever calls proves by the signature who they are: there is no key. */
export function providerWebhookRoutes(deps: { readonly receiver: Receiver; readonly clock: Pick<Clock, "now"> }): Route[] {
  return [
    route({
      method: "post",
      path: "/webhooks/{provider}",
      roles: "public",
      summary: "A processor's webhook",
      description:
        "For the processor itself. The body is the signed bytes; the signature, in the processor's own headers, is the authentication. 200: it is stored, or was before. " +
        "Everything else: it must be sent again, or is refused.",
      rawBodyBytes: MAX_WEBHOOK_BYTES,
      example: {
        id: "evt_1",
        object: "event",
        type: "payment_intent.succeeded",
        data: { object: { id: "pi_1", object: "payment_intent" } },
      },
      params: z.object({ provider: z.string().max(64) }),
      responses: { 200: { description: "Stored; also if it was before", schema: z.object({ received: z.literal(true) }) } },
      problems: ["webhook_refused", "webhook_not_taken"],
      async handler({ params, rawBody, headers }) {
        const receiving = deps.receiver.receive(params.provider, { headers, body: rawBody, receivedAtMs: deps.clock.now() });
        if (receiving === null) throw new Problem("not_found", "There is no provider of this name that sends webhooks here.");
        return answer(await receiving);
      },
    }),
  ];
}

function answer(received: Received) {
  switch (received.kind) {
    case "stored":
    case "duplicate":
      return { status: 200, body: { received: true } };
    case "refused":
      throw new Problem("webhook_refused", WHY_REFUSED[received.reason]);
    case "not_now":
      throw new Problem("webhook_not_taken", WHY_NOT_NOW[received.why], { retryAfterS: RETRY_AFTER_S });
    default:
      return never(received);
  }
}

/** To a stranger: nothing of what was expected instead. */
const WHY_REFUSED: Readonly<Record<WebhookRefusal, string>> = {
  signature: "Its signature is missing or wrong.",
  too_old: "It was signed too long ago.",
  unreadable: "Its body is not an event.",
  other_account: "It is about another account, or the other mode.",
};

const WHY_NOT_NOW: Readonly<Record<Extract<Received, { kind: "not_now" }>["why"], string>> = {
  busy: "Too many are being checked.",
  unverifiable: "Its signature cannot be checked now.",
  database: "It cannot be stored now.",
};
