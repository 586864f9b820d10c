/** What the machine gave up on, as `GET /v1/dead-letters` answers it. */
export interface DeadLetter {
  readonly id: string;
  readonly kind: DeadLetterKind;
  readonly state: "open" | "replayed" | "settled";
  readonly charge: string | null;
  readonly attempt: string | null;
  /** A refund (`re_`), or what sends a late success back (`op_`). */
  readonly operation: string | null;
  readonly reason: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly created_at: string;
  readonly closed_at: string | null;
  readonly closed_by: string | null;
}

export const DEAD_LETTER_KINDS = ["charge", "doubt", "compensation", "refund", "webhook", "job"] as const;
export type DeadLetterKind = (typeof DEAD_LETTER_KINDS)[number];
