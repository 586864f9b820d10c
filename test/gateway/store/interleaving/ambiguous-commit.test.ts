import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Acceptance, acceptCharges } from "../../../../gateway/store/accept-charges.ts";
import { DatabaseAmbiguous } from "../../../../gateway/store/database.ts";
import { groupCommit } from "../../../../gateway/store/group-commit.ts";
import { migrate } from "../../../../gateway/store/migrate.ts";
import { type Transition, writeTransitions } from "../../../../gateway/store/write-transitions.ts";
import { type OwnPostgres, startOwnPostgres } from "../../../support/database.ts";
import { acceptance, failedOver, newId, succeeded } from "./rows.ts";
import { openStageOn, type Session, type Stage } from "./sessions.ts";

/**
 * A connection that is killed after its statement was sent, on either side of the commit. Before: the statement waits for a lock.
 * After: the server waits for a standby that does not exist, with the commit record on disk; its client hears nothing more.
 */
let server: OwnPostgres;
/** Does not wait for the standby. */
let local: Stage;
let waiting: Stage;
let other: Session;
let struck: Session;
beforeAll(async () => {
  server = await startOwnPostgres();
  await migrate(server.url, () => {});
  const url = new URL(server.url);
  url.searchParams.set("options", "-c synchronous_commit=local");
  local = openStageOn(url.href);
  other = await local.session();
  await local.rows("alter system set synchronous_standby_names = 'nobody'");
  await local.rows("select pg_reload_conf()");
  waiting = openStageOn(server.url);
  struck = await waiting.session();
});
afterEach(() => local.rest());
afterAll(async () => {
  await Promise.all([local.close(), waiting.close()]);
  await server.stop();
});

/** The present connection's: a session that lost one opens another. */
async function pidOf(session: Session): Promise<number> {
  const [row] = await session.db.query<{ pid: number }>({ name: "", text: "select pg_backend_pid() as pid" });
  return row?.pid ?? 0;
}

async function kill(pid: number): Promise<void> {
  await local.rows("select pg_terminate_backend($1)", pid);
  // The next look is at what it left for good.
  while ((await local.rows("select from pg_stat_activity where pid = $1", pid)).length > 0);
}

async function waitsForStandby(pid: number): Promise<void> {
  while ((await local.rows("select from pg_stat_activity where pid = $1 and wait_event = 'SyncRep'", pid)).length === 0);
}

type Moment = "before" | "after";

/** Runs `write` on the connection that is killed at `moment`; for `before`, `lock` is what it has to wait for. */
async function strike<T>(moment: Moment, lock: string, write: () => Promise<T>): Promise<PromiseSettledResult<T>[]> {
  const pid = await pidOf(struck);
  if (moment === "after") {
    const results = Promise.allSettled([write()]);
    await waitsForStandby(pid);
    await kill(pid);
    return results;
  }
  const open = await local.hold(other, (db) => db.query({ name: "", text: lock }));
  const results = Promise.allSettled([write()]);
  await local.waits(results, { ...struck, pid }, other);
  await kill(pid);
  await open.rollback();
  return results;
}

const eventsOf = async (id: string) =>
  (await local.rows<{ type: string }>("select type from events where charge_id = $1 order by id", id)).map(({ type }) => type);
const accept = (session: Session) => groupCommit((rows: readonly Acceptance[]) => acceptCharges(session.db, rows));
const write = (session: Session) => groupCommit((rows: readonly Transition[]) => writeTransitions(session.db, rows));
const rejected = { status: "rejected", reason: expect.any(DatabaseAmbiguous) };

describe.each(["before", "after"] as const)("a connection that is killed %s the commit", (moment) => {
  const committed = moment === "after";

  it("leaves every intent of the batch ambiguous; the same keys again make each charge once", async () => {
    const rows = [acceptance(), acceptance(), acceptance()];
    const taken = `insert into idempotency_keys select account_id, '${rows[1]?.idempotency_key}', operation, fingerprint, charge_id, created_at
      from idempotency_keys where charge_id = '${await first()}'`;
    const [results] = await strike(moment, taken, () => Promise.allSettled(rows.map(accept(struck))));
    expect(results).toMatchObject({ value: [rejected, rejected, rejected] });
    for (const { id } of rows) expect(await eventsOf(id)).toEqual(committed ? ["attempt.started"] : []);

    const again = rows.map((row) => acceptance({ idempotency_key: row.idempotency_key }));
    expect(await Promise.all(again.map(accept(other)))).toEqual(rows.map(() => (committed ? "taken" : "accepted")));
    for (const { idempotency_key } of rows) {
      expect(await local.rows("select from charges where idempotency_key = $1", idempotency_key)).toHaveLength(1);
      expect(await local.rows("select from idempotency_keys where key = $1", idempotency_key)).toHaveLength(1);
    }
  });

  it("leaves every outcome of the batch ambiguous; the same outcomes again are written once", async () => {
    const ids = [await first(), await first(), await first()];
    const lock = `select from charges where id = '${ids[1]}' for update`;
    const [results] = await strike(moment, lock, () => Promise.allSettled(ids.map((id) => succeeded(id)).map(write(struck))));
    expect(results).toMatchObject({ value: [rejected, rejected, rejected] });
    for (const id of ids) expect(await eventsOf(id)).toEqual(committed ? ["attempt.started", "charge.succeeded"] : ["attempt.started"]);

    expect(await Promise.all(ids.map((id) => succeeded(id)).map(write(other)))).toEqual(ids.map(() => !committed));
    for (const id of ids) expect(await eventsOf(id)).toEqual(["attempt.started", "charge.succeeded"]);
  });

  it("leaves the next intent ambiguous; under the next lease there is one live attempt, and the old lease writes nothing", async () => {
    const id = await first();
    const [result] = await strike(moment, `select from charges where id = '${id}' for update`, () => write(struck)(failedOver(id, 2)));
    expect(result).toMatchObject(rejected);
    const live = await local.rows<{ no: number }>("select no from attempts where charge_id = $1 and live", id);
    expect(live).toEqual([{ no: committed ? 2 : 1 }]);

    await local.rows("update charges set lease_no = 2 where id = $1", id);
    expect(await write(other)(failedOver(id, 3))).toBe(false);
    expect(await local.rows("select no from attempts where charge_id = $1 and live", id)).toEqual(live);
    expect(await eventsOf(id)).toEqual(committed ? ["attempt.started", "charge.processing"] : ["attempt.started"]);
  });

  it("costs the pool that connection only", async () => {
    const id = await first();
    const pid = await pidOf(struck);
    await strike(moment, `select from charges where id = '${id}' for update`, () => write(struck)(succeeded(id)));
    expect(await pidOf(struck)).not.toBe(pid);
  });
});

describe("a transaction of several statements", () => {
  const insert = (id: string) => ({ name: "", text: "insert into accounts (id, name) values ($1, 'test')", values: [id] });
  const found = async (id: string) => (await local.rows("select from accounts where id = $1", id)).length;

  it("whose connection is killed between two of them is ambiguous, and leaves nothing", async () => {
    const id = newId("acct");
    const pid = await pidOf(struck);
    const work = struck.db.transaction(async (query) => {
      await query(insert(id));
      await kill(pid);
      await query(insert(newId("acct")));
    });
    await expect(work).rejects.toThrow(DatabaseAmbiguous);
    expect(await found(id)).toBe(0);
    expect(await pidOf(struck)).not.toBe(pid);
  });

  it("whose connection is killed in its commit is ambiguous, and may be there", async () => {
    const id = newId("acct");
    const pid = await pidOf(struck);
    const work = expect(struck.db.transaction((query) => query(insert(id)))).rejects.toThrow(DatabaseAmbiguous);
    await waitsForStandby(pid);
    await kill(pid);
    await work;
    expect(await found(id)).toBe(1);
    expect(await pidOf(struck)).not.toBe(pid);
  });
});

/** A charge that is there, with its first attempt. */
async function first(): Promise<string> {
  const charge = acceptance({ id: newId("ch") });
  expect(await acceptCharges(other.db, [charge])).toEqual(["accepted"]);
  return charge.id;
}
