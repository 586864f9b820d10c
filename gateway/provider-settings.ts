import { type Env, type Faults, text } from "./config-readers.ts";
import { type AccountSource, ADAPTER_NAMES, ADAPTERS, type Adapter, NO_LIMITS, type ProviderConfig } from "./provider-config.ts";
import { fileAccounts } from "./providers-file.ts";

/** A provider, and the settings that it was made of. */
export interface ConfiguredAccount {
  readonly config: ProviderConfig;
  readonly source: AccountSource;
}

/** The text of a file; throws as `node:fs` does. */
export type ReadText = (path: string) => string;

/** The providers in order of preference: those of PROVIDERS_FILE, else one per adapter that the environment has settings of. */
export function configuredAccounts(env: Env, readText: ReadText, faults: Faults): ConfiguredAccount[] {
  const path = text(env, "PROVIDERS_FILE");
  const found = path === null ? fromEnvironment(env, faults) : fromFile(path, env, readText, faults);
  return found.flatMap(({ adapter, source }) => {
    const config = ADAPTERS[adapter].read(source, faults);
    return config ? [{ config, source }] : [];
  });
}

function fromFile(path: string, env: Env, readText: ReadText, faults: Faults) {
  let file: string;
  try {
    file = readText(path);
  } catch (error) {
    const code = (error as { code?: unknown }).code ?? "unknown error";
    faults.push(`PROVIDERS_FILE cannot be read: ${code} (${path})`);
    return [];
  }
  const accounts = fileAccounts(file, env, faults);
  const used = new Set(accounts.flatMap(({ refersTo }) => refersTo));
  const both = ADAPTER_NAMES.flatMap(settingsOf).filter((name) => text(env, name) !== null && !used.has(name));
  if (both.length > 0)
    faults.push(`PROVIDERS_FILE is set, and so is ${both.join(", ")}: the file names all providers, unset the other settings`);
  return accounts;
}

/** One account per adapter, called as the adapter is. */
function fromEnvironment(env: Env, faults: Faults) {
  return ADAPTER_NAMES.flatMap((adapter) => {
    if (settingsOf(adapter).every((name) => text(env, name) === null)) return [];
    const name = (field: string) => settingOf(adapter, field);
    const value = (field: string) => text(env, name(field));
    for (const needed of ADAPTERS[adapter].needs) {
      if (value(needed) === null) faults.push(`${name(needed)} is missing, but other ${adapter.toUpperCase()}_ settings are set`);
    }
    return [{ adapter, source: { id: adapter, fees: {}, limits: NO_LIMITS, value, name } }];
  });
}

function settingsOf(adapter: Adapter): string[] {
  const { needs, takes } = ADAPTERS[adapter];
  return [...needs, ...takes, "api_base"].map((field) => settingOf(adapter, field));
}

function settingOf(adapter: Adapter, field: string): string {
  return `${adapter}_${field}`.toUpperCase();
}

/** Law 12, and what one account cannot see: simulated, test and live providers never share a database. */
export function providerConflicts(accounts: readonly ConfiguredAccount[], sandbox: boolean): string[] {
  const faults: string[] = [];
  const ids = (live: boolean) => accounts.filter(({ config }) => config.live === live).map(({ config }) => config.id);
  if (ids(true).length > 0 && ids(false).length > 0)
    faults.push(
      `${ids(true).join(", ")} in live mode, ${ids(false).join(", ")} in test mode: all providers must be in the same (PayPal's mode is the address of its API; test: https://api-m.sandbox.paypal.com)`,
    );
  accounts.forEach(({ config, source }, i) => {
    const [credential] = ADAPTERS[config.adapter].needs;
    if (sandbox && config.apiBase === null)
      faults.push(`SANDBOX=on with ${source.name(credential)} for the real ${config.id}: unset one, or set ${source.name("api_base")}`);
    const twin = accounts.slice(0, i).find((one) => {
      const same = one.config.adapter === config.adapter && one.config.apiBase === config.apiBase;
      return same && one.source.value(credential) === source.value(credential);
    });
    if (twin)
      faults.push(`${source.name(credential)} is that of ${twin.config.id} as well: two providers must be two accounts at the processor`);
  });
  return faults;
}

export function providerNotes(accounts: readonly ConfiguredAccount[]): string[] {
  return accounts.flatMap(({ config, source }) => {
    const { webhook } = ADAPTERS[config.adapter];
    return source.value(webhook) === null ? [`${source.name(webhook)} is not set: the webhooks of ${config.id} are refused`] : [];
  });
}
