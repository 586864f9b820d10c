/** Where the two kinds of processor differ. The real adapters with the sandbox, and the simulated ones, are held to the same. */
export interface PspTraits {
  readonly psp: "stripe" | "paypal";
  /** A 500 is stored under the key of its request and replayed for as long as the key is kept. */
  readonly storesFailures: boolean;
  /** What a replayed key is answered with. */
  readonly replays: "first_answer" | "latest_state";
  /** A second payment of one charge is refused. */
  readonly oneInvoicePerCharge: boolean;
  /** Milliseconds after which the key of a prepare is forgotten: the same request makes another object then. */
  readonly prepareKeptMs: number;
  /** Longer than any key is kept. */
  readonly allKeysForgottenMs: number;
}

const HOUR_MS = 3_600_000;

export const STRIPE: PspTraits = {
  psp: "stripe",
  storesFailures: true,
  replays: "first_answer",
  oneInvoicePerCharge: false,
  prepareKeptMs: 24 * HOUR_MS,
  allKeysForgottenMs: 25 * HOUR_MS,
};

export const PAYPAL: PspTraits = {
  psp: "paypal",
  storesFailures: false,
  replays: "latest_state",
  oneInvoicePerCharge: true,
  prepareKeptMs: 6 * HOUR_MS,
  allKeysForgottenMs: 46 * 24 * HOUR_MS,
};
