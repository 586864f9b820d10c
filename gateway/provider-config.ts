import { type Faults, secretOf, webUrlOf } from "./config-readers.ts";

/** One configured processor account; from here on it does not matter which settings it came from. */
export type ProviderConfig = StripeConfig | PaypalConfig;

interface Account {
  /** Unique here; `payment_method`, the rows and the addresses know the account by it. */
  readonly id: string;
  /** Another address for the API; null: the processor's own (PayPal: the live one). */
  readonly apiBase: string | null;
  /** It moves real money. */
  readonly live: boolean;
  /** What a payment costs there: defaults for the routing rules. By currency, `*` for all others. */
  readonly fees: Readonly<Record<string, Fee>>;
  readonly limits: Limits;
}

export interface StripeConfig extends Account {
  readonly adapter: "stripe";
  readonly secretKey: string;
  /** Several, separated by commas, while it is rolled. */
  readonly webhookSecret: string | null;
}

export interface PaypalConfig extends Account {
  readonly adapter: "paypal";
  readonly clientId: string;
  readonly clientSecret: string;
  readonly webhookId: string | null;
  /** PEM of the authority behind its webhooks' signatures; null: PayPal's own. */
  readonly webhookCa: string | null;
  /** Who checks its webhooks: we by PayPal's certificate, or PayPal when it is asked. */
  readonly webhookVerification: "offline" | "api";
}

export interface Fee {
  /** Of the amount, 0 to 100. */
  readonly percent: number;
  /** Minor units of the charge's currency, for each payment that is approved. */
  readonly fixed: number;
  /** The same, for each attempt, approved or not. */
  readonly per_attempt: number;
}

export interface Limits {
  /** New attempts per second; null: no limit. */
  readonly per_second: number | null;
  /** Of all new attempts, above 0 and up to 1; null: no limit. */
  readonly share: number | null;
}

export const NO_LIMITS: Limits = { per_second: null, share: null };

/** Where the settings of one account come from: names of the environment, or an entry of PROVIDERS_FILE. */
export interface AccountSource extends Pick<Account, "id" | "fees" | "limits"> {
  /** null: not set. Whatever is needed and missing was reported already. */
  value(field: string): string | null;
  /** What people call the setting. */
  name(field: string): string;
}

/** What an adapter is configured with, as the settings call it. Beside these each has an `api_base`. */
export const ADAPTERS = {
  stripe: { needs: ["secret_key"], takes: ["webhook_secret"], webhook: "webhook_secret", read: readStripe },
  paypal: { needs: ["client_id", "client_secret"], takes: ["webhook_id", "webhook_verification"], webhook: "webhook_id", read: readPaypal },
} as const;

export type Adapter = keyof typeof ADAPTERS;

export const ADAPTER_NAMES = Object.keys(ADAPTERS) as Adapter[];

const PAYPAL_LIVE_HOST = "api-m.paypal.com";

function readStripe(source: AccountSource, faults: Faults): StripeConfig | null {
  const { id, fees, limits } = source;
  const secretKey = secretFrom(source, "secret_key", faults);
  const webhookSecret = secretFrom(source, "webhook_secret", faults);
  const apiBase = webUrlOf(source.value("api_base"), source.name("api_base"), faults);
  if (apiBase !== null && new URL(apiBase).pathname !== "/") faults.push(`${source.name("api_base")} must not contain a path`);
  if (webhookSecret !== null && !webhookSecret.split(",").every((secret) => /^whsec_\w/.test(secret)))
    faults.push(
      `${source.name("webhook_secret")} must be the signing secret of the webhook endpoint (whsec_); several, with commas between them`,
    );
  if (secretKey === null) return null;
  if (secretKey.startsWith("pk_"))
    faults.push(`${source.name("secret_key")} is a publishable key (pk_): the gateway needs the secret one (sk_ or rk_)`);
  const live = /^[sr]k_(org_)?live_/.test(secretKey);
  if (live && apiBase?.startsWith("http:"))
    faults.push(`${source.name("api_base")} must be https with a live ${source.name("secret_key")}`);
  return { adapter: "stripe", id, secretKey, webhookSecret, apiBase, live, fees, limits };
}

function readPaypal(source: AccountSource, faults: Faults): PaypalConfig | null {
  const { id, fees, limits } = source;
  const clientId = secretFrom(source, "client_id", faults);
  const clientSecret = secretFrom(source, "client_secret", faults);
  const webhookId = secretFrom(source, "webhook_id", faults);
  const webhookVerification = verificationOf(source, faults);
  const apiBase = webUrlOf(source.value("api_base"), source.name("api_base"), faults);
  if (clientId === null || clientSecret === null) return null;
  // PayPal's credentials look the same in both modes: only the address tells them apart.
  const live = apiBase === null || new URL(apiBase).hostname === PAYPAL_LIVE_HOST;
  if (live && apiBase?.startsWith("http:")) faults.push(`${source.name("api_base")} must be https for ${PAYPAL_LIVE_HOST}`);
  const webhooks = { webhookId, webhookCa: null, webhookVerification };
  return { adapter: "paypal", id, clientId, clientSecret, ...webhooks, apiBase, live, fees, limits };
}

function verificationOf(source: AccountSource, faults: Faults): PaypalConfig["webhookVerification"] {
  const value = source.value("webhook_verification") ?? "offline";
  if (value === "offline" || value === "api") return value;
  faults.push(`${source.name("webhook_verification")} must be offline or api`);
  return "offline";
}

function secretFrom(source: AccountSource, field: string, faults: Faults): string | null {
  return secretOf(source.value(field), source.name(field), faults);
}
