import type { Problem, ProblemCode } from "./wire.ts";

/** none: no money moved. unknown: it may have; go on with the same key. as_shown: read the charge, its state says it. */
export type Money = Problem["money"];

const ACTION: Readonly<Record<Money, string>> = {
  none: "No money moved. Repeat it with the same idempotency key when you like.",
  unknown:
    "Money may have moved. Repeat the call with the same idempotency key, or find its charge by that key; never repeat it with another one.",
  as_shown: "The charge's own state says what became of the money. Read the charge.",
};

/** What a call of the client throws, whenever something was asked of the gateway. */
export abstract class SwitchyardError extends Error {
  abstract readonly code: string;
  /** Whether this call may have moved money, over all of its tries. */
  readonly money: Money;
  /** What to do, in a sentence. */
  readonly action: string;
  /** The key of a call that moves money: go on with it, never with another. null: the call has none. */
  readonly idempotencyKey: string | null;

  constructor(message: string, facts: { money: Money; action: string; idempotencyKey: string | null; cause?: unknown }) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.money = facts.money;
    this.action = facts.action;
    this.idempotencyKey = facts.idempotencyKey;
  }
}

/** The gateway refused, and repeating the same would not change that. */
export class ProblemError extends SwitchyardError {
  override readonly name = "ProblemError";
  /** Stable; `unexpected_answer`: the answer was none of the gateway's, but of something before it. */
  readonly code: ProblemCode | "unexpected_answer";
  readonly status: number;
  readonly detail: string;
  /** Each invalid field: its JSON pointer in the body, or `?name` of a query parameter. */
  readonly errors: readonly { readonly pointer: string; readonly detail: string }[];
  /** The charge that it is about. */
  readonly charge: string | null;
  readonly requestId: string | null;
  /** When the gateway wants to be asked again; milliseconds from now. */
  readonly retryAfterMs: number | null;

  /** `money`: over all tries, where that is worse than what the last answer says of itself. */
  constructor(refusal: Refusal, call: { money: Money; idempotencyKey: string | null }) {
    const { code, detail, status, problem } = refusal;
    const fields = (problem?.errors ?? []).map((one) => `${one.pointer} ${one.detail}`);
    const action = call.money === refusal.money && problem !== null ? problem.action : ACTION[call.money];
    super([`${code} (${status}): ${detail}`, ...fields].join("; "), { ...call, action });
    this.code = code;
    this.status = status;
    this.detail = detail;
    this.errors = problem?.errors ?? [];
    this.charge = problem?.charge ?? null;
    this.requestId = problem?.request_id ?? null;
    this.retryAfterMs = refusal.retryAfterMs;
  }
}

/**
 * The time is over, or the caller's signal came, and there is no answer. For a call with a key: nothing is lost. Go on with the same key, now or
 * in a week; it is carried out at most once.
 */
export class NoAnswerError extends SwitchyardError {
  override readonly name = "NoAnswerError";
  readonly code: "timed_out" | "aborted" | "unanswered";
  readonly tries: number;
  /** What the gateway said last, when it said anything. */
  readonly lastRefusal: ProblemError | null;
  /** When the gateway wants to be asked again; milliseconds from now. */
  readonly retryAfterMs: number | null;

  constructor(facts: {
    code: NoAnswerError["code"];
    tries: number;
    money: Money;
    idempotencyKey: string | null;
    /** The last try's end. */
    cause: unknown;
  }) {
    const { code, tries, money, idempotencyKey, cause } = facts;
    const why = { timed_out: "the time is over", aborted: "it was aborted", unanswered: "it cannot be repeated safely" }[code];
    const last = cause instanceof Error ? `; last: ${cause.message}` : "";
    const action = idempotencyKey === null ? "It moves no money. Look whether it was done before you repeat it." : ACTION[money];
    super(`no answer after ${tries} ${tries === 1 ? "try" : "tries"}: ${why}${last}`, { money, action, idempotencyKey, cause });
    this.code = code;
    this.tries = tries;
    this.lastRefusal = cause instanceof ProblemError ? cause : null;
    this.retryAfterMs = this.lastRefusal?.retryAfterMs ?? null;
  }
}

/** One answer that is no success, as it was read. */
export interface Refusal {
  readonly status: number;
  readonly code: ProblemError["code"];
  readonly detail: string;
  readonly money: Money;
  readonly retryAfterMs: number | null;
  /** null: it was no problem+json. */
  readonly problem: Problem | null;
}
