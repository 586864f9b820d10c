import type { Clock } from "../../providers/contract/clock.ts";
import type { DeclineReason } from "../../providers/contract/decline-reason.ts";
import type { Money } from "../../providers/contract/money.ts";
import type { Advice } from "../../providers/contract/outcome.ts";
import type { Provider } from "../../providers/contract/provider.ts";

/** What the suite must know about one adapter. Everything runs over real HTTP against the sandbox. */
export interface ProviderFixture {
  /** Shown in test names. */
  readonly name: string;
  /** The simulated PSP to use: the name that the sandbox's `setFault` takes. */
  readonly psp: "stripe" | "paypal";
  /** A fresh provider that talks to `baseUrl` (the sandbox or a dead port), with right or wrong credentials. */
  create(options: { readonly baseUrl: string; readonly clock: Clock; readonly credentials: "right" | "wrong" }): Provider;
  /** Strings that must never appear in an outcome: keys, secrets, and whatever identifies an instrument. */
  readonly secrets: readonly string[];
  readonly tokens: {
    /** Always approved. */
    readonly approved: unknown;
    /** The provider itself waits, and approves in the end; null where the sandbox cannot simulate it. */
    readonly pending: unknown;
    /** The customer must act; null where the sandbox cannot simulate it. */
    readonly requiresAction: unknown;
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
}

export interface DeclineCase {
  readonly code: string;
  /** Makes the sandbox answer with `code`. */
  readonly token: unknown;
  readonly reason: DeclineReason;
  readonly source: "issuer" | "provider";
  readonly advice: Advice;
  /** Left out: null. */
  readonly retryAfterS?: number;
  /** Left out: null. */
  readonly networkCode?: string;
}
