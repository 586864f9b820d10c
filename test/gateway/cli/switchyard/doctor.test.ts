import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../../../providers/contract/clock.ts";
import { ADMIN_KEY, startWorld, type World } from "../../../acceptance/harness.ts";
import { createTestDatabase, type TestDatabase } from "../../../support/database.ts";
import { temporaryDirectory } from "../../../support/temporary-directory.ts";
import { type Around, switchyard } from "./run.ts";

let world: World;
let url: string;
/** A database beside the gateway's own: what is planted there does not disturb it. */
let database: TestDatabase;
let client: pg.Client;
beforeAll(async () => {
  world = await startWorld();
  [{ url }, database] = await Promise.all([world.start(), createTestDatabase()]);
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query("insert into installation (id, livemode, created_at) values ('in_1', false, now())");
});
afterAll(async () => {
  await client?.end();
  await database?.drop();
  await world?.close();
});

interface Check {
  readonly id: string;
  readonly state: string;
  readonly found: string;
  readonly mend: string | null;
}

/** Nothing listens there, and no other test is given it meanwhile. */
const CLOSED = "127.0.0.1:2";
const healthy = (): Record<string, string> => ({ ...world.env, SWITCHYARD_URL: url, SWITCHYARD_API_KEY: ADMIN_KEY });
const beside = (): Record<string, string> => ({ ...healthy(), DATABASE_URL: database.url });

/** The faults that it finds in these surroundings; each says how to mend it, and the exit code says that there are some. */
async function faultsIn(around: Around): Promise<Check[]> {
  const { code, out } = await switchyard(["doctor", "--json"], around);
  const faults = (JSON.parse(out) as { checks: Check[] }).checks.filter(({ state }) => state === "fault");
  expect(code).toBe(faults.length > 0 ? 3 : 0);
  expect(faults.filter(({ mend }) => !mend)).toEqual([]);
  return faults;
}

const faultsWith = (more: Record<string, string>) => faultsIn({ env: { ...healthy(), ...more } });

/** What it finds while `plant` is done to the database beside, which `restore` undoes. */
async function planted(plant: string, restore: string): Promise<Check[]> {
  await client.query(plant);
  try {
    return await faultsIn({ env: beside() });
  } finally {
    await client.query(restore);
  }
}

const fault = (id: string, found: string, mend: string) => [
  { id, state: "fault", found: expect.stringContaining(found), mend: expect.stringContaining(mend) },
];

describe("doctor", () => {
  it("finds nothing wrong with what works, and says what it looked at", async () => {
    const { code, out, err } = await switchyard(["doctor"], { env: healthy() });
    expect([code, err]).toEqual([0, ""]);
    for (const id of ["settings", "database", "database.durability", "database.clock", "worker", "redis", "provider.paypal", "gateway.key"])
      expect(out).toMatch(new RegExp(`^ok +${id} `, "m"));
    // The acceptance settings have no webhook secrets.
    expect(out).toMatch(/\nNothing is wrong\. 2 warnings\.\n$/);
    expect(await faultsIn({ env: beside() })).toEqual([]);
    const withoutKey = await switchyard(["doctor"], { env: { ...healthy(), SWITCHYARD_API_KEY: "" } });
    expect(withoutKey).toMatchObject({ code: 0, out: expect.stringMatching(/\n- +gateway\.key +no API key/) });
    const made = await switchyard(["keys", "create", "--name", "core", "--role", "billing", "--json"], { env: healthy() });
    expect(await faultsWith({ SWITCHYARD_API_KEY: JSON.parse(made.out).key })).toEqual([]);
  });

  it("1: a wrong setting", async () => {
    expect(await faultsWith({ PORT: "http" })).toEqual(fault("settings", "PORT must be a whole number", "docs/settings.md"));
  });

  it("2: a database that does not answer, without telling the password", async () => {
    const faults = await faultsWith({ DATABASE_URL: `postgres://switchyard:hush@${CLOSED}/switchyard` });
    expect(faults).toEqual(fault("database", CLOSED, "Nothing listens there"));
    expect(JSON.stringify(faults)).not.toContain("hush");
  });

  it("3: a database that refuses the password", async () => {
    const wrong = new URL(database.url);
    wrong.password = "wrong";
    expect(await faultsWith({ DATABASE_URL: wrong.href })).toEqual(fault("database", "password authentication failed", "User or password"));
  });

  it("4: a database that forgets what was acknowledged", async () => {
    const { pathname } = new URL(database.url);
    const on = `alter database ${pathname.slice(1)}`;
    expect(await planted(`${on} set synchronous_commit = off`, `${on} reset synchronous_commit`)).toEqual(
      fault("database.durability", "synchronous_commit = off", "Turn them on"),
    );
  });

  it("5: a database that nobody can write to", async () => {
    const on = `alter database ${new URL(database.url).pathname.slice(1)}`;
    expect(
      await planted(
        `${on} set default_transaction_read_only = on`,
        `set default_transaction_read_only = off; ${on} reset default_transaction_read_only`,
      ),
    ).toEqual(fault("database.writable", "default_transaction_read_only", "alter database"));
  });

  it("6: a migration that did not run", async () => {
    const last = "000003_declined_attempts";
    const faults = await planted(
      `update migrations set name = 'gone' where name = '${last}'`,
      `update migrations set name = '${last}' where name = 'gone'`,
    );
    expect(faults).toEqual(fault("database.schema", last, "it migrates when it starts"));
  });

  it("7: a database of live charges under test credentials", async () => {
    expect(await planted("update installation set livemode = true", "update installation set livemode = false")).toEqual(
      fault("database.mode", "the database holds live charges, and the processors are in test mode", "DATABASE_URL"),
    );
  });

  it("8: nobody who works behind the interface", async () => {
    const plant =
      "insert into events (at, account_id, type, actor) values (now() - interval '10 minutes', 'acct_default', 'key.created', 'system:test')";
    const restore = "set session_replication_role = replica; delete from events; set session_replication_role = origin";
    expect(await planted(plant, restore)).toEqual(fault("worker", "1 event of the trail wait", "ROLE=worker"));
  });

  it("9: a replica that does not answer", async () => {
    expect(await faultsWith({ DATABASE_REPLICA_URL: `postgres://switchyard:hush@${CLOSED}/switchyard` })).toEqual(
      fault("database.replica", CLOSED, "DATABASE_REPLICA_URL"),
    );
  });

  it("10: a Redis that does not answer", async () => {
    expect(await faultsWith({ REDIS_URL: `redis://:hush@${CLOSED}` })).toEqual(
      fault("redis", CLOSED, "start Redis, or correct host and port in REDIS_URL"),
    );
  });

  it("11: credentials of another account than the one the database belongs to", async () => {
    expect(await faultsWith({ STRIPE_SECRET_KEY: "sk_test_other_1" })).toEqual(
      fault("provider.stripe", "this database belongs to acct_sandbox", "Set the credentials of acct_sandbox again"),
    );
  });

  it("12: credentials that the processor refuses", async () => {
    expect(await faultsWith({ PAYPAL_CLIENT_SECRET: "wrong" })).toEqual(
      fault("provider.paypal", "it does not say who we are", "take PAYPAL_CLIENT_ID and PAYPAL_CLIENT_SECRET anew"),
    );
  });

  it("13: a processor that cannot be reached", async () => {
    expect(await faultsWith({ STRIPE_API_BASE: `http://${CLOSED}` })).toEqual(
      fault("provider.stripe", "it does not say who we are", `Look at the way to http://${CLOSED}`),
    );
  });

  it("14: a clock that is off", async () => {
    const clock = { ...systemClock, now: () => Date.now() + 8_000 };
    expect(await faultsIn({ env: healthy(), clock })).toEqual(fault("database.clock", "8 s ahead of the database's", "NTP"));
  });

  it("15: no gateway, and 16: a key that it does not know", async () => {
    expect(await faultsWith({ SWITCHYARD_URL: `http://${CLOSED}` })).toEqual(fault("gateway", "does not answer", "npm start"));
    expect(await faultsWith({ SWITCHYARD_API_KEY: "sy_test_revoked" })).toEqual(fault("gateway.key", "401 unauthorized", "revoked"));
  });

  it("17: a local start's keys that others can read, and 18: a disk that is full", async () => {
    const dir = await temporaryDirectory();
    await writeFile(join(dir, "keys.json"), "{}", { mode: 0o644 });
    const { DATABASE_URL: _, ...rest } = healthy();
    const env = { ...rest, DATA_DIR: dir };
    expect(await faultsIn({ env })).toEqual(fault("data_dir.keys", "(0644)", `chmod 600 ${dir}/keys.json`));
    const both = await faultsIn({ env, freeBytes: async () => 50_000_000 });
    expect(both.map(({ id }) => id)).toEqual(["data_dir.space", "data_dir.keys"]);
  });
});
