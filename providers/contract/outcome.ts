/**
 * What one call to a provider told us (returned, never thrown).
 * Only `declined` and `not_sent` can be proof; `unknown` is everything that we do not understand.
 */
export type Outcome = Approved | Pending | RequiresAction | Declined | NotSent | Unknown;

/** The money moved (or is held, when not `captured`). */
export interface Approved {
  readonly kind: "approved";
  /** What the money is known by at the provider: Stripe the PaymentIntent, PayPal the capture. */
  readonly reference: string;
  /** Minor units, in the charge's currency, as the provider states it. */
  readonly amount: bigint;
  readonly captured: boolean;
  /** Of a hold: when it lapses (milliseconds since 1970), if the provider said so. */
  readonly heldUntilMs?: number;
}

/** The provider itself waits (e-check, review); it will settle by itself. */
export interface Pending {
  readonly kind: "pending";
  readonly reference: string | null;
  readonly reason: string;
}

/** The customer must authenticate or approve. */
export interface RequiresAction {
  readonly kind: "requires_action";
  readonly url: string | null;
}

/** A firm no. It says nothing about the provider's health. */
export interface Declined {
  readonly kind: "declined";
  /** Our stable word for it, a `DeclineReason`: e.g. `insufficient_funds`. */
  readonly reason: string;
  readonly source: "issuer" | "provider";
  readonly advice: Advice;
  /** Seconds after which `same_later` may be tried, when the network said so. */
  readonly retryAfterS: number | null;
  /** The provider's own code, verbatim. */
  readonly providerCode: string | null;
  /** The card network's code, verbatim. */
  readonly networkCode: string | null;
  /** Nobody taught us this code: the advice is our own caution, not the word of issuer, network or provider. */
  readonly untaught?: true;
  /** The provider says that the token itself is gone for good: it can never be charged again. */
  readonly tokenGone?: true;
}

/** Proof that this call executed nothing and never will. */
export interface NotSent {
  readonly kind: "not_sent";
  readonly cause: NotSentCause;
  /** True when it says something bad about the provider's health. */
  readonly fault: boolean;
  readonly detail: string;
  /** Of `rejected`: as in `Declined`. */
  readonly tokenGone?: true;
}

/** Nobody knows. In a commit step: in doubt. */
export interface Unknown {
  readonly kind: "unknown";
  readonly cause: UnknownCause;
  readonly detail: string;
}

export type Advice = "never" | "same_later" | "other_provider" | "authenticate" | "fix_data";

export type NotSentCause =
  | "refused" // no connection came up for it: not a byte was handed over, or the only wire attempt was refused
  | "gate_closed" // the call was closed before its first byte
  | "breaker_open" // our own breaker did not admit it
  | "rate_limited" // 429 before execution
  | "unauthorized" // 401, 403: a fault of our credentials
  | "token_unavailable" // no access token: the call itself was never sent
  | "rejected" // 400, 404, schema: refused before execution, our mistake
  | "fenced" // a confirmed cancel or void: it can never be paid
  | "prepare_failed" // only the harmless step was ever sent
  | "duplicate_elsewhere"; // the provider refuses this charge for good, and all our earlier orders there are proven unpaid

export type UnknownCause =
  | "timeout"
  | "connection_lost"
  | "server_error"
  | "unreadable"
  | "in_progress" // the provider says that the first one is still running
  | "conflict" // the provider says that another request with this key or invoice exists
  | "duplicate_invoice" // PayPal: a payment for this charge may exist under an earlier attempt
  | "not_asked" // our own breaker did not let the question pass: nothing was learned, and it costs no try
  | "unexpected"; // a known answer that proves nothing here

/** What looking (or fencing) at the provider found. */
export type Finding =
  | Approved
  | Pending
  | RequiresAction
  | Declined // firm: this attempt was declined and can no longer be paid
  | Unpaid
  | Fenced
  | Unknown;

/** The object exists and is not paid, but a request still in flight might pay it: this proves nothing. */
export interface Unpaid {
  readonly kind: "unpaid";
  readonly object: string;
}

/** The object can never be paid (canceled, voided). `decline` says why it was not paid, when the provider told. */
export interface Fenced {
  readonly kind: "fenced";
  readonly object: string;
  readonly decline: Declined | null;
}

/** Faults feed the health gate; everything else counts as health (a decline never opens a breaker). */
export function isFault(outcome: Outcome | Finding | Prepared): boolean {
  return outcome.kind === "unknown" ? outcome.cause !== "duplicate_invoice" : outcome.kind === "not_sent" && outcome.fault;
}

/** The harmless step succeeded: the provider's object exists and no money moved. */
export interface Prepared {
  readonly kind: "prepared";
  /** The provider's id of it: PaymentIntent, order. */
  readonly object: string;
}

/** Makes a `switch` over a union complete at compile time. */
export function never(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`);
}
