/**
 * Every setting of the gateway, read once. `main` passes `process.env`; nothing else reads it.
 * All faults are reported at once, and no message repeats a secret: URLs are named, never quoted.
 */
import { type Faults, integer, mode, oneOf, postgresUrl, redisUrl, secret, text, webUrl } from "./config-readers.ts";

export type Env = Readonly<Record<string, string | undefined>>;
export type Role = "api" | "worker" | "all";
export type LogLevel = "trace" | "debug" | "info" | "warn" | "error" | "fatal" | "silent";

export interface StripeConfig {
  readonly secretKey: string;
  readonly webhookSecret: string | null;
  /** Another address for the API; null: Stripe's own. */
  readonly apiBase: string | null;
  readonly live: boolean;
}

export interface PaypalConfig {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly webhookId: string | null;
  /** Another address for the API; null: PayPal's live one. */
  readonly apiBase: string | null;
  readonly live: boolean;
}

export interface Config {
  readonly port: number;
  readonly host: string;
  /** null: the embedded PostgreSQL below `dataDir`. */
  readonly databaseUrl: string | null;
  /** null: the primary. */
  readonly databaseReplicaUrl: string | null;
  readonly dataDir: string;
  /** null: a redis-server found on PATH, else none. */
  readonly redisUrl: string | null;
  readonly role: Role;
  readonly adminKey: string | null;
  readonly stripe: StripeConfig | null;
  readonly paypal: PaypalConfig | null;
  /** null: no simulated processors are started. */
  readonly sandbox: { readonly port: number } | null;
  readonly providerTimeoutMs: number;
  readonly chargeBudgetMs: number;
  readonly logLevel: LogLevel;
  /** Law 12: what this installation may touch. True when the configured processors move real money. */
  readonly livemode: boolean;
  /** Things that are allowed and that an operator should know; logged once at start. */
  readonly notes: readonly string[];
}

export type ParsedConfig = { readonly ok: true; readonly config: Config } | { readonly ok: false; readonly faults: readonly string[] };

/** The exit code for a bad configuration: EX_CONFIG of sysexits.h. */
export const CONFIG_EXIT_CODE = 78;

const PAYPAL_LIVE_HOST = "api-m.paypal.com";
const MIN_ADMIN_KEY_CHARS = 32;
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/;
/** A caller must be able to wait for the budget, and a worker's lease is longer than it: five minutes is past both. */
const MAX_BUDGET_MS = 300_000;

export function parseConfig(env: Env): ParsedConfig {
  const faults: Faults = [];
  const stripe = readStripe(env, faults);
  const paypal = readPaypal(env, faults);
  const databaseUrl = postgresUrl(env, "DATABASE_URL", faults);
  const config = {
    port: integer(env, "PORT", 8080, 0, 65_535, faults),
    host: text(env, "HOST") ?? "127.0.0.1",
    databaseUrl,
    databaseReplicaUrl: postgresUrl(env, "DATABASE_REPLICA_URL", faults),
    dataDir: text(env, "DATA_DIR") ?? ".data",
    redisUrl: redisUrl(env, "REDIS_URL", faults),
    role: oneOf(env, "ROLE", ["all", "api", "worker"], faults),
    adminKey: readAdminKey(env, faults),
    stripe,
    paypal,
    sandbox: readSandbox(env, databaseUrl === null && stripe === null && paypal === null, faults),
    providerTimeoutMs: integer(env, "PROVIDER_TIMEOUT_MS", 10_000, 100, 120_000, faults),
    chargeBudgetMs: integer(env, "CHARGE_BUDGET_MS", 25_000, 200, MAX_BUDGET_MS, faults),
    logLevel: oneOf(env, "LOG_LEVEL", ["info", "trace", "debug", "warn", "error", "fatal", "silent"], faults),
    livemode: stripe?.live === true || paypal?.live === true,
  } satisfies Omit<Config, "notes">;
  faults.push(...conflicts(config, env));
  return faults.length > 0 ? { ok: false, faults } : { ok: true, config: { ...config, notes: notesOn(config) } };
}

/** One line per fault, for stderr. */
export function printFaults(faults: readonly string[], write: (text: string) => void = (text) => void process.stderr.write(text)): void {
  const count = faults.length === 1 ? "1 setting is" : `${faults.length} settings are`;
  write(`switchyard cannot start: ${count} wrong\n${faults.map((fault) => `  - ${fault}\n`).join("")}`);
}

function readStripe(env: Env, faults: Faults): StripeConfig | null {
  const secretKey = secret(env, "STRIPE_SECRET_KEY", faults);
  const webhookSecret = secret(env, "STRIPE_WEBHOOK_SECRET", faults);
  const apiBase = webUrl(env, "STRIPE_API_BASE", faults);
  if (secretKey === null) {
    if (webhookSecret !== null || apiBase !== null) faults.push("STRIPE_SECRET_KEY is missing, but other STRIPE_ settings are set");
    return null;
  }
  if (secretKey.startsWith("pk_"))
    faults.push("STRIPE_SECRET_KEY is a publishable key (pk_): the gateway needs the secret one (sk_ or rk_)");
  const live = /^[sr]k_live_/.test(secretKey);
  if (live && apiBase?.startsWith("http:")) faults.push("STRIPE_API_BASE must be https with a live STRIPE_SECRET_KEY");
  return { secretKey, webhookSecret, apiBase, live };
}

function readPaypal(env: Env, faults: Faults): PaypalConfig | null {
  const clientId = secret(env, "PAYPAL_CLIENT_ID", faults);
  const clientSecret = secret(env, "PAYPAL_CLIENT_SECRET", faults);
  const webhookId = secret(env, "PAYPAL_WEBHOOK_ID", faults);
  const apiBase = webUrl(env, "PAYPAL_API_BASE", faults);
  if (clientId === null || clientSecret === null) {
    const others = clientId ?? clientSecret ?? webhookId ?? apiBase;
    if (others !== null && clientId === null) faults.push("PAYPAL_CLIENT_ID is missing, but other PAYPAL_ settings are set");
    if (others !== null && clientSecret === null) faults.push("PAYPAL_CLIENT_SECRET is missing, but other PAYPAL_ settings are set");
    return null;
  }
  // PayPal's credentials look the same in both modes: only the address tells them apart.
  const live = apiBase === null || new URL(apiBase).hostname === PAYPAL_LIVE_HOST;
  if (live && apiBase?.startsWith("http:")) faults.push(`PAYPAL_API_BASE must be https for ${PAYPAL_LIVE_HOST}`);
  return { clientId, clientSecret, webhookId, apiBase, live };
}

function readAdminKey(env: Env, faults: Faults): string | null {
  const key = secret(env, "ADMIN_KEY", faults);
  if (key !== null && key.length < MIN_ADMIN_KEY_CHARS)
    faults.push(
      `ADMIN_KEY must have at least ${MIN_ADMIN_KEY_CHARS} characters (it has ${key.length}); make one with: openssl rand -base64 33`,
    );
  return key;
}

function readSandbox(env: Env, defaultOn: boolean, faults: Faults): { port: number } | null {
  const port = integer(env, "SANDBOX_PORT", 8081, 0, 65_535, faults);
  return mode(env, "SANDBOX", defaultOn, faults) ? { port } : null;
}

/** What no single setting can see. */
function conflicts(config: Omit<Config, "notes">, env: Env): string[] {
  const faults: string[] = [];
  const { stripe, paypal } = config;
  if (config.chargeBudgetMs <= config.providerTimeoutMs)
    faults.push(
      `CHARGE_BUDGET_MS (${config.chargeBudgetMs}) must be greater than PROVIDER_TIMEOUT_MS (${config.providerTimeoutMs}): one call has to fit into a request`,
    );
  if (config.sandbox) {
    // Law 12: simulated and real processors never share a database.
    if (stripe?.apiBase === null) faults.push("SANDBOX=on with a STRIPE_SECRET_KEY for the real Stripe: unset one, or set STRIPE_API_BASE");
    if (paypal?.apiBase === null) faults.push("SANDBOX=on with PAYPAL_CLIENT_ID for the real PayPal: unset one, or set PAYPAL_API_BASE");
    if (config.sandbox.port !== 0 && config.sandbox.port === config.port) faults.push("SANDBOX_PORT and PORT are the same");
  } else if (!stripe && !paypal && text(env, "SANDBOX") === null && config.databaseUrl !== null) {
    faults.push(
      "no processor is set: set STRIPE_SECRET_KEY, PAYPAL_CLIENT_ID and PAYPAL_CLIENT_SECRET, or SANDBOX=on (simulated processors)",
    );
  }
  if (stripe && paypal && stripe.live !== paypal.live)
    faults.push(
      `Stripe is in ${stripe.live ? "live" : "test"} mode and PayPal in ${paypal.live ? "live" : "test"} mode: both must be the same (PayPal's mode is its address; test: PAYPAL_API_BASE=https://api-m.sandbox.paypal.com)`,
    );
  if (config.databaseReplicaUrl !== null && config.databaseUrl === null)
    faults.push("DATABASE_REPLICA_URL is set without DATABASE_URL: the embedded database has no replica");
  return faults;
}

function notesOn(config: Omit<Config, "notes">): string[] {
  const notes: string[] = [];
  if (!LOOPBACK.test(config.host) && config.databaseUrl === null)
    notes.push(
      `HOST ${config.host} is reachable from other machines while the ready-made keys of a local start are valid: guard DATA_DIR, or revoke them`,
    );
  if (config.livemode && config.databaseUrl === null)
    notes.push(
      "live processors with the embedded database: nobody but you backs it up; set DATABASE_URL for a server that is looked after",
    );
  if (config.stripe && config.stripe.webhookSecret === null) notes.push("STRIPE_WEBHOOK_SECRET is not set: Stripe's webhooks are refused");
  if (config.paypal && config.paypal.webhookId === null) notes.push("PAYPAL_WEBHOOK_ID is not set: PayPal's webhooks are refused");
  return notes;
}
