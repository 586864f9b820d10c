import type { Capabilities } from "../../providers/contract/provider.ts";
import { PAYPAL_CURRENCIES } from "../../providers/paypal/amounts.ts";
import type { Psp } from "./weather.ts";

const HOUR_MS = 3_600_000;

/** As the real adapters declare them; held to it by test/contract/simulated.test.ts. */
export const CAPABILITIES: Readonly<Record<Psp, Capabilities>> = {
  stripe: {
    fence: true,
    prepareKeyAgeMs: 23 * HOUR_MS,
    commitKeyAgeMs: 23 * HOUR_MS,
    operationKeyAgeMs: 23 * HOUR_MS,
    captureKeyAgeMs: Number.POSITIVE_INFINITY,
    holdMs: 7 * 24 * HOUR_MS,
    currencies: null,
  },
  paypal: {
    fence: false,
    prepareKeyAgeMs: 5.5 * HOUR_MS,
    commitKeyAgeMs: 44 * 24 * HOUR_MS,
    operationKeyAgeMs: 44 * 24 * HOUR_MS,
    holdMs: 29 * 24 * HOUR_MS,
    currencies: PAYPAL_CURRENCIES,
  },
};
