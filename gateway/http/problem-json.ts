import { PROBLEMS, Problem, type ProblemCode } from "../problems.ts";
import { DatabaseAmbiguous, DatabaseUnavailable } from "../store/database.ts";

export const PROBLEM_TYPE = "application/problem+json";

/** What a caller should do about the money, in a sentence for the person who reads the log on the other side. */
export const ACTION = {
  none: "No money moved for this request.",
  unknown: "Money may have moved. Repeat the request with the same Idempotency-Key, or read the charge; do not use another key.",
  as_shown: "The charge's own state says what became of the money. Read the charge.",
} as const;

/** Seconds after which a caller may come back when the database was away: a failover takes longer, a lost connection less. */
const DATABASE_RETRY_S = 2;

/** Whatever was thrown, as a Problem. `isRead`: the request changes nothing, so nothing about it can be in doubt. */
export function toProblem(error: unknown, isRead: boolean): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof DatabaseUnavailable || (isRead && error instanceof DatabaseAmbiguous)) {
    return new Problem("database_unavailable", "The database cannot be reached now.", { retryAfterS: DATABASE_RETRY_S, cause: error });
  }
  if (error instanceof DatabaseAmbiguous) {
    return new Problem("outcome_unknown_retry_same_key", "The connection to the database was lost while the outcome was written.", {
      retryAfterS: DATABASE_RETRY_S,
      cause: error,
    });
  }
  if (isBadUrl(error)) return new Problem("invalid_request", "The path is not validly percent-encoded.");
  return new Problem("internal_error", "Something unexpected happened here. Name the request_id when you ask about it.", { cause: error });
}

/** The body of RFC 9457, with our members: code, money, action, errors, charge, request_id. */
export function problemBody(problem: Problem, more: { requestId: string; isRead: boolean }): Record<string, unknown> {
  const { status, title, money } = PROBLEMS[problem.code];
  const told = more.isRead && money === "unknown" ? "none" : money;
  return {
    type: problemType(problem.code),
    title,
    status,
    detail: problem.message,
    code: problem.code,
    money: told,
    action: ACTION[told],
    ...(problem.faults.length > 0 ? { errors: problem.faults.map(({ pointer, message }) => ({ pointer, detail: message })) } : {}),
    ...(problem.chargeId === null ? {} : { charge: problem.chargeId }),
    request_id: more.requestId,
  };
}

export function problemHeaders(problem: Problem): Record<string, string> {
  const headers: Record<string, string> = {};
  if (problem.retryAfterS !== null) headers["Retry-After"] = String(Math.max(1, Math.ceil(problem.retryAfterS)));
  if (problem.code === "unauthorized") headers["WWW-Authenticate"] = 'Bearer realm="switchyard"';
  if (problem.code === "body_too_large" || problem.code === "unsupported_media_type") headers.Connection = "close";
  return headers;
}

export function problemType(code: ProblemCode): string {
  return `urn:switchyard:problem:${code}`;
}

/** express's router throws this for a malformed path. */
function isBadUrl(error: unknown): boolean {
  return error instanceof URIError || (error instanceof Error && "status" in error && error.status === 400);
}
