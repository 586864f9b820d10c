import { Call } from "../../../../providers/contract/call.ts";
import type { Clock } from "../../../../providers/contract/clock.ts";
import type { Provider } from "../../../../providers/contract/provider.ts";
import type { ProviderConfig } from "../../../provider-config.ts";
import { createProviders } from "../../../registry.ts";
import { spanText } from "../words.ts";
import { type Check, fault, ok, skipped, warning } from "./check.ts";
import type { Belongings } from "./database.ts";

const TIMEOUT_MS = 8_000;
/** The processors' clocks tell whole seconds; their signatures stay valid for minutes. */
const SKEW_TO_KNOW_MS = 10_000;
const API: Readonly<Record<ProviderConfig["adapter"], string>> = { stripe: "https://api.stripe.com", paypal: "https://api-m.paypal.com" };

/** Asks each processor who we are there, which moves nothing; `belongings` null: the database could not say whose it is. */
export async function examineProviders(configs: readonly ProviderConfig[], belongings: Belongings | null, clock: Clock): Promise<Check[]> {
  const providers = createProviders(configs, clock);
  try {
    const identities = await Promise.all(providers.map((provider) => identify(provider, clock)));
    const holders = new Map<string, string>();
    const checks = providers.map((provider, i) => {
      const identity = identities[i] as Identified;
      if (identity.kind === "unknown") return refused(configs[i] as ProviderConfig, identity.detail);
      const name = `${provider.kind} ${identity.account}`;
      const twin = holders.get(name);
      holders.set(name, provider.id);
      return twin === undefined ? account(provider.id, identity, belongings) : same(provider.id, twin, identity.account);
    });
    return [...checks, ...(await Promise.all(configs.map((config) => wallClock(config, clock)))).flat()];
  } finally {
    for (const provider of providers) provider.close();
  }
}

type Identified = Awaited<ReturnType<Provider["identify"]>>;

function identify(provider: Provider, clock: Clock): Promise<Identified> {
  return provider.identify(new Call({ clock, timeoutMs: TIMEOUT_MS }));
}

function refused({ id, adapter, apiBase }: ProviderConfig, detail: string): Check {
  const settings = adapter === "stripe" ? "STRIPE_SECRET_KEY" : "PAYPAL_CLIENT_ID and PAYPAL_CLIENT_SECRET";
  const where = `${apiBase ?? API[adapter]}`;
  const credentials = /40[13]|unauthori[sz]ed|invalid_client|api key|credential/i.test(detail);
  const mend = credentials
    ? `The credentials are refused: take ${settings} anew from the processor's dashboard (with PROVIDERS_FILE: what the entry of ${id} names).`
    : `Look at the way to ${where}: DNS, firewall, proxy, ${adapter.toUpperCase()}_API_BASE; and at the processor's own status page.`;
  return fault(`provider.${id}`, `it does not say who we are: ${detail}`, mend);
}

function account(id: string, identity: Extract<Identified, { kind: "identity" }>, belongings: Belongings | null): Check {
  const found = `it knows us as ${identity.account} (${identity.livemode ? "live" : "test"})`;
  const known = belongings?.accounts.get(id);
  if (known === undefined || known === identity.account) return ok(`provider.${id}`, found);
  const mend = `Set the credentials of ${known} again, or name the new account by another id in PROVIDERS_FILE: charges made there belong to their account.`;
  return fault(`provider.${id}`, `${found}, and this database belongs to ${known}`, mend);
}

function same(id: string, twin: string, account: string): Check {
  const mend = "Give each provider an account of its own: failover between the two would go to the same place.";
  return fault(`provider.${id}`, `it is the same account as ${twin}: ${account}`, mend);
}

/** By the Date of any answer; a processor that does not answer was told about already. */
async function wallClock({ id, adapter, apiBase }: ProviderConfig, clock: Clock): Promise<Check[]> {
  const check = `provider.${id}.clock`;
  const before = clock.now();
  const response = await fetch(apiBase ?? API[adapter], {
    method: "HEAD",
    redirect: "manual",
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).catch(() => null);
  const date = Date.parse(response?.headers.get("date") ?? "");
  if (Number.isNaN(date)) return response === null ? [] : [skipped(check, "its answers have no Date")];
  const [ahead, behind] = [before - date - 1_000, date - clock.now()];
  const offMs = Math.max(ahead, behind, 0);
  if (offMs <= SKEW_TO_KNOW_MS) return [ok(check, "its clock and this machine's agree")];
  const found = `this machine's clock is ${spanText(offMs)} ${ahead > behind ? "ahead of" : "behind"} the processor's`;
  return [warning(check, found, "Set this machine's clock by NTP (chrony, systemd-timesyncd): signatures and tokens have an age.")];
}
