import { fileURLToPath } from "node:url";
import { runner } from "node-pg-migrate";
import pg from "pg";

/** `migrations/000001_name.sql`, …: plain SQL, forward only, each one recorded by name once it ran. */
export const MIGRATIONS_DIR = fileURLToPath(new URL("../../migrations", import.meta.url));

/** The table in which node-pg-migrate records what ran. */
export const MIGRATIONS_TABLE = "migrations";

const CONNECT_TIMEOUT_MS = 10_000;

/**
 * Brings the database to this version; returns the names of the migrations that ran. All pending ones run in one
 * transaction: a failure leaves the database as it was. Instances that start together wait for each other (advisory
 * lock); a database that is newer than this code, as in a rolling deployment, is left alone.
 */
export async function migrate(databaseUrl: string, log: (message: string) => void, dir: string = MIGRATIONS_DIR): Promise<string[]> {
  // Our own client: the library does not wait for its client's end, and a template cannot be copied while it is connected.
  const client = new pg.Client({
    connectionString: databaseUrl,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: "switchyard-migrate",
  });
  // A connection lost between two statements would otherwise end the process; the next statement reports it.
  client.on("error", (error) => log(`migration connection: ${error.message}`));
  await client.connect();
  try {
    const applied = await runner({
      dbClient: client,
      dir,
      // schema.sql is the dump that reviews read, not a migration.
      ignorePattern: "(?!\\d{6}_.*\\.sql$).*",
      direction: "up",
      migrationsTable: MIGRATIONS_TABLE,
      singleTransaction: true,
      advisoryLockMode: "wait",
      checkOrder: true,
      logger: { debug() {}, info() {}, warn: log, error: log },
    });
    for (const { name } of applied) log(`migration ${name} applied`);
    return applied.map(({ name }) => name);
  } finally {
    await client.end();
  }
}
