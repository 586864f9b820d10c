/**
 * npm run reconcile -- --from 2026-11-01 --to 2026-11-02 [--provider stripe] [--json]
 * Compares a window with the providers' own records, beside a running gateway and with its settings.
 * Ends with 0: no differences; 3: there are; 1: it could not be done; 64: wrong arguments; 78: wrong settings.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { systemClock } from "../../providers/contract/clock.ts";
import { CONFIG_EXIT_CODE, type Config, parseConfig, printFaults } from "../config.ts";
import { Identities } from "../identities.ts";
import { idSource } from "../ids.ts";
import { readIfThere } from "../local/data-dir.ts";
import { type LocalPostgres, startLocalPostgres } from "../local/postgres.ts";
import { sandboxUrls, simulatedProviders } from "../local/simulated-providers.ts";
import { type Parts, SETTINGS } from "../reconciliation/parts.ts";
import { type RunEnd, reconcile } from "../reconciliation/run.ts";
import { windowFault } from "../reconciliation/window.ts";
import { createProviders } from "../registry.ts";
import { DEFAULT_ACCOUNT } from "../store/append-event.ts";
import { type Database, openDatabase } from "../store/database.ts";
import { readInstallation } from "../store/installation.ts";
import { type Finding, listFindings } from "../store/read-findings.ts";
import { createRun } from "../store/reconciliation-runs.ts";
import { findingsTable } from "./findings-table.ts";

const USAGE = "usage: npm run reconcile -- --from 2026-11-01 --to 2026-11-02 [--provider stripe] [--json]";
const EXIT = { same: 0, failed: 1, differs: 3, usage: 64 } as const;
/** Differences that are printed; the API has all. */
const MAX_PRINTED = 1_000;

interface Asked {
  readonly from: Date;
  readonly to: Date;
  readonly provider: string | null;
  readonly json: boolean;
}

const asked = readArguments(process.argv.slice(2));
if (typeof asked === "string") {
  console.error(`${asked}\n${USAGE}`);
  process.exitCode = EXIT.usage;
} else {
  const parsed = parseConfig(process.env);
  if (parsed.ok) process.exitCode = await main(parsed.config, asked);
  else {
    printFaults(parsed.faults);
    process.exitCode = CONFIG_EXIT_CODE;
  }
}

/** What was asked for, or what is wrong with it. A date alone is its midnight, UTC. */
function readArguments(args: string[]): Asked | string {
  let values: { from?: string; to?: string; provider?: string; json?: boolean };
  try {
    const text = { type: "string" } as const;
    values = parseArgs({ args, options: { from: text, to: text, provider: text, json: { type: "boolean" } } }).values;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  const { from, to, provider = null, json = false } = values;
  if (from === undefined || to === undefined) return "--from and --to are needed";
  const window = { from: new Date(from), to: new Date(to) };
  for (const [name, date] of Object.entries(window)) if (Number.isNaN(date.getTime())) return `--${name} is not a date: 2026-11-01`;
  const fault = windowFault(window, systemClock.now());
  return fault ? `--${fault.field} ${fault.message}` : { ...window, provider, json };
}

async function main(config: Config, asked: Asked): Promise<number> {
  const say = (line: string): void => console.error(line);
  const closers: (() => Promise<void> | void)[] = [];
  try {
    const local = config.databaseUrl === null ? await localDatabase(config.dataDir) : null;
    if (local) closers.push(() => local.stop());
    const url = local?.url ?? (config.databaseUrl as string);
    const db = openDatabase({ url, maxConnections: 6, onIdleError: () => {} });
    closers.push(() => db.close());
    const parts = await connect(config, db, closers, say);
    if (asked.provider !== null && !parts.providers.has(asked.provider))
      throw new Error(`the provider ${asked.provider} is not configured`);
    return await compare(parts, asked);
  } catch (error) {
    console.error(`it could not be compared: ${error instanceof Error ? error.message : String(error)}`);
    return EXIT.failed;
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

/** The one of a local start, running or not. None is made here. */
async function localDatabase(dataDir: string): Promise<LocalPostgres> {
  if ((await readIfThere(join(dataDir, "postgres.json"))) === null)
    throw new Error(`there is no database: DATABASE_URL is not set, and nothing was ever started in ${dataDir}`);
  return startLocalPostgres({ dataDir, log: () => {} });
}

/** The same providers as the gateway's, on the accounts that this database knows (law 12). */
async function connect(config: Config, db: Database, closers: (() => void)[], say: (line: string) => void): Promise<Parts> {
  const installation = await readInstallation(db);
  if (!installation) throw new Error("this database has not been used by a gateway yet");
  if (installation.livemode !== config.livemode) throw new Error("the database and the providers are not of one mode (live, test)");
  const simulated = config.sandbox ? simulatedProviders(sandboxUrls(config.sandbox.port), config.providers) : [];
  const providers = createProviders([...config.providers, ...simulated], systemClock);
  for (const provider of providers) closers.push(() => provider.close());
  const log = {
    info() {},
    warn: (fields: { detail?: string }, message: string) => say([message, fields.detail].filter(Boolean).join(": ")),
    error() {},
  };
  const fleet = { markVerified() {}, markUnverified() {} };
  const identities = new Identities({ db, clock: systemClock, fleet, providers, livemode: installation.livemode, log });
  try {
    await identities.start();
  } finally {
    identities.stop();
  }
  return {
    db,
    clock: systemClock,
    newId: idSource(systemClock, Math.random),
    providers: new Map(providers.map((provider) => [provider.id, provider])),
    accountOf: (id) => identities.accountOf(id),
    ask: async (_provider, send) => ({ admitted: true, result: await send() }),
    log,
    settings: { ...SETTINGS, providerTimeoutMs: config.providerTimeoutMs },
  };
}

async function compare(parts: Parts, { from, to, provider, json }: Asked): Promise<number> {
  const run = {
    id: parts.newId("rr"),
    account_id: DEFAULT_ACCOUNT,
    actor: "system:command",
    provider,
    from_at: from,
    to_at: to,
  };
  const startedAt = new Date(parts.clock.now());
  await createRun(parts.db, run, startedAt);
  const ended = await reconcile(parts, run.id);
  if (ended.kind === "busy") throw new Error("the run was taken over");
  const filter = { accountId: null, kind: null, provider, state: "open", owner: null, charge: null };
  const open = await listFindings(parts.db, filter, { after: null, limit: MAX_PRINTED });
  const seen = open.filter((finding) => finding.last_seen_at >= startedAt);
  print(run.id, ended, seen, json);
  if (ended.kind === "failed") return EXIT.failed;
  return seen.length > 0 ? EXIT.differs : EXIT.same;
}

function print(run: string, ended: Exclude<RunEnd, { kind: "busy" }>, findings: readonly Finding[], json: boolean): void {
  const error = ended.kind === "failed" ? ended.error : null;
  if (json) {
    const plain = (_: string, value: unknown) => (typeof value === "bigint" ? Number(value) : value);
    console.log(JSON.stringify({ run, state: ended.kind, error, report: ended.report, findings }, plain, 2));
    return;
  }
  console.log(findingsTable(ended.report, findings, error === null));
  if (error !== null) console.error(`it could not be compared in full: ${error}`);
}
