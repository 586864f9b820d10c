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
  stripe: ({ secretKey, webhookSecret }, common) => createStripeProvider({ ...common, secretKey, ...set({ webhookSecret }) }),
  paypal: ({ clientId, clientSecret, webhookId, webhookCa, webhookVerification, live }, common) =>
    createPayPalProvider({
      ...common,
      ...{ clientId, clientSecret, environment: live ? "live" : "sandbox", webhookVerification },
      ...set({ webhookId, webhookCa }),
    }),
};

/** What is null is not set at all. */
function set<T extends Record<string, string | null>>(settings: T): { [K in keyof T]?: string } {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== null)) as { [K in keyof T]?: string };
}

/** The configured processor accounts, in order of preference. */
export function createProviders(configs: readonly ProviderConfig[], clock: Clock): Provider[] {
  return configs.map((config) => {
    const { id, adapter, apiBase } = config;
    const make = MAKE[adapter] as (config: ProviderConfig, common: Common) => Provider;
    return make(config, { id, clock, ...(apiBase === null ? {} : { apiBase }) });
  });
}
