/**
 * Every setting of the gateway, read once. `main` passes `process.env`; nothing else reads it.
 * All faults are reported at once, and no message repeats a secret: URLs are named, never quoted.
 */
import { readFileSync } from "node:fs";
import { type Env, type Faults, integer, mode, oneOf, postgresUrl, redisUrl, secret, text } from "./config-readers.ts";
import { type NotifySettings, notifySettings } from "./notify-settings.ts";
import type { ProviderConfig } from "./provider-config.ts";
import { type ConfiguredAccount, configuredAccounts, providerConflicts, providerNotes, type ReadText } from "./provider-settings.ts";

export type Role = "api" | "worker" | "all";
export type LogLevel = "trace" | "debug" | "info" | "warn" | "error" | "fatal" | "silent";

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
  /** In order of preference. Empty: only what the sandbox simulates. */
  readonly providers: readonly ProviderConfig[];
  /** null: no simulated processors are started. */
  readonly sandbox: { readonly port: number } | null;
  readonly providerTimeoutMs: number;
  readonly chargeBudgetMs: number;
  readonly logLevel: LogLevel;
  /** Law 12: what this installation may touch. True when the configured processors move real money. */
  readonly livemode: boolean;
  /** Webhooks may go to private addresses, and by http. */
  readonly webhookAllowPrivate: boolean;
  /** Where people are told what they should know. */
  readonly notify: NotifySettings;
  /** Things that are allowed and that an operator should know; logged once at start. */
  readonly notes: readonly string[];
}

export type ParsedConfig = { readonly ok: true; readonly config: Config } | { readonly ok: false; readonly faults: readonly string[] };

/** The exit code for a bad configuration: EX_CONFIG of sysexits.h. */
export const CONFIG_EXIT_CODE = 78;

const MIN_ADMIN_KEY_CHARS = 32;
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/;
/** Reached from this machine only. */
export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host);
}

/** A caller must be able to wait for the budget, and a worker's lease is longer than it: five minutes is past both. */
const MAX_BUDGET_MS = 300_000;

/** Pure but for `readText`, which is asked for the file that PROVIDERS_FILE names. */
export function parseConfig(env: Env, readText: ReadText = (path) => readFileSync(path, "utf8")): ParsedConfig {
  const faults: Faults = [];
  const accounts = configuredAccounts(env, readText, faults);
  const namesProviders = accounts.length > 0 || faults.length > 0;
  const databaseUrl = postgresUrl(env, "DATABASE_URL", faults);
  const sandbox = readSandbox(env, databaseUrl === null && !namesProviders, faults);
  // A trial on one machine sends its webhooks to that machine. There are no real payments, and no network behind it that matters.
  const webhookAllowPrivate = mode(env, "WEBHOOK_ALLOW_PRIVATE", databaseUrl === null && sandbox !== null, faults);
  const config = {
    port: integer(env, "PORT", 8080, 0, 65_535, faults),
    host: text(env, "HOST") ?? "127.0.0.1",
    databaseUrl,
    databaseReplicaUrl: postgresUrl(env, "DATABASE_REPLICA_URL", faults),
    dataDir: text(env, "DATA_DIR") ?? ".data",
    redisUrl: redisUrl(env, "REDIS_URL", faults),
    role: oneOf(env, "ROLE", ["all", "api", "worker"], faults),
    adminKey: readAdminKey(env, faults),
    providers: accounts.map((account) => account.config),
    sandbox,
    providerTimeoutMs: integer(env, "PROVIDER_TIMEOUT_MS", 10_000, 100, 120_000, faults),
    chargeBudgetMs: integer(env, "CHARGE_BUDGET_MS", 25_000, 200, MAX_BUDGET_MS, faults),
    logLevel: oneOf(env, "LOG_LEVEL", ["info", "trace", "debug", "warn", "error", "fatal", "silent"], faults),
    livemode: accounts.some((account) => account.config.live),
    webhookAllowPrivate,
    notify: notifySettings(env, webhookAllowPrivate, faults),
  } satisfies Omit<Config, "notes">;
  faults.push(...conflicts(config), ...providerConflicts(accounts, config.sandbox !== null));
  if (config.databaseUrl !== null && !namesProviders && text(env, "SANDBOX") === null) faults.push(NO_PROCESSOR);
  return faults.length > 0 ? { ok: false, faults } : { ok: true, config: { ...config, notes: notesOn(config, accounts) } };
}

/** One line per fault, for stderr. */
export function printFaults(faults: readonly string[], write: (text: string) => void = (text) => void process.stderr.write(text)): void {
  const count = faults.length === 1 ? "1 setting is" : `${faults.length} settings are`;
  write(`switchyard cannot start: ${count} wrong\n${faults.map((fault) => `  - ${fault}\n`).join("")}`);
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

const NO_PROCESSOR =
  "no processor is set: set STRIPE_SECRET_KEY, PAYPAL_CLIENT_ID and PAYPAL_CLIENT_SECRET, or PROVIDERS_FILE, or SANDBOX=on (simulated processors)";

/** What no single setting can see. */
function conflicts(config: Omit<Config, "notes">): string[] {
  const faults: string[] = [];
  if (config.chargeBudgetMs <= config.providerTimeoutMs)
    faults.push(
      `CHARGE_BUDGET_MS (${config.chargeBudgetMs}) must be greater than PROVIDER_TIMEOUT_MS (${config.providerTimeoutMs}): one call has to fit into a request`,
    );
  if (config.sandbox && config.sandbox.port !== 0 && config.sandbox.port === config.port) faults.push("SANDBOX_PORT and PORT are the same");
  if (config.databaseReplicaUrl !== null && config.databaseUrl === null)
    faults.push("DATABASE_REPLICA_URL is set without DATABASE_URL: the embedded database has no replica");
  return faults;
}

function notesOn(config: Omit<Config, "notes">, accounts: readonly ConfiguredAccount[]): string[] {
  const notes: string[] = [];
  if (!isLoopback(config.host) && config.databaseUrl === null)
    notes.push(
      `HOST ${config.host} is reachable from other machines while the ready-made keys of a local start are valid: guard DATA_DIR, or revoke them`,
    );
  if (config.livemode && config.databaseUrl === null)
    notes.push(
      "live processors with the embedded database: nobody but you backs it up; set DATABASE_URL for a server that is looked after",
    );
  if (config.webhookAllowPrivate && (config.livemode || config.databaseUrl !== null))
    notes.push("WEBHOOK_ALLOW_PRIVATE is on: whoever has a billing key can make this machine send requests into its own network");
  return [...notes, ...providerNotes(accounts)];
}
