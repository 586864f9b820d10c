/** Where a processor's webhooks go. */
export interface WebhookEndpoint {
  readonly url: string;
  /** What its deliveries are signed for: Stripe's signing secret, PayPal's webhook id. */
  readonly secret: string;
  /** Of this account only; left out: of every account that has no endpoint of its own. */
  readonly account?: string;
}

/** How badly a processor delivers. What is left out is well. */
export interface WebhookMood {
  /** Of an event to be delivered twice, 0 to 1. */
  readonly duplicates?: number;
  /** Milliseconds: each delivery waits a random part of it, so that they arrive shuffled. */
  readonly disorderMs?: number;
  /** Milliseconds that each delivery waits. */
  readonly delayMs?: number;
  /** Of an event never to be delivered, 0 to 1. */
  readonly loss?: number;
  /** Nothing is delivered, and what happens meanwhile never will be. */
  readonly off?: boolean;
}

const MAX_WAIT_MS = 24 * 3_600_000;
const MAX_SECRET_LENGTH = 500;
const MOOD_FIELDS = ["duplicates", "disorderMs", "delayMs", "loss", "off"];
const ENDPOINT_FIELDS = ["url", "secret", "account"];

/** Checks a mood that came over the wire. Answers what is wrong as a sentence. */
export function parseMood(input: unknown): WebhookMood | string {
  const mood = objectOf(input, MOOD_FIELDS);
  if (typeof mood === "string") return mood;
  for (const name of ["duplicates", "loss"]) if (!within(mood[name], 1)) return `"${name}" is a number from 0 to 1`;
  for (const name of ["disorderMs", "delayMs"]) {
    if (!within(mood[name], MAX_WAIT_MS)) return `"${name}" is a number from 0 to ${MAX_WAIT_MS}`;
  }
  if (mood.off !== undefined && typeof mood.off !== "boolean") return '"off" is true or false';
  return mood as WebhookMood;
}

/** The same for an endpoint. */
export function parseEndpoint(input: unknown): WebhookEndpoint | string {
  const endpoint = objectOf(input, ENDPOINT_FIELDS);
  if (typeof endpoint === "string") return endpoint;
  const { url, secret, account } = endpoint;
  if (typeof url !== "string" || !/^https?:\/\//.test(url) || !URL.canParse(url)) return '"url" is an http or https address';
  if (!isWord(secret)) return `"secret" is a text of 1 to ${MAX_SECRET_LENGTH} characters`;
  if (account !== undefined && !isWord(account)) return `"account" is a text of 1 to ${MAX_SECRET_LENGTH} characters`;
  return endpoint as unknown as WebhookEndpoint;
}

function objectOf(input: unknown, fields: readonly string[]): Record<string, unknown> | string {
  if (typeof input !== "object" || input === null || Array.isArray(input)) return "the body is a JSON object";
  for (const field of Object.keys(input)) if (!fields.includes(field)) return `unknown field "${field}"; known: ${fields.join(", ")}`;
  return { ...input };
}

function within(value: unknown, max: number): boolean {
  return value === undefined || (typeof value === "number" && value >= 0 && value <= max);
}

function isWord(value: unknown): value is string {
  return typeof value === "string" && value.length > 0 && value.length <= MAX_SECRET_LENGTH;
}
