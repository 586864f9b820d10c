import { PROBLEMS, Problem, type ProblemCode } from "../problems.ts";
import type { Json } from "./openapi-schemas.ts";
import { PROBLEM_TYPE, problemBody, problemHeaders } from "./problem-json.ts";
import type { Route } from "./route.ts";

/** The refusals of a route by status: its own, and what the server itself may answer before or instead of its handler. */
export function refusals(definition: Route): Json {
  const codes = [...new Set([...commonProblems(definition), ...definition.problems])];
  const byStatus = Map.groupBy(codes, (code) => PROBLEMS[code].status);
  const entries = [...byStatus].sort(([a], [b]) => a - b).filter(([status]) => definition.responses[status] === undefined);
  return Object.fromEntries(entries.map(([status, ofStatus]) => [String(status), refusal(ofStatus, definition.method === "get")]));
}

function commonProblems(definition: Route): ProblemCode[] {
  const takesBody = definition.method === "post" || definition.method === "put";
  return [
    "invalid_request",
    "card_number_not_allowed",
    "not_acceptable",
    "internal_error",
    ...(definition.roles === "public" ? [] : (["unauthorized", "forbidden", "database_unavailable"] as const)),
    ...(definition.path.includes("{") ? (["not_found"] as const) : []),
    ...(takesBody ? (["body_too_large", "unsupported_media_type"] as const) : []),
    ...(takesBody && definition.rawBodyBytes === undefined ? (["invalid_json", "validation_failed"] as const) : []),
    ...(definition.method === "get" || definition.roles === "public"
      ? []
      : (["outcome_unknown_retry_same_key", "csrf_token_invalid"] as const)),
    ...(definition.idempotent ? (["idempotency_key_missing", "idempotency_key_invalid"] as const) : []),
  ];
}

function refusal(codes: readonly ProblemCode[], isRead: boolean): Json {
  const problems = codes.map(exampleOf);
  const names = ["X-Request-Id", ...new Set(problems.flatMap((problem) => Object.keys(problemHeaders(problem))))];
  return {
    description: codes.map((code) => `\`${code}\`: ${PROBLEMS[code].title}`).join("\n\n"),
    headers: Object.fromEntries(names.map((name) => [name, { description: HEADERS[name] ?? name, schema: { type: "string" } }])),
    content: {
      [PROBLEM_TYPE]: {
        schema: { $ref: "#/components/schemas/Problem" },
        examples: Object.fromEntries(
          problems.map((problem) => [
            problem.code,
            { summary: PROBLEMS[problem.code].title, value: problemBody(problem, { requestId: REQUEST_ID, isRead }) },
          ]),
        ),
      },
    },
  };
}

const REQUEST_ID = "req_01m81q37grcvsrypk1kvnenndc";
const CHARGE = "ch_01m81q37grcvsrypk1kvnenndc";

const HEADERS: Readonly<Record<string, string>> = {
  "X-Request-Id": "The request's id",
  "Retry-After": "Seconds after which to come back",
  "WWW-Authenticate": "What to authenticate with",
  Connection: "`close`: the rest of the body is not read",
};

/** As it would be thrown: the example in the documentation is made by what makes the answer. */
function exampleOf(code: ProblemCode): Problem {
  const { detail = `${PROBLEMS[code].title}.`, ...more } = CASES[code] ?? {};
  return new Problem(code, detail, more);
}

/** One case of each, where its title does not say enough. */
const CASES: Readonly<Partial<Record<ProblemCode, { detail?: string } & NonNullable<ConstructorParameters<typeof Problem>[2]>>>> = {
  invalid_json: { detail: "Send a JSON body." },
  invalid_request: {
    detail: "The query has invalid parameters.",
    faults: [{ pointer: "?limit", message: "must be a number from 1 to 100" }],
  },
  validation_failed: { detail: "The body has an invalid field.", faults: [{ pointer: "/colour", message: "is not a known field" }] },
  card_number_not_allowed: { detail: "The path or query holds what looks like a card number." },
  unauthorized: { detail: "This API key is not known, or it was revoked." },
  forbidden: { detail: "This key has the role finance; this takes one of: ops, admin." },
  csrf_token_invalid: { detail: "Send X-CSRF-Token with the token that GET /console/session tells." },
  not_found: { detail: "There is no such charge." },
  not_acceptable: { detail: "This is available as application/json." },
  idempotency_key_missing: { detail: "Send an Idempotency-Key header: one per operation, the same for each retry." },
  idempotency_key_invalid: { detail: "The Idempotency-Key must be 1 to 255 visible ASCII characters, without spaces." },
  idempotency_key_in_use: { detail: "The first request with this key is still running.", chargeId: CHARGE, retryAfterS: 1 },
  reference_in_use: { detail: "An unfinished charge has this reference.", chargeId: CHARGE },
  charge_in_flight: { chargeId: CHARGE, retryAfterS: 1 },
  charge_final: { chargeId: CHARGE },
  charge_not_refundable: { chargeId: CHARGE },
  charge_disputed: { chargeId: CHARGE },
  refund_exceeds_captured: { chargeId: CHARGE },
  charge_not_in_doubt: { chargeId: CHARGE },
  refund_not_in_doubt: { chargeId: CHARGE },
  resolution_in_progress: { chargeId: CHARGE, retryAfterS: 30 },
  provider_disagrees: { chargeId: CHARGE },
  routing_rules_changed: { detail: "Version 3 is in force, and not 2: nothing was set." },
  last_admin_key: { detail: "Make another admin key first, or set ADMIN_KEY." },
  webhook_endpoint_disabled: { detail: "Enable it first: nothing is sent to a disabled endpoint." },
  too_many_requests: { retryAfterS: 1 },
  internal_error: { detail: "Something unexpected happened here. Name the request_id when you ask about it." },
  webhook_not_taken: { detail: "Too many are being checked.", retryAfterS: 5 },
  not_ready: { retryAfterS: 1 },
  no_provider_available: { retryAfterS: 5 },
  database_unavailable: { detail: "The database cannot be reached now.", retryAfterS: 2 },
  outcome_unknown_retry_same_key: {
    detail: "The connection to the database was lost while the outcome was written.",
    retryAfterS: 2,
  },
};

export function problemSchema(): Json {
  const text = { type: "string" };
  return {
    type: "object",
    description: "RFC 9457. `code` is stable; `money` says whether money may have moved.",
    required: ["type", "title", "status", "detail", "code", "money", "action", "request_id"],
    properties: {
      type: { type: "string", format: "uri" },
      title: text,
      status: { type: "integer" },
      detail: text,
      code: { type: "string", enum: Object.keys(PROBLEMS) },
      money: {
        type: "string",
        enum: ["none", "unknown", "as_shown"],
        description:
          "none: no money moved for this request. unknown: repeat with the same key, or read the charge. as_shown: read the charge.",
      },
      action: { type: "string", description: "The same, as a sentence for a person" },
      errors: {
        type: "array",
        description: "Each invalid field: its JSON pointer in the body, or `?name` of a query parameter",
        items: { type: "object", required: ["pointer", "detail"], properties: { pointer: text, detail: text } },
      },
      charge: { type: "string", description: "The charge that it is about" },
      request_id: text,
    },
  };
}
