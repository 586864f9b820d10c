import { NO_LIMITS, type ProviderConfig } from "../provider-config.ts";
import type { LocalSandbox } from "./sandbox.ts";

/** Where a sandbox on this port has its processors, for whoever has not started it: the ports after its own. */
export function sandboxUrls(port: number): Pick<LocalSandbox, "stripeUrl" | "paypalUrl"> {
  return { stripeUrl: `http://127.0.0.1:${port + 1}`, paypalUrl: `http://127.0.0.1:${port + 2}` };
}

/** One simulated provider for each adapter that no configured one has. Its processor takes any well-formed credentials: these are no secrets. */
export function simulatedProviders(
  sandbox: Pick<LocalSandbox, "stripeUrl" | "paypalUrl">,
  configured: readonly ProviderConfig[],
): ProviderConfig[] {
  const common = { live: false, fees: {}, limits: NO_LIMITS };
  const stripe = { ...common, secretKey: "sk_test_sandbox", webhookSecret: null, apiBase: sandbox.stripeUrl };
  const paypal = { ...common, clientId: "sandbox", clientSecret: "sandbox", webhookId: null, apiBase: sandbox.paypalUrl };
  const all: ProviderConfig[] = [
    { id: "stripe", adapter: "stripe", ...stripe },
    { id: "paypal", adapter: "paypal", ...paypal },
  ];
  return all.filter(({ adapter }) => configured.every((one) => one.adapter !== adapter));
}
