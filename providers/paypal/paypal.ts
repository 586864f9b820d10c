import { createHash } from "node:crypto";
import type { Call } from "../contract/call.ts";
import type { Clock } from "../contract/clock.ts";
import type { Unknown } from "../contract/outcome.ts";
import type { Capabilities, Identity, Provider } from "../contract/provider.ts";
import { PAYPAL_CURRENCIES } from "./amounts.ts";
import { Certificates, certificateOrigins } from "./certificates.ts";
import { commit, lookup, prepare, SINGLE_STEP } from "./charge.ts";
import { givenUp, unknown, unknownOf } from "./classify.ts";
import { cancel, capture } from "./holds.ts";
import { records } from "./records.ts";
import { lookupRefund, refund } from "./refunds.ts";
import { DEFAULT_MAX_SOCKETS } from "./transport.ts";
import { readVaultToken, type VaultToken } from "./vault-token.ts";
import { readWebhook, type WebhookReader, type WebhookVerification } from "./webhook.ts";
import { Wire } from "./wire.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** PayPal keeps the keys of orders for 6 hours, and those of captures and refunds for 45 days; less a margin. */
const ORDER_KEY_AGE_MS = 5.5 * HOUR_MS;
const PAYMENT_KEY_AGE_MS = 44 * DAY_MS;

const LIVE_HOST = "api-m.paypal.com";
const BASES = { sandbox: "https://api-m.sandbox.paypal.com", live: `https://${LIVE_HOST}` } as const;

export interface PayPalOptions {
  /** Default `paypal`. */
  readonly id?: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Instead of the address of `environment`. */
  readonly apiBase?: string;
  /** Default `sandbox`. */
  readonly environment?: "sandbox" | "live";
  readonly clock: Clock;
  /**
   * For accounts whose orders need their payment source at creation: one request creates and captures. Its lost answer
   * leaves no order id to look at, only the same key to replay, for 5.5 hours. Change it only while nothing is in doubt.
   */
  readonly singleStep?: boolean;
  readonly maxSockets?: number;
  /** PayPal's id of our webhook: its signatures are for this one. Without it no webhook is read. */
  readonly webhookId?: string;
  /** PEM: the only authorities that may vouch for signatures. Default: those that Node trusts. */
  readonly webhookCa?: string;
  /** Default `offline`: by the certificate. `api` asks PayPal about each delivery, where its certificates cannot be fetched. */
  readonly webhookVerification?: WebhookVerification;
}

export function createPayPalProvider(options: PayPalOptions): Provider {
  const { clientId, clientSecret, clock, singleStep = false, maxSockets = DEFAULT_MAX_SOCKETS } = options;
  const base = new URL(options.apiBase ?? BASES[options.environment ?? "sandbox"]);
  if (!/^https?:$/.test(base.protocol)) throw new RangeError(`PayPal's address is http or https, not ${base.protocol}`);
  const wire = new Wire({ clientId, clientSecret, base, clock, maxSockets });
  const webhooks = webhookReaderOf(options, wire, base);
  return {
    id: options.id ?? "paypal",
    kind: "paypal",
    capabilities: capabilitiesOf(singleStep),

    checkToken(token) {
      const read = readVaultToken(token);
      return "message" in read ? read : null;
    },
    tokenReference: (token) => (readVaultToken(token) as VaultToken).vaultId,
    identify: (call) => identify(wire, clientId, base, call),
    async prepare(request, call) {
      if (singleStep) return { kind: "prepared", object: SINGLE_STEP };
      return call.run(
        () => prepare(wire, request, call),
        bug,
        () => givenUp(call, false, wire.awaitsToken(call)),
      );
    },
    commit: (request, object, call, { replay }) =>
      call.run(
        () => commit(wire, request, object, call, replay),
        bug,
        () => givenUp(call, replay, wire.awaitsToken(call)),
      ),
    capture: (request, call, { replay } = { replay: false }) =>
      call.run(
        () => capture(wire, request, call, replay),
        bug,
        () => givenUp(call, replay, wire.awaitsToken(call)),
      ),
    refund: (request, call, { replay } = { replay: false }) =>
      call.run(
        () => refund(wire, request, call, replay),
        bug,
        () => givenUp(call, replay, wire.awaitsToken(call)),
      ),
    lookupRefund: (request, id, call) =>
      call.run(
        () => lookupRefund(wire, request, id, call),
        bug,
        () => noAnswer(call),
      ),
    cancel: (object, call) =>
      call.run(
        () => cancel(wire, object, call),
        bug,
        () => noAnswer(call),
      ),
    lookup: (query, call) =>
      call.run(
        () => lookup(wire, query, call, singleStep),
        (error) => ({ object: query.object, finding: bug(error) }),
        () => ({ object: query.object, finding: noAnswer(call) }),
      ),
    records: (query, call) =>
      call.run(
        () => records(wire, query, call),
        bug,
        () => noAnswer(call),
      ),
    ...(webhooks && {
      readWebhook: (delivery, call) =>
        call.run(
          () => readWebhook(webhooks, delivery, call),
          bug,
          () => noAnswer(call),
        ),
    }),
    close() {
      wire.close();
      webhooks?.certificates.close();
    },
  };
}

function webhookReaderOf(options: PayPalOptions, wire: Wire, base: URL): WebhookReader | null {
  const { webhookId, webhookCa = null, webhookVerification: verification = "offline" } = options;
  if (webhookId === undefined) return null;
  return { wire, webhookId, verification, certificates: new Certificates(certificateOrigins(base, webhookCa)) };
}

function capabilitiesOf(singleStep: boolean): Capabilities {
  return {
    fence: false,
    prepareKeyAgeMs: ORDER_KEY_AGE_MS,
    commitKeyAgeMs: singleStep ? ORDER_KEY_AGE_MS : PAYMENT_KEY_AGE_MS,
    operationKeyAgeMs: PAYMENT_KEY_AGE_MS,
    holdMs: 29 * DAY_MS,
    currencies: PAYPAL_CURRENCIES,
  };
}

/**
 * The client id names an app of one account; the app id that comes with a token makes sure that PayPal knows it. Hashed,
 * because the client id is half of the credentials.
 */
async function identify(wire: Wire, clientId: string, base: URL, call: Call): Promise<Identity | { kind: "unknown"; detail: string }> {
  const client = `client_${createHash("sha256").update(clientId).digest("hex").slice(0, 16)}`;
  return call.run<Identity | Unknown>(
    async () => {
      const answer = await wire.identify(call);
      if (answer.kind !== "ok") return unknownOf(answer);
      const { appId } = answer.result;
      return { kind: "identity", account: appId === null ? client : `${client}:${appId}`, livemode: base.hostname === LIVE_HOST };
    },
    bug,
    () => noAnswer(call),
  );
}

function noAnswer(call: Call): Unknown {
  return unknown("timeout", `no answer within ${call.timeoutMs} ms`);
}

/** A throw here is our mistake, and it may have come after the request was sent. */
function bug(error: unknown): Unknown {
  return unknown("unexpected", `our own fault: ${error instanceof Error ? error.name : "not an error"}`);
}
