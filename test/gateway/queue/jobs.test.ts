import type pg from "pg";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { notifyKind } from "../../../gateway/queue/alerts.ts";
import { auditKind } from "../../../gateway/queue/audit-job.ts";
import type { JobData, JobKind } from "../../../gateway/queue/job-kind.ts";
import { type Jobs, startJobs } from "../../../gateway/queue/jobs.ts";
import { openDatabase } from "../../../gateway/store/database.ts";
import { reopenDeadLetter } from "../../../gateway/store/dead-letters.ts";
import { migrate } from "../../../gateway/store/migrate.ts";
import { startSealer } from "../../../gateway/trail/sealer.ts";
import { systemClock } from "../../../providers/contract/clock.ts";
import { startOwnPostgres } from "../../support/postgres.ts";
import { insertEvent, openTrail, type Trail, tamper } from "../trail/trail-fixture.ts";

let trail: Trail;
let client: pg.Client;
const started: Jobs[] = [];

beforeEach(async () => {
  trail = await openTrail();
  client = await trail.connect();
});
afterEach(async () => {
  for (const jobs of started.splice(0)) await jobs.stop();
  await trail.close();
});

interface Line {
  readonly level: "info" | "warn" | "error";
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

function recorder() {
  const lines: Line[] = [];
  const at = (level: Line["level"]) => (fields: object, message: string) => {
    lines.push({ level, fields: fields as Line["fields"], message });
  };
  return { lines, log: { info: at("info"), warn: at("warn"), error: at("error") } };
}

async function start(kinds: readonly JobKind[], log = recorder().log): Promise<Jobs> {
  const jobs = await startJobs({ databaseUrl: trail.url, database: trail.db, clock: systemClock, log, kinds });
  started.push(jobs);
  return jobs;
}

/** Remembers what it was given; `run` may be replaced. */
function echo(more: Partial<JobKind> = {}): JobKind & { seen: JobData[] } {
  const seen: JobData[] = [];
  return {
    name: "echo",
    feed: { types: ["charge.%"], toJob: (event) => ({ data: { seq: Number(event.seq), charge: event.charge_id } }) },
    retries: 0,
    retryDelayS: 1,
    expireS: 30,
    pollS: 0.5,
    batch: 100,
    run: async (jobs) => {
      seen.push(...jobs);
    },
    seen,
    ...more,
  };
}

async function until(what: () => boolean | Promise<boolean>, ms = 60_000): Promise<void> {
  const end = Date.now() + ms;
  while (!(await what())) {
    if (Date.now() > end) throw new Error(`not within ${ms} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe("the dispatcher", () => {
  test("makes one job of each sealed event that a kind of job wants, with two instances at work", async () => {
    const kind = echo();
    await start([kind]);
    await start([kind]);
    await insertEvent(client, { type: "provider.opened", charge: null });
    for (let i = 0; i < 30; i++) await insertEvent(client, { charge: `ch_${i}` });
    await trail.sealAll(7);
    await until(() => kind.seen.length >= 30);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(kind.seen.map((job) => job.charge).sort()).toEqual(Array.from({ length: 30 }, (_, i) => `ch_${i}`).sort());
  });

  test("takes nothing that is not sealed, and goes on where it stood after a restart", async () => {
    const kind = echo();
    const first = await start([kind]);
    await insertEvent(client, { charge: "ch_before" });
    await trail.sealAll();
    await until(() => kind.seen.length === 1);
    await first.stop();
    await insertEvent(client, { charge: "ch_between" });
    await trail.sealAll();
    await insertEvent(client, { charge: "ch_unsealed" });
    await start([kind]);
    await until(() => kind.seen.length === 2);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(kind.seen.map((job) => job.charge)).toEqual(["ch_before", "ch_between"]);
  });

  test("when pg-boss silently inserts nothing, the cursor stays where it is", async () => {
    const { lines, log } = recorder();
    await start([echo()], log);
    await tamper(client, "delete from pgboss.queue where name = 'echo'");
    await insertEvent(client);
    await trail.sealAll();
    await until(() => lines.some((line) => line.message.startsWith("the dispatcher of jobs fails")));
    expect(await trail.db.query({ name: "t_cursor", text: "select seq from dispatch_cursors" })).toEqual([{ seq: 0n }]);
  });
});

test("a job that fails for good becomes one dead letter, which a person can replay", async () => {
  const { lines, log } = recorder();
  let broken = true;
  const done: JobData[] = [];
  const kind = echo({
    batch: 1,
    run: async (jobs) => {
      if (broken) throw new Error("the receiver says no");
      done.push(...jobs);
    },
  });
  await start([kind], log);
  await insertEvent(client, { charge: "ch_7" });
  await trail.sealAll();
  const letters = () =>
    trail.db.query<{ id: string; state: string; reason: string; data: object }>({ name: "t_dl", text: "select * from dead_letters" });
  // It is logged once the letter is written.
  await until(() => lines.some((line) => line.fields.alert === "job.dead"));
  const [letter] = await letters();
  expect(letter).toMatchObject({
    state: "open",
    reason: "echo: the receiver says no",
    data: { queue: "echo", payload: { seq: 1, charge: "ch_7" } },
  });
  expect(lines.filter((line) => line.fields.alert === "job.dead")).toMatchObject([{ level: "error", fields: { dead_letter: letter!.id } }]);
  const opened = await client.query("select type, data from events where type = 'dead_letter.opened'");
  expect(opened.rows).toEqual([{ type: "dead_letter.opened", data: { id: letter!.id, kind: "job", reason: letter!.reason } }]);

  broken = false;
  const by = { accountId: "acct_default", id: letter!.id, actor: "key:ops", now: new Date() };
  expect(await reopenDeadLetter(trail.db, by)).toMatchObject({ found: true, wasOpen: true });
  await trail.sealAll();
  await until(() => done.length === 1);
  expect(done).toEqual([{ seq: 1, charge: "ch_7" }]);
  expect(await letters()).toMatchObject([{ state: "replayed" }]);
});

test("what a person must see is logged once with its particulars, and counted", async () => {
  const { lines, log } = recorder();
  const counted: string[] = [];
  await start([notifyKind({ db: trail.db, log, count: (alert) => counted.push(alert) })], log);
  await insertEvent(client, { type: "charge.late_success", charge: "ch_1", data: { adopted: false } });
  await insertEvent(client, { type: "charge.late_success", charge: "ch_2", data: { adopted: true } });
  await insertEvent(client, { type: "dead_letter.opened", data: { kind: "doubt" } });
  await insertEvent(client, { type: "dead_letter.opened", charge: null, data: { kind: "job" } });
  await insertEvent(client, { type: "provider.opened", charge: null });
  await insertEvent(client, { type: "charge.succeeded" });
  await insertEvent(client, { type: "refund.failed", charge: "ch_3", data: { refund: "re_3", from: "pending" } });
  await insertEvent(client, { type: "refund.failed", charge: "ch_4", data: { refund: "re_4", from: "succeeded" } });
  await trail.sealAll();
  await until(() => counted.length >= 5);
  expect(counted.sort()).toEqual(["charge.late_success", "charge.late_success", "dead_letter.opened", "provider.opened", "refund.failed"]);
  // Besides, the queue may complain of a slow machine.
  const alerts = lines.filter(({ fields }) => fields.alert !== undefined);
  expect(alerts.map(({ level, fields }) => [level, fields.alert, fields.charge]).sort()).toEqual(
    [
      ["error", "charge.late_success", "ch_1"],
      ["warn", "charge.late_success", "ch_2"],
      ["error", "dead_letter.opened", "ch_1"],
      ["warn", "provider.opened", null],
      ["error", "refund.failed", "ch_4"],
    ].sort(),
  );
});

describe("the hourly check of the trail", () => {
  test("runs at the first start, remembers how far the chain is whole, and says so where the database cannot forget it", async () => {
    const { lines, log } = recorder();
    for (let i = 0; i < 5; i++) await insertEvent(client);
    await trail.sealAll();
    const audit = { ...auditKind({ db: trail.db, log, count: () => {}, clock: systemClock }), pollS: 0.5 };
    await start([audit], log);
    await until(() => lines.some((line) => line.message === "the audit trail is whole"));
    const [check] = await trail.db.query<{ seq: bigint; hash: Buffer }>({ name: "t_check", text: "select * from trail_checks" });
    expect(check).toMatchObject({ seq: 5n, broken: null });
    expect(lines.find((line) => line.message === "the audit trail is whole")?.fields).toMatchObject({
      seq: "5",
      hash: check!.hash.toString("hex"),
    });
  });

  test("finds what was altered after it was checked, says it each time, and writes it into the trail once", async () => {
    const { lines, log } = recorder();
    for (let i = 0; i < 5; i++) await insertEvent(client);
    await trail.sealAll();
    const counted: string[] = [];
    const audit = auditKind({ db: trail.db, log, count: (alert) => counted.push(alert), clock: systemClock });
    await audit.run([]);
    await tamper(client, "update events set amount = 1 where id = 3");
    await audit.run([]);
    await audit.run([]);
    expect(counted).toEqual(["trail.broken", "trail.broken"]);
    expect(lines.at(-1)).toMatchObject({ level: "error", fields: { seq: "3", kind: "altered_event", event: "3" } });
    const told = await client.query("select data from events where type = 'trail.broken'");
    expect(told.rows).toEqual([{ data: { seq: "3", kind: "altered_event", event: "3" } }]);
  });

  test("finds a chain that was rewritten whole", async () => {
    const { lines, log } = recorder();
    for (let i = 0; i < 5; i++) await insertEvent(client);
    await trail.sealAll();
    const audit = auditKind({ db: trail.db, log, count: () => {}, clock: systemClock });
    await audit.run([]);
    const genesis = "decode(repeat('00', 32), 'hex')";
    await tamper(
      client,
      `update events set amount = 1 where id = 3; delete from event_seals; update trail_head set seq = 0, hash = ${genesis}, done = '1:1:'`,
    );
    await trail.sealAll();
    await audit.run([]);
    expect(lines.at(-1)).toMatchObject({ level: "error", fields: { seq: "5", kind: "altered_hash" } });
  });
});

test("a second start makes no table or index anew, which is what takes time", async () => {
  const relations = async () =>
    (await client.query("select oid, relname from pg_class where relnamespace = 'pgboss'::regnamespace order by oid")).rows;
  const first = await startJobs({ databaseUrl: trail.url, database: trail.db, clock: systemClock, log: recorder().log });
  await first.stop();
  const before = await relations();
  const second = await startJobs({ databaseUrl: trail.url, database: trail.db, clock: systemClock, log: recorder().log });
  await second.stop();
  expect(before.length).toBeGreaterThan(0);
  expect(await relations()).toEqual(before);
});

test("sealer and jobs live through a kill of the database, and go on when it is back", async () => {
  const server = await startOwnPostgres();
  const { lines, log } = recorder();
  try {
    await migrate(server.url, () => {});
    const db = openDatabase({ url: server.url, maxConnections: 4, onIdleError: () => {} });
    const kind = echo();
    const sealer = startSealer({ db, clock: systemClock, log });
    const jobs = await startJobs({ databaseUrl: server.url, database: db, clock: systemClock, log, kinds: [kind] });
    const write = (charge: string) =>
      db.query({
        name: "t_write",
        text: "insert into events (at, account_id, type, actor, charge_id) values (now(), 'acct_default', 'charge.succeeded', 'test', $1)",
        values: [charge],
      });
    await write("ch_before");
    await until(() => kind.seen.length === 1);
    await server.kill9();
    await until(() => lines.some((line) => line.message.startsWith("the sealer of the trail fails")));
    await server.start();
    await write("ch_after").catch(() => write("ch_after"));
    await until(() => kind.seen.length === 2);
    expect(kind.seen.map((job) => job.charge)).toEqual(["ch_before", "ch_after"]);
    await jobs.stop();
    await sealer.stop();
    await db.close();
  } finally {
    await server.stop();
  }
});
