import type { Clock } from "../providers/contract/clock.ts";
import type { Provider } from "../providers/contract/provider.ts";
import { createPayPalProvider } from "../providers/paypal/paypal.ts";
import { createStripeProvider } from "../providers/stripe/stripe.ts";
import type { Adapter, ProviderConfig } from "./provider-config.ts";

type Make<A extends Adapter> = (config: Extract<ProviderConfig, { adapter: A }>, common: Common) => Provider;

interface Common {
  readonly id: string;
  readonly clock: Clock;
  readonly apiBase?: string;
}

/** A new adapter is one line here, and its settings in provider-config.ts. */
const MAKE: { readonly [A in Adapter]: Make<A> } = {
  stripe: ({ secretKey, webhookSecret }, common) =>
    createStripeProvider({ ...common, secretKey, ...(webhookSecret === null ? {} : { webhookSecret }) }),
  paypal: ({ clientId, clientSecret, webhookId, live }, common) =>
    createPayPalProvider({
      ...common,
      clientId,
      clientSecret,
      environment: live ? "live" : "sandbox",
      ...(webhookId === null ? {} : { webhookId }),
    }),
};

/** The configured processor accounts, in order of preference. */
export function createProviders(configs: readonly ProviderConfig[], clock: Clock): Provider[] {
  return configs.map((config) => {
    const { id, adapter, apiBase } = config;
    const make = MAKE[adapter] as (config: ProviderConfig, common: Common) => Provider;
    return make(config, { id, clock, ...(apiBase === null ? {} : { apiBase }) });
  });
}
