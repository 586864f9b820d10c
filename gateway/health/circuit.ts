/** Every call to one provider goes through here. */
export interface Circuit {
  /**
   * A new attempt, admitted once for all its steps. In half-open this takes one of the probe tokens. Release it in a
   * `finally`: that is when an attempt without a fault counts as one.
   */
  admit(): Ticket | Refused;
  /**
   * A call about money that exists already. Always admitted while the gate is closed, else at the rate of probes. It
   * never moves the gate: reads work in many an outage of writes, and an unknown object is no fault of the provider.
   */
  inquire<T extends { readonly kind: string }>(
    purpose: InquiryPurpose,
    send: () => Promise<T>,
    isFault: (result: T) => boolean,
  ): Promise<Ran<T>>;
}

/**
 * `look`: a lookup. `fence`, `replay` (a commit once more): what follows a look that was let pass, in the same turn, and is let
 * pass with it: where many doubts wait, the next look would else always be quicker, and none would ever end. `operation`:
 * refunds, captures, voids of what was paid.
 */
export type InquiryPurpose = "look" | "fence" | "replay" | "operation";

export interface Ticket {
  readonly admitted: true;
  /** Of the gate when it was admitted: its results count only while the gate has it still. */
  readonly generation: number;
  readonly probe: boolean;
  /**
   * One step. The first is refused if the gate opened since the admission. Later ones are sent even so (the prepared
   * object would be wasted, and refusing protects nobody), unless an operator set the provider `down`.
   */
  run<T extends { readonly kind: string }>(send: () => Promise<T>, isFault: (result: T) => boolean): Promise<Ran<T>>;
  /** No step follows. Idempotent. Gives an unused probe token back. */
  release(): void;
}

export type Ran<T> = { readonly admitted: true; readonly result: T } | Refused;

export interface Refused {
  readonly admitted: false;
  readonly reason: string;
}
