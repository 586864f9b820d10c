import type { Answer } from "../processor.ts";
import type { CardError } from "./intent.ts";

/** The body of Stripe's `error`. */
interface ErrorBody {
  readonly type: "invalid_request_error" | "card_error" | "idempotency_error" | "api_error";
  readonly message: string;
  readonly code?: string;
  readonly param?: string;
  readonly [more: string]: unknown;
}

function errorAnswer(status: number, error: ErrorBody, executed: boolean): Answer {
  return { status, body: JSON.stringify({ error }), executed };
}

/** 400 (or another status): refused before execution; not kept for the key. */
export function invalid(message: string, more: { code?: string; param?: string; payment_intent?: unknown } = {}, status = 400): Answer {
  return errorAnswer(status, { type: "invalid_request_error", message, ...more }, false);
}

export function missing(what: string, id: string, param: string, status = 404): Answer {
  return invalid(`No such ${what}: '${id}'`, { code: "resource_missing", param }, status);
}

export function unauthorized(message: string): Answer {
  return errorAnswer(401, { type: "invalid_request_error", message }, false);
}

/** 402: executed, and the card said no. */
export function cardDeclined(error: CardError, intent: unknown): Answer {
  return errorAnswer(402, { ...error, payment_intent: intent }, true);
}

export function keyReused(key: string, what: "parameters" | "endpoint"): Answer {
  const how = what === "endpoint" ? "for the same endpoint" : "with the same parameters";
  const message = `Keys for idempotent requests can only be used ${how} they were first used ${what === "endpoint" ? "for" : "with"}. Try using a key other than '${key}' if you meant to execute a different request.`;
  return errorAnswer(400, { type: "idempotency_error", message }, false);
}

export function keyInUse(key: string): Answer {
  const message = `There is currently another in-progress request using this Idempotent Key (that probably means you submitted twice, and the other request is still going through): ${key}. Please try again later.`;
  return errorAnswer(409, { type: "idempotency_error", code: "idempotency_key_in_use", message }, false);
}

export function rateLimit(): Answer {
  return errorAnswer(429, { type: "invalid_request_error", code: "rate_limit", message: "Request rate limit exceeded." }, false);
}

export function serverError(): Answer {
  return errorAnswer(500, { type: "api_error", message: "An unknown error occurred" }, false);
}
