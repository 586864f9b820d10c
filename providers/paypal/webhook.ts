import { verify } from "node:crypto";
import { crc32 } from "node:zlib";
import type { Call } from "../contract/call.ts";
import { never } from "../contract/outcome.ts";
import type { ProviderEvent, WebhookDelivery, WebhookReading, WebhookRefusal } from "../contract/webhook.ts";
import { isRecord } from "./answer.ts";
import type { Certificates } from "./certificates.ts";
import { unknownOf } from "./classify.ts";
import { readEvent } from "./event.ts";
import { timeOf } from "./time.ts";
import type { Wire } from "./wire.ts";

/** What checks a delivery: our own eyes, or PayPal's API. */
export type WebhookVerification = "offline" | "api";

export interface WebhookReader {
  readonly wire: Wire;
  readonly webhookId: string;
  readonly certificates: Certificates;
  readonly verification: WebhookVerification;
}

/**
 * PayPal delivers again for three days, with the transmission id, time and signature of the first time, and who was away
 * for as long must still hear of it: a day more is for its last tries. Within this window a delivery can be replayed;
 * whoever is told knows the event's id, and asks PayPal anyway.
 */
const MAX_AGE_MS = 4 * 86_400_000;
/** Clocks differ. */
const MAX_AHEAD_MS = 300_000;
/** PayPal's keys of 2048 bits sign 256 bytes; more than 8192 bits nobody uses. */
const SIGNATURE = /^[A-Za-z0-9+/]{340,1368}={0,2}$/;
const ALGORITHM = "SHA256withRSA";
const VERIFY = "/v1/notifications/verify-webhook-signature";

interface Transmission {
  readonly id: string;
  readonly time: string;
  readonly signature: string;
  readonly certificate: URL;
}

/**
 * The signature covers a CRC-32 of the body, which is no hash: who has seen one delivery can make another body for its
 * headers. So an event that is believed as it stands, and not only a reason to ask, is read again at PayPal by its id.
 */
export async function readWebhook(reader: WebhookReader, delivery: WebhookDelivery, call: Call): Promise<WebhookReading> {
  const transmission = transmissionOf(reader, delivery);
  if ("kind" in transmission) return transmission;
  const refused =
    reader.verification === "api"
      ? await refusedByApi(reader, delivery, transmission, call)
      : await refusedByUs(reader, delivery, transmission, call);
  if (refused) return refused;
  const event = readEvent(delivery.body.toString("utf8"));
  if (event === null) return refusal("unreadable", "not an event of PayPal's");
  return isBelieved(event) ? readAgain(reader.wire, event, call) : { kind: "event", event };
}

/** What costs nothing to check comes first: nobody makes us fetch anything with a delivery that cannot be good. */
function transmissionOf({ certificates }: WebhookReader, { headers, receivedAtMs }: WebhookDelivery): Transmission | WebhookReading {
  const id = headers["paypal-transmission-id"];
  const time = headers["paypal-transmission-time"];
  const signature = headers["paypal-transmission-sig"];
  // A bar in one of them would move the borders of what is signed.
  if (id === undefined || !/^[\w-]{1,64}$/.test(id)) return refusal("signature", "no transmission id");
  if (signature === undefined || !SIGNATURE.test(signature)) return refusal("signature", "no signature");
  // Pinned: the header only may agree.
  if (headers["paypal-auth-algo"] !== ALGORITHM) return refusal("signature", `the algorithm is not ${ALGORITHM}`);
  const certificate = certificates.address(headers["paypal-cert-url"] ?? "");
  if (certificate === null) return refusal("signature", "the certificate is not at PayPal");
  const sentAtMs = timeOf(time);
  if (time === undefined || sentAtMs === null) return refusal("signature", "no transmission time");
  if (receivedAtMs - sentAtMs > MAX_AGE_MS) return refusal("too_old", `sent at ${time}`);
  if (sentAtMs - receivedAtMs > MAX_AHEAD_MS) return refusal("too_old", `sent in the future, at ${time}`);
  return { id, time, signature, certificate };
}

async function refusedByUs(
  { certificates, webhookId }: WebhookReader,
  { body, receivedAtMs }: WebhookDelivery,
  { id, time, signature, certificate }: Transmission,
  call: Call,
): Promise<WebhookReading | null> {
  const fetched = await certificates.get(certificate, call);
  switch (fetched.kind) {
    case "unknown":
      return fetched;
    case "refused":
      return refusal("signature", fetched.detail);
    case "certificate": {
      const { key, fromMs, untilMs } = fetched.certificate;
      if (!(fromMs <= receivedAtMs && receivedAtMs <= untilMs)) return refusal("signature", "the certificate is not valid now");
      // The webhook id is ours alone: what PayPal signed for another account, or for the other mode, does not pass.
      const signed = Buffer.from(`${id}|${time}|${webhookId}|${crc32(body)}`);
      return verify("RSA-SHA256", signed, key, Buffer.from(signature, "base64")) ? null : refusal("signature", "the signature is wrong");
    }
    default:
      return never(fetched);
  }
}

async function refusedByApi(
  { wire, webhookId }: WebhookReader,
  { body }: WebhookDelivery,
  { id, time, signature, certificate }: Transmission,
  call: Call,
): Promise<WebhookReading | null> {
  const event = body.toString("utf8");
  if (readEvent(event) === null) return refusal("unreadable", "not an event of PayPal's");
  const said = {
    auth_algo: ALGORITHM,
    cert_url: certificate.href,
    transmission_id: id,
    transmission_sig: signature,
    transmission_time: time,
    webhook_id: webhookId,
  };
  // The event goes back as it came: PayPal counts its bytes, and our JSON need not be its JSON.
  const request = `${JSON.stringify(said).slice(0, -1)},"webhook_event":${event}}`;
  const answer = await wire.ask(call, "POST", VERIFY, request);
  if (answer.kind !== "ok") return { kind: "unknown", detail: unknownOf(answer).detail };
  const { verification_status: status } = isRecord(answer.result) ? answer.result : {};
  if (status === "SUCCESS") return null;
  if (status === "FAILURE") return refusal("signature", "PayPal did not sign it");
  return { kind: "unknown", detail: "PayPal did not say whether it signed this" };
}

/** Disputes and instruments are taken from the event; payments and refunds are asked for by whoever is told. */
function isBelieved({ subject }: ProviderEvent): boolean {
  return subject.kind === "dispute" || subject.kind === "instrument";
}

async function readAgain(wire: Wire, event: ProviderEvent, call: Call): Promise<WebhookReading> {
  const answer = await wire.ask(call, "GET", `/v1/notifications/webhooks-events/${event.id}`, null);
  if (answer.kind === "refused" && answer.status === 404) return refusal("signature", "PayPal knows no such event");
  if (answer.kind !== "ok") return { kind: "unknown", detail: unknownOf(answer).detail };
  const theirs = readEvent(JSON.stringify(answer.result));
  if (theirs === null || theirs.id !== event.id) return { kind: "unknown", detail: "PayPal answered with another event" };
  return { kind: "event", event: theirs };
}

function refusal(reason: WebhookRefusal, detail: string): WebhookReading {
  return { kind: "refused", reason, detail: detail.slice(0, 300) };
}
