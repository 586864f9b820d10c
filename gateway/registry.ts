import type { Clock } from "../providers/contract/clock.ts";
import type { Provider } from "../providers/contract/provider.ts";
import { createPayPalProvider } from "../providers/paypal/paypal.ts";
import { createStripeProvider } from "../providers/stripe/stripe.ts";
import type { Config } from "./config.ts";

/** The configured processor accounts, in order of preference. A new adapter is one line here. */
export function configuredProviders(config: Pick<Config, "stripe" | "paypal">, clock: Clock): Provider[] {
  const { stripe, paypal } = config;
  return [
    ...(stripe ? [createStripeProvider({ secretKey: stripe.secretKey, clock, ...base(stripe.apiBase) })] : []),
    ...(paypal
      ? [
          createPayPalProvider({
            clientId: paypal.clientId,
            clientSecret: paypal.clientSecret,
            environment: paypal.live ? "live" : "sandbox",
            clock,
            ...base(paypal.apiBase),
          }),
        ]
      : []),
  ];
}

function base(apiBase: string | null): { apiBase?: string } {
  return apiBase === null ? {} : { apiBase };
}
