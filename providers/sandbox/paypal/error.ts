import { randomBytes } from "node:crypto";
import type { Answer } from "../processor.ts";

export interface Detail {
  readonly issue: string;
  readonly description?: string;
  readonly field?: string;
}

export interface Link {
  readonly href: string;
  readonly rel: string;
  readonly method: string;
}

function errorAnswer(
  status: number,
  name: string,
  message: string,
  details: readonly Detail[],
  executed = false,
  links?: readonly Link[],
): Answer {
  const body = { name, message, debug_id: randomBytes(7).toString("hex").slice(0, 13), details, ...(links ? { links } : {}) };
  return { status, body: JSON.stringify(body), executed };
}

/** 400: the request does not fit the schema. */
export function badRequest(issue: string, field?: string, description?: string): Answer {
  const message = "Request is not well-formed, syntactically incorrect, or violates schema.";
  return errorAnswer(400, "INVALID_REQUEST", message, [detail(issue, field, description)]);
}

/** 422. `executed`: the funding source was asked and said no. */
export function unprocessable(
  issue: string,
  more: { field?: string; description?: string; executed?: boolean; links?: readonly Link[] } = {},
): Answer {
  const message = "The requested action could not be performed, semantically incorrect, or failed business validation.";
  return errorAnswer(422, "UNPROCESSABLE_ENTITY", message, [detail(issue, more.field, more.description)], more.executed, more.links);
}

export function notFound(field: string): Answer {
  const message = "The specified resource does not exist.";
  return errorAnswer(404, "RESOURCE_NOT_FOUND", message, [detail("INVALID_RESOURCE_ID", field, "Specified resource ID does not exist.")]);
}

export function unauthorized(): Answer {
  return oauthError("invalid_token", "Token signature verification failed");
}

export function wrongClient(): Answer {
  return oauthError("invalid_client", "Client Authentication failed");
}

function oauthError(error: string, description: string): Answer {
  return { status: 401, body: JSON.stringify({ error, error_description: description }), executed: false };
}

/** 409: another request with this PayPal-Request-Id has not ended. */
export function inProgress(): Answer {
  const description = "A previous request on this resource is currently in progress. Please wait for some time and try again.";
  const message = "The server has detected a conflict while processing this request.";
  return errorAnswer(409, "RESOURCE_CONFLICT", message, [{ issue: "PREVIOUS_REQUEST_IN_PROGRESS", description }]);
}

export function rateLimit(): Answer {
  return errorAnswer(429, "RATE_LIMIT_REACHED", "Too many requests. Blocked due to rate limiting.", []);
}

export function serverError(): Answer {
  return errorAnswer(500, "INTERNAL_SERVER_ERROR", "An internal server error has occurred.", []);
}

function detail(issue: string, field: string | undefined, description = issue): Detail {
  return { issue, description, ...(field ? { field } : {}) };
}
