/** What one request to PayPal came to, before anyone judges it. */
export type Answer<T> = Ok<T> | Refused | Unreadable | Lost | Unsent;

/** 2xx with a body that fits the schema. */
export interface Ok<T> {
  readonly kind: "ok";
  readonly result: T;
}

/** A 4xx in PayPal's own error format. */
export interface Refused {
  readonly kind: "refused";
  readonly status: number;
  readonly name: string;
  readonly issues: readonly string[];
  /** Where the payer must go, if the error says so. */
  readonly actionUrl: string | null;
  readonly debugId: string | null;
}

/** An answer came and says nothing that we understand: 5xx, 3xx, HTML, a body cut short or against the schema. */
export interface Unreadable {
  readonly kind: "unreadable";
  readonly status: number | null;
  readonly debugId: string | null;
}

/** Bytes were sent and no answer came back. */
export interface Lost {
  readonly kind: "lost";
  readonly code: string;
}

/** Not one byte of this request was sent, and none ever will be. */
export interface Unsent {
  readonly kind: "unsent";
  readonly cause: "token_unavailable" | "refused" | "gate_closed" | "rejected";
  readonly detail: string;
}

/** PayPal's codes are upper case words; free text never gets into an outcome, so no secret can. */
const CODE = /^[A-Z][A-Z0-9_]{0,79}$/;
/** More details than this say nothing new. */
const MAX_ISSUES = 20;

/** Reads an error answer (`status` >= 300). */
export function readError(status: number, body: unknown, headers: Readonly<Record<string, string>>): Refused | Unreadable {
  const parsed = typeof body === "string" ? parse(body) : null;
  const debugId = debugIdOf(parsed?.debug_id ?? headers["paypal-debug-id"]);
  const name = parsed?.name ?? parsed?.error;
  if (status < 400 || status >= 500 || parsed === null || typeof name !== "string") return { kind: "unreadable", status, debugId };
  const details = Array.isArray(parsed.details) ? parsed.details.slice(0, MAX_ISSUES) : [];
  const issues = details.map((detail: unknown) => (isRecord(detail) ? detail.issue : undefined));
  return {
    kind: "refused",
    status,
    name: CODE.test(name.toUpperCase()) ? name.toUpperCase() : "UNNAMED",
    // An issue that we cannot read stays in the list: it must not pass for "nothing else was wrong".
    issues: issues.map((issue) => (typeof issue === "string" && CODE.test(issue) ? issue : "UNREADABLE_ISSUE")),
    actionUrl: actionUrlOf(parsed.links),
    debugId,
  };
}

/** The address where the payer approves or authenticates, from HATEOAS links. */
export function actionUrlOf(links: unknown): string | null {
  if (!Array.isArray(links)) return null;
  for (const rel of ["payer-action", "approve", "redirect"]) {
    for (const link of links as unknown[]) {
      if (!isRecord(link) || link.rel !== rel) continue;
      const href = link.href;
      if (typeof href === "string" && href.length <= 2_048 && /^https?:\/\//.test(href)) return href;
    }
  }
  return null;
}

export function describe(answer: Refused | Unreadable): string {
  const status = answer.status === null ? "an unreadable answer" : `HTTP ${answer.status}`;
  const codes = answer.kind === "refused" ? [answer.name, ...answer.issues].join(" ") : "not understood";
  const debug = answer.debugId === null ? "" : `, debug id ${answer.debugId}`;
  return `${`${status} ${codes}`.slice(0, 240)}${debug}`;
}

function debugIdOf(value: unknown): string | null {
  return typeof value === "string" && /^[A-Za-z0-9]{1,40}$/.test(value) ? value : null;
}

function parse(body: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(body);
    return isRecord(value) ? value : null;
  } catch {
    return null;
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
