import { createHmac, timingSafeEqual } from "node:crypto";
import type { Event } from "./wire.ts";

// Standard Webhooks 1.0.0, symmetric: https://github.com/standard-webhooks/standard-webhooks

const DEFAULT_TOLERANCE_S = 300;
/** The specification's 24 to 64 bytes; the gateway's have 32. */
const SECRET_BYTES = { min: 24, max: 64 };

/** What arrives: an event, or the test that an endpoint can be sent. */
export type WebhookEvent = Event | WebhookTest;

export interface WebhookTest {
  readonly type: "webhook_endpoint.test";
  readonly timestamp: string;
  readonly data: { readonly id: string; readonly livemode: boolean };
}

/** A `Headers`, or the headers of node:http. */
export type WebhookHeaders =
  | { get(name: string): string | null }
  | { readonly [name: string]: string | readonly string[] | number | undefined };

/** It is not from the gateway, or not any more: answer 400, and take nothing from its body. */
export class WebhookError extends Error {
  override readonly name = "WebhookError";
  readonly code: "header_missing" | "timestamp_invalid" | "too_old" | "too_new" | "signature_wrong" | "body_invalid";

  constructor(code: WebhookError["code"], message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * The event that the gateway signed. `body` is the request's body as it came, before any parsing; `secrets` are those of the endpoint, after
 * a rotation the old and the new one. The same event may come twice: remember `data.id`.
 * @throws WebhookError; TypeError for a secret that is none
 */
export function verifyWebhook(
  body: string | Uint8Array,
  headers: WebhookHeaders,
  secrets: string | readonly string[],
  options: { readonly toleranceS?: number; readonly nowMs?: number } = {},
): WebhookEvent {
  if (typeof body !== "string" && !(body instanceof Uint8Array)) throw new TypeError("body: the bytes or the text as they came");
  const keys = (typeof secrets === "string" ? [secrets] : secrets).map(keyIn);
  if (keys.length === 0) throw new TypeError("secrets: at least one is needed");
  const id = header(headers, "webhook-id");
  const timestamp = header(headers, "webhook-timestamp");
  const signatures = header(headers, "webhook-signature");
  checkTime(timestamp, options.nowMs ?? Date.now(), options.toleranceS ?? DEFAULT_TOLERANCE_S);
  const given = signatures.split(" ").flatMap((one) => (one.startsWith("v1,") ? [Buffer.from(one.slice(3), "base64")] : []));
  const wanted = keys.map((key) => createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest());
  // All are compared, each in constant time.
  const fits = wanted.flatMap((ours) => given.map((theirs) => theirs.length === ours.length && timingSafeEqual(theirs, ours)));
  if (!fits.includes(true)) throw new WebhookError("signature_wrong", "no signature fits the body and a secret");
  return eventIn(typeof body === "string" ? body : Buffer.from(body).toString("utf8"));
}

function keyIn(secret: string): Buffer {
  const text = typeof secret === "string" ? secret.replace(/^whsec_/, "") : "";
  const key = Buffer.from(text, "base64");
  const isBase64 = /^[A-Za-z0-9+/]+={0,2}$/.test(text);
  if (!isBase64 || key.length < SECRET_BYTES.min || key.length > SECRET_BYTES.max)
    throw new TypeError("secrets: each is whsec_ and base64, as the endpoint was given it");
  return key;
}

function header(headers: WebhookHeaders, name: string): string {
  const value = typeof headers.get === "function" ? headers.get(name) : inRecord(headers as Readonly<Record<string, unknown>>, name);
  if (typeof value !== "string" || value === "") throw new WebhookError("header_missing", `the header ${name} is missing`);
  return value;
}

/** node:http gives names in lower case, others as they came. */
function inRecord(headers: Readonly<Record<string, unknown>>, name: string): unknown {
  const value = headers[name] ?? Object.entries(headers).find(([other]) => other.toLowerCase() === name)?.[1];
  return Array.isArray(value) && value.length === 1 ? value[0] : value;
}

function checkTime(timestamp: string, nowMs: number, toleranceS: number): void {
  if (!/^\d{1,12}$/.test(timestamp)) throw new WebhookError("timestamp_invalid", "webhook-timestamp is not a number of seconds");
  const ageS = nowMs / 1_000 - Number(timestamp);
  if (ageS > toleranceS) throw new WebhookError("too_old", `it was signed ${Math.round(ageS)} s ago`);
  if (ageS < -toleranceS) throw new WebhookError("too_new", `it was signed ${Math.round(-ageS)} s from now: look at the clocks`);
}

function eventIn(text: string): WebhookEvent {
  try {
    const event = JSON.parse(text) as Partial<WebhookEvent> | null;
    if (typeof event?.type === "string" && typeof event.data === "object") return event as WebhookEvent;
  } catch {
    // told below
  }
  throw new WebhookError("body_invalid", "the body is signed, but it is no event");
}
