import type { Call } from "./call.ts";
import type { Money } from "./money.ts";
import type { Finding, Outcome, Prepared } from "./outcome.ts";
import type { Records, RecordsQuery } from "./records.ts";
import type { WebhookDelivery, WebhookReading } from "./webhook.ts";

/**
 * One configured processor account. Every method returns, never throws (a throw is a bug), ends by the call's deadline,
 * and sends nothing after the call is closed. Methods that take a `Call` create no call of their own.
 */
export interface Provider {
  /** `stripe`, `paypal`; later `stripe-us`. */
  readonly id: string;
  /** The adapter's name. */
  readonly kind: string;
  readonly capabilities: Capabilities;

  /** Who we are at this provider, asked over the wire; committed at first use and compared at every start (law 12). */
  identify(call: Call): Promise<Identity | { readonly kind: "unknown"; readonly detail: string }>;

  /**
   * Why the token cannot be used here, or null. Checks shape only, no I/O. `path` is a JSON pointer inside the token.
   * The token is what the caller put under this provider's id in `payment_method`.
   */
  checkToken(token: unknown): { path: string; message: string } | null;

  /** The harmless step: creates the provider's object. Any result but `prepared` is proof that no money moved. */
  prepare(request: AttemptRequest, call: Call): Promise<Prepared | Outcome>;

  /**
   * The step that moves money. With `replay` it repeats a commit that may already have been sent, with the same key:
   * 401, 404, 429, refused and every other "not executed" then say nothing about the first send and come back as `unknown`.
   */
  commit(request: AttemptRequest, object: string, call: Call, options: { readonly replay: boolean }): Promise<Outcome>;

  /** Takes `amount` minor units of an authorization. `key` is the provider's idempotency key; `replay` as in `commit`. */
  capture(request: OperationRequest, call: Call, options?: { readonly replay: boolean }): Promise<Outcome>;

  /**
   * The fence: makes sure that the object can never be paid. `fenced` only on the provider's own confirmation;
   * `approved` when the money was taken already; `unknown` otherwise. An open hold is released, by every provider that
   * can hold; what is neither paid nor held is fenced only where `capabilities.fence` (else `unknown`).
   */
  cancel(object: string, call: Call): Promise<Finding>;

  /** Gives captured money back. `reference` as in `Approved`. A refused or failed refund is `declined`; `replay` as in `commit`. */
  refund(request: OperationRequest, call: Call, options?: { readonly replay: boolean }): Promise<Outcome>;

  /**
   * What became of a refund that is pending or in doubt: by its `reference` (as in the refund's `Approved` or `Pending`),
   * else by our key in the provider's list. Not found is `unknown`. Absent: only a replay or a webhook can tell.
   */
  lookupRefund?(request: OperationRequest, refund: string | null, call: Call): Promise<Outcome>;

  /**
   * What became of the attempt. Looks by `object`; without one, and if `replayPrepare`, replays the prepare key (which
   * moves no money) to learn it; else searches the provider's list by our ids. Not found is `unknown`, never proof.
   */
  lookup(query: LookupQuery, call: Call): Promise<{ readonly object: string | null; readonly finding: Finding }>;

  /** What the provider itself calls the instrument of a token that `checkToken` accepts: its webhooks name it so. */
  tokenReference(token: unknown): string;

  /**
   * Checks a webhook's signature, age and account, and says what it is about. A hint only: whoever is told asks the provider.
   * Absent: no webhook secret is configured, or the processor sends none.
   */
  readWebhook?(delivery: WebhookDelivery, call: Call): Promise<WebhookReading>;

  /** The provider's own records, page by page. Absent: the processor has no list. */
  records?(query: RecordsQuery, call: Call): Promise<Records>;

  /** Ends keep-alive sockets. */
  close(): void;
}

export interface Capabilities {
  /** An unpaid object can be cancelled for good (Stripe yes, PayPal orders with intent CAPTURE no). */
  readonly fence: boolean;
  /** Milliseconds after the first send within which the prepare key may be replayed. */
  readonly prepareKeyAgeMs: number;
  /** The same for the commit key. */
  readonly commitKeyAgeMs: number;
  /** The same for operation keys (refund). */
  readonly operationKeyAgeMs: number;
  /** The same for capture keys, where it differs: without end, where a hold is captured once whatever the key. */
  readonly captureKeyAgeMs?: number;
  /** Milliseconds that an authorization holds; then it lapses by itself. */
  readonly holdMs: number;
  /** null: every ISO currency. */
  readonly currencies: ReadonlySet<string> | null;
}

export interface Identity {
  readonly kind: "identity";
  /** The account's stable identity at the provider; never a secret. */
  readonly account: string;
  readonly livemode: boolean;
}

/** The exact request of one attempt, committed before a byte is sent. JSON-safe but for `money.amount`. */
export interface AttemptRequest {
  readonly chargeId: string;
  readonly attemptId: string;
  readonly money: Money;
  /** What `payment_method` holds for this provider. */
  readonly token: unknown;
  readonly description: string | null;
  /** The caller's reference, for humans reading the provider's dashboard. */
  readonly reference: string | null;
  /** Milliseconds since 1970 of the committed intent. */
  readonly createdAtMs: number;
  /** `manual` only authorizes, and `Provider.capture` takes the money; default `automatic`. */
  readonly capture?: "automatic" | "manual";
}

export interface OperationRequest {
  readonly chargeId: string;
  readonly attemptId: string;
  /** The provider's idempotency key of this operation. */
  readonly key: string;
  /** What to act on: `Approved.reference`. */
  readonly reference: string;
  readonly object: string;
  readonly money: Money;
}

export interface LookupQuery {
  readonly request: AttemptRequest;
  readonly object: string | null;
  readonly replayPrepare: boolean;
}

/** The provider's key of one step of an attempt; stable across crashes (never regenerate it). */
export function stepKey(attemptId: string, step: "prepare" | "commit" | "compensate"): string {
  return `${attemptId}:${step}`;
}
