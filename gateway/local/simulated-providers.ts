import { randomBytes } from "node:crypto";
import { NO_LIMITS, type ProviderConfig } from "../provider-config.ts";
import type { LocalSandbox } from "./sandbox.ts";

/** Where a sandbox on this port has its processors, for whoever has not started it: the ports after its own. It reads no webhooks. */
export function sandboxUrls(port: number): Pick<LocalSandbox, "stripeUrl" | "paypalUrl" | "paypalWebhookCa"> {
  return { stripeUrl: `http://127.0.0.1:${port + 1}`, paypalUrl: `http://127.0.0.1:${port + 2}`, paypalWebhookCa: "" };
}

/**
 * One simulated provider for each adapter that no configured one has. Its processor takes any well-formed credentials:
 * these are no secrets. What its webhooks are signed for is made up at each start, see `sendWebhooksTo`.
 */
export function simulatedProviders(
  sandbox: Pick<LocalSandbox, "stripeUrl" | "paypalUrl" | "paypalWebhookCa">,
  configured: readonly ProviderConfig[],
): ProviderConfig[] {
  const common = { live: false, fees: {}, limits: NO_LIMITS };
  const stripe = { ...common, secretKey: "sk_test_sandbox", webhookSecret: `whsec_${made(24)}`, apiBase: sandbox.stripeUrl };
  const paypal = {
    ...common,
    clientId: "sandbox",
    clientSecret: "sandbox",
    webhookId: made(8).toUpperCase(),
    webhookCa: sandbox.paypalWebhookCa,
    webhookVerification: "offline" as const,
    apiBase: sandbox.paypalUrl,
  };
  const all: ProviderConfig[] = [
    { id: "stripe", adapter: "stripe", ...stripe },
    { id: "paypal", adapter: "paypal", ...paypal },
  ];
  return all.filter(({ adapter }) => configured.every((one) => one.adapter !== adapter));
}

function made(bytes: number): string {
  return randomBytes(bytes).toString("hex");
}

/** Has the simulated processors deliver their webhooks to the gateway that was started with them. */
export async function sendWebhooksTo(
  gatewayUrl: string,
  { controlUrl }: Pick<LocalSandbox, "controlUrl">,
  simulated: readonly ProviderConfig[],
): Promise<void> {
  for (const config of simulated) {
    const secret = config.adapter === "stripe" ? config.webhookSecret : config.webhookId;
    const endpoint = { url: `${gatewayUrl}/webhooks/${config.id}`, secret };
    const answer = await fetch(`${controlUrl}/${config.adapter}/webhooks`, { method: "PUT", body: JSON.stringify(endpoint) });
    if (!answer.ok) throw new Error(`the sandbox does not take ${endpoint.url} for webhooks: ${await answer.text()}`);
  }
}
