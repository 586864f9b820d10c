import { readdir } from "node:fs/promises";
import type { Clock } from "../../../../providers/contract/clock.ts";
import { ClockGuard } from "../../../clock-guard.ts";
import type { Config } from "../../../config.ts";
import { type Database, DatabaseUnavailable, openDatabase } from "../../../store/database.ts";
import { durabilityFault, readInstallation } from "../../../store/installation.ts";
import { MIGRATIONS_DIR } from "../../../store/migrate.ts";
import { readMigrations, readProviderAccounts, readServerFacts, type ServerFacts } from "../../../store/server-facts.ts";
import { readTrailStatus } from "../../../store/verify-chain.ts";
import { countOf, listOf, spanText } from "../words.ts";
import { type Check, fault, ok, skipped, warning } from "./check.ts";
import { connectionMend, reasonOf, whereOf } from "./connection.ts";

/** What the database says about the processors that it belongs to. */
export interface Belongings {
  readonly livemode: boolean | null;
  readonly accounts: ReadonlyMap<string, string>;
}

/** What this version is tested on. */
const TESTED_MAJOR = 18;
/** Of one instance at most: twelve of its own, three for jobs, and one while it starts. */
const CONNECTIONS_PER_INSTANCE = 16;
/** Events are sealed within a second, where a worker runs. */
const UNSEALED_TOO_LONG_MS = 60_000;
const SKEW_TO_KNOW_MS = 1_000;

/** Looks at the primary; changes nothing there. `belongings` is null where they could not be read. */
export async function examineDatabase(
  url: string,
  config: Pick<Config, "livemode">,
  clock: Clock,
): Promise<{ checks: Check[]; belongings: Belongings | null }> {
  const db = openDatabase({ url, maxConnections: 1, onIdleError: () => {} });
  try {
    const facts = await readServerFacts(db);
    const checks = [reached(url, facts), ...serverChecks(facts), await durability(db), await clocks(db, clock)];
    const schema = await schemaChecks(db, facts);
    checks.push(...schema.checks);
    if (!schema.usable) return { checks, belongings: null };
    const belongings = await readBelongings(db);
    checks.push(mode(belongings, config), await worker(db, clock));
    return { checks, belongings };
  } catch (error) {
    return { checks: [unreachable(url, error)], belongings: null };
  } finally {
    await db.close();
  }
}

function unreachable(url: string, error: unknown): Check {
  const cause = error instanceof DatabaseUnavailable ? error.cause : error;
  return fault("database", `${whereOf(url)} cannot be used: ${reasonOf(cause)}`, connectionMend(cause, "DATABASE_URL", "PostgreSQL"));
}

function versionText(version: number): string {
  return `PostgreSQL ${Math.floor(version / 10_000)}.${version % 10_000}`;
}

function reached(url: string, { version }: ServerFacts): Check {
  const found = `${versionText(version)} at ${whereOf(url)}`;
  if (Math.floor(version / 10_000) === TESTED_MAJOR) return ok("database", found);
  return warning("database", found, `Switchyard is tested on PostgreSQL ${TESTED_MAJOR} only: use that.`);
}

function serverChecks({ standby, readOnly, connections, maxConnections }: ServerFacts): Check[] {
  const checks: Check[] = [];
  const why = standby ? "it is a standby" : readOnly ? "default_transaction_read_only is on" : null;
  if (why === null) checks.push(ok("database.writable", "it can be written"));
  else
    checks.push(
      fault(
        "database.writable",
        `nothing can be written there: ${why}`,
        standby
          ? "Set DATABASE_URL to the primary; a standby goes into DATABASE_REPLICA_URL."
          : "alter database … reset default_transaction_read_only",
      ),
    );
  const found = `${connections} of ${maxConnections} connections are in use`;
  const room = maxConnections - connections >= CONNECTIONS_PER_INSTANCE;
  const mend = `One gateway needs up to ${CONNECTIONS_PER_INSTANCE}: raise max_connections, or put a pooler in session mode before it.`;
  checks.push(room ? ok("database.connections", found) : warning("database.connections", found, mend));
  return checks;
}

async function durability(db: Database): Promise<Check> {
  const found = await durabilityFault(db);
  if (found === null) return ok("database.durability", "fsync, full_page_writes and synchronous_commit are on");
  const mend =
    "Turn them on: alter system set … = on, then select pg_reload_conf(); look also at alter database and alter role. The gateway refuses such a database.";
  return fault("database.durability", found, mend);
}

async function clocks(db: Database, clock: Clock): Promise<Check> {
  const guard = new ClockGuard(db, clock);
  await guard.check();
  const { skewMs } = guard;
  const found = `this machine's clock is ${spanText(skewMs)} ${skewMs < 0 ? "behind" : "ahead of"} the database's`;
  const mend = "Set both clocks by NTP (chrony, systemd-timesyncd). A gateway that is more than 5 s off sends nothing.";
  if (!guard.ok()) return fault("database.clock", found, mend);
  return Math.abs(skewMs) > SKEW_TO_KNOW_MS ? warning("database.clock", found, mend) : ok("database.clock", found);
}

async function schemaChecks(db: Database, { mayCreate }: ServerFacts): Promise<{ checks: Check[]; usable: boolean }> {
  const id = "database.schema";
  const ours = (await readdir(MIGRATIONS_DIR)).flatMap((file) => /^(\d{6}_\w+)\.sql$/.exec(file)?.[1] ?? []).sort();
  const theirs = await readMigrations(db);
  const create = mayCreate
    ? []
    : [
        fault(
          "database.privileges",
          "this user may not create tables",
          "grant create on schema public to the user of DATABASE_URL: a start migrates.",
        ),
      ];
  if (theirs === null)
    return { checks: [skipped(id, "the database is empty: the first start of a gateway fills it"), ...create], usable: false };
  const missing = ours.filter((name) => !theirs.includes(name));
  const newer = theirs.filter((name) => !ours.includes(name));
  if (missing.length > 0) {
    const found = `${countOf(missing.length, "migration")} did not run: ${listOf(missing)}`;
    const mend = "Restart the gateway of this version: it migrates when it starts.";
    return { checks: [fault(id, found, mend), ...create], usable: false };
  }
  if (newer.length > 0) {
    const found = `it is newer than this checkout: ${listOf(newer)}`;
    return { checks: [warning(id, found, "Update this checkout. During a rolling deployment this passes.")], usable: true };
  }
  return { checks: [ok(id, `all ${ours.length} migrations ran`), ...create], usable: true };
}

async function readBelongings(db: Database): Promise<Belongings> {
  const installation = await readInstallation(db);
  const accounts = await readProviderAccounts(db);
  return { livemode: installation?.livemode ?? null, accounts: new Map(accounts.map(({ provider, account }) => [provider, account])) };
}

function mode({ livemode }: Belongings, config: Pick<Config, "livemode">): Check {
  const id = "database.mode";
  const word = (live: boolean) => (live ? "live" : "test");
  if (livemode === null) return skipped(id, "no gateway has used this database yet");
  if (livemode === config.livemode) return ok(id, `the database and the processors are both in ${word(livemode)} mode`);
  const found = `the database holds ${word(livemode)} charges, and the processors are in ${word(config.livemode)} mode`;
  return fault(
    id,
    found,
    `Set DATABASE_URL to a database of ${word(config.livemode)} charges, or the processors' credentials to ${word(livemode)} ones.`,
  );
}

/** Whether somebody does the work behind the interface: it seals the trail, and nothing is older than a second then. */
async function worker(db: Database, clock: Clock): Promise<Check> {
  const { unsealed } = await readTrailStatus(db);
  const ageMs = unsealed.oldestAt === null ? 0 : clock.now() - unsealed.oldestAt.getTime();
  if (ageMs <= UNSEALED_TOO_LONG_MS) return ok("worker", "the trail is sealed up to date");
  const found = `${countOf(Number(unsealed.count), "event")} of the trail wait for a seal, the oldest for ${spanText(ageMs)}: no worker runs`;
  return fault(
    "worker",
    found,
    "Start a gateway with ROLE=all or ROLE=worker: without one no doubt is resolved and nothing deferred is collected.",
  );
}

/** The copy that statistics may come from. */
export async function examineReplica(url: string, clock: Clock): Promise<Check> {
  const id = "database.replica";
  const db = openDatabase({ url, maxConnections: 1, onIdleError: () => {} });
  try {
    const { standby, replayedAt } = await readServerFacts(db);
    if (!standby)
      return warning(
        id,
        `${whereOf(url)} is no standby: it may not have what the primary has`,
        "Set DATABASE_REPLICA_URL to a standby of the primary.",
      );
    const age = replayedAt === null ? "" : `, its newest change is ${spanText(clock.now() - replayedAt.getTime())} old`;
    return ok(id, `${whereOf(url)} is a standby${age}`);
  } catch (error) {
    const cause = error instanceof DatabaseUnavailable ? error.cause : error;
    return fault(id, `${whereOf(url)} cannot be used: ${reasonOf(cause)}`, connectionMend(cause, "DATABASE_REPLICA_URL", "PostgreSQL"));
  } finally {
    await db.close();
  }
}
