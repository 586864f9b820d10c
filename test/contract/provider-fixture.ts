import type { DeclineReason } from "../../providers/contract/decline-reason.ts";
import type { Money } from "../../providers/contract/money.ts";
import type { Advice } from "../../providers/contract/outcome.ts";
import type { PspTraits } from "./psp-traits.ts";

/** What the suite must know about one adapter and what it talks to. */
export interface ProviderFixture {
  /** Shown in test names. */
  readonly name: string;
  readonly traits: PspTraits;
  /** False where authorizations cannot be simulated: their tests are left out. */
  readonly manualCapture: boolean;
  /** Strings that must never appear in an outcome: keys, secrets, and whatever identifies an instrument. */
  readonly secrets: readonly string[];
  readonly tokens: {
    /** Always approved. */
    readonly approved: unknown;
    /** The provider itself waits, and approves in the end. */
    readonly pending: unknown;
    /** The customer must act. */
    readonly requiresAction: unknown;
    /** Approved, and disputed as soon as it is captured; left out: disputes cannot be simulated. */
    readonly disputed?: unknown;
    /** Refused by `checkToken`, with the JSON pointer of the fault. */
    readonly bad: readonly { readonly token: unknown; readonly path: string }[];
    /** Accepted by `checkToken`. */
    readonly good: readonly unknown[];
  };
  /** One amount per currency exponent (2, 0, and 3 where supported), and the currencies that the PSP treats specially. */
  readonly amounts: readonly Money[];
  /** Amounts that the PSP cannot take: refused by prepare, without a fault. */
  readonly impossible: readonly Money[];
  /** The decline table, code by code. */
  readonly declines: readonly DeclineCase[];
  /** A code that is in no table, for the fault `decline`; null where codes cannot be made up. */
  readonly novelDecline: string | null;
  /** Left out: it sends no webhooks. */
  readonly webhooks?: WebhookFixture;
  /** Left out: it has no list of its own. */
  readonly records?: { readonly pageSize: number };
}

export interface WebhookFixture {
  /** What the adapter under test expects deliveries to be signed for, and something else. */
  readonly secret: string;
  readonly otherSecret: string;
  /** A delivery may be that many milliseconds old. */
  readonly windowMs: number;
  /** Its events say whether they are live. */
  readonly saysMode: boolean;
}

export interface DeclineCase {
  readonly code: string;
  /** Makes the provider answer with `code`. */
  readonly token: unknown;
  readonly reason: DeclineReason;
  readonly source: "issuer" | "provider";
  readonly advice: Advice;
  /** What a look finds afterwards: not every provider's object shows that it was declined. */
  readonly found: "declined" | "unpaid";
  /** Left out: null. */
  readonly retryAfterS?: number;
  /** Left out: null. */
  readonly networkCode?: string;
}
