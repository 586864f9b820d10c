import { randomBytes } from "node:crypto";
import pg from "pg";

export { type OwnPostgres, startOwnPostgres } from "./postgres.ts";

/** Set by global-setup.ts: the run's shared server, and its migrated template. */
export const SERVER_URL_VARIABLE = "SWITCHYARD_TEST_DATABASE_URL";
export const TEMPLATE_DATABASE = "switchyard_template";

export interface TestDatabase {
  readonly url: string;
  /** Ends all its sessions and removes it. */
  drop(): Promise<void>;
}

/** A migrated database of the caller's own, cloned from the run's template (about 30 ms): one per test file. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const serverUrl = process.env[SERVER_URL_VARIABLE];
  if (!serverUrl)
    throw new Error(`${SERVER_URL_VARIABLE} is not set: run the tests with npm test (vitest's globalSetup starts the server)`);
  const name = `test_${randomBytes(6).toString("hex")}`;
  await run(serverUrl, `create database ${name} template ${TEMPLATE_DATABASE}`);
  return {
    url: databaseUrl(serverUrl, name),
    drop: () => run(serverUrl, `drop database if exists ${name} with (force)`),
  };
}

/** An empty database on the run's server, for tests of the migrations themselves. */
export async function createEmptyDatabase(): Promise<TestDatabase> {
  const serverUrl = process.env[SERVER_URL_VARIABLE];
  if (!serverUrl) throw new Error(`${SERVER_URL_VARIABLE} is not set: run the tests with npm test`);
  const name = `test_${randomBytes(6).toString("hex")}`;
  await run(serverUrl, `create database ${name}`);
  return { url: databaseUrl(serverUrl, name), drop: () => run(serverUrl, `drop database if exists ${name} with (force)`) };
}

/** The URL of another database on the same server. */
export function databaseUrl(serverUrl: string, name: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}

export async function run(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
