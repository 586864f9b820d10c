import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { CHARGE_STATUSES } from "../../../../gateway/charges/charge.ts";
import type { ChargeId } from "../../../../gateway/ids.ts";
import { acceptCharges } from "../../../../gateway/store/accept-charges.ts";
import {
  type Claim,
  claimDeferred,
  claimDue,
  claimExpired,
  claimOne,
  hintCharge,
  releaseClaim,
} from "../../../../gateway/store/claim-charges.ts";
import type { Database } from "../../../../gateway/store/database.ts";
import { writeTransitions } from "../../../../gateway/store/write-transitions.ts";
import { acceptance, at, NOW, succeeded, transition } from "./rows.ts";
import { openStage, type Session, type Stage } from "./sessions.ts";

let stage: Stage;
let a: Session;
let b: Session;
beforeAll(async () => {
  stage = await openStage();
  [a, b] = await Promise.all([stage.session(), stage.session()]);
});
afterEach(async () => {
  await stage.rest();
  await stage.rows("update charges set next_action_at = null, lease_until = null, status = 'failed' where amount_captured = 0");
});
afterAll(() => stage.close());

const ids = (claims: readonly Claim[]): string[] => claims.map(({ id }) => id).sort();
const turn = { now: NOW, leaseUntil: at(30) };

/** Charges of crashed holders of the lease 1, the longest due first. */
async function crashed(count: number): Promise<string[]> {
  const rows = Array.from({ length: count }, (_, i) => {
    const due = at(i - 1_000).toISOString();
    return acceptance({ lease_until: due, next_action_at: due });
  });
  await acceptCharges(stage.db, rows);
  return rows.map(({ id }) => id);
}

async function deferred(count: number): Promise<string[]> {
  const rows = Array.from({ length: count }, () => acceptance({ status: "deferred" }));
  await acceptCharges(stage.db, rows);
  return rows.map(({ id }) => id);
}

const usable = [{ provider: "stripe", currencies: null }];
const KINDS: readonly [string, (count: number) => Promise<string[]>, (db: Database, limit: number, now?: Date) => Promise<Claim[]>][] = [
  ["claim_due", crashed, (db, limit) => claimDue(db, { ...turn, limit })],
  ["claim_deferred", deferred, (db, limit) => claimDeferred(db, { ...turn, limit, usable })],
  ["claim_expired", deferred, (db, limit) => claimExpired(db, { now: at(7_200), leaseUntil: at(7_230), limit })],
];

describe.each(KINDS)("two workers at %s", (_, make, claim) => {
  it("take no row twice and leave none: the second passes over what the first has, without waiting", async () => {
    const all = await make(5);
    const open = await stage.hold(a, (db) => claim(db, 3));
    const second = await stage.passes(claim(b.db, 10), b);
    await open.commit();
    expect(open.result).toHaveLength(3);
    expect([...ids(open.result), ...ids(second)].sort()).toEqual(all);
    expect([...open.result, ...second].every(({ leaseNo }) => leaseNo === 2)).toBe(true);
    expect(await claim(b.db, 10)).toEqual([]);
  });

  it("lose nothing when the first one's claim is rolled back", async () => {
    const all = await make(4);
    const open = await stage.hold(a, (db) => claim(db, 3));
    const second = await stage.passes(claim(b.db, 10), b);
    await open.rollback();
    const third = await claim(b.db, 10);
    expect([second.length, third.length]).toEqual([1, 3]);
    expect([...ids(second), ...ids(third)].sort()).toEqual(all);
    expect([...second, ...third].every(({ leaseNo }) => leaseNo === 2)).toBe(true);
  });

  it("share a backlog out between eight of them, each row once", async () => {
    const all = await make(200);
    const workers = await Promise.all(Array.from({ length: 8 }, () => stage.session()));
    const taken = await Promise.all(
      workers.map(async ({ db }) => {
        const mine: Claim[] = [];
        for (;;) {
          const some = await claim(db, 7);
          if (some.length > 7) throw new Error(`${some.length} of at most 7`);
          mine.push(...some);
          // Nothing may also mean that others hold what is left: what they hold, they take.
          if (some.length === 0) return mine;
        }
      }),
    );
    expect(ids(taken.flat())).toEqual(all);
  });
});

describe("a claim while the old holder of the lease writes", () => {
  const one = (db: Database, id: string) => claimOne(db, { ...turn, id: id as ChargeId, accountId: null, statuses: CHARGE_STATUSES });
  const onlyUnfinished = (db: Database, id: string) =>
    claimOne(db, { ...turn, id: id as ChargeId, accountId: null, statuses: ["processing"] });
  const stateOf = async (id: string) => (await stage.rows("select status, lease_no, amount_captured from charges where id = $1", id))[0];
  const eventsOf = async (id: string) =>
    (await stage.rows<{ type: string }>("select type from events where charge_id = $1 order by id", id)).map(({ type }) => type);

  it("passes over it among the due, and finds its end", async () => {
    const [id = ""] = await crashed(1);
    const open = await stage.hold(a, (db) => writeTransitions(db, [succeeded(id)]));
    expect(await stage.passes(claimDue(b.db, { ...turn, limit: 10 }), b)).toEqual([]);
    await open.commit();
    expect(open.result).toEqual([true]);
    expect(await claimDue(b.db, { ...turn, limit: 10 })).toEqual([]);
    expect(await stateOf(id)).toEqual({ status: "succeeded", lease_no: 1, amount_captured: 4200n });
  });

  it("by name waits, and sees its result: what is finished is not claimed", async () => {
    const [id = ""] = await crashed(1);
    const open = await stage.hold(a, (db) => writeTransitions(db, [succeeded(id)]));
    const late = onlyUnfinished(b.db, id);
    await stage.waits(late, b, a);
    await open.commit();
    expect(await late).toBeNull();
    expect(await stateOf(id)).toEqual({ status: "succeeded", lease_no: 1, amount_captured: 4200n });
  });

  it("by name waits, and claims the result, not what was there before", async () => {
    const [id = ""] = await crashed(1);
    const open = await stage.hold(a, (db) => writeTransitions(db, [succeeded(id)]));
    const late = one(b.db, id);
    await stage.waits(late, b, a);
    await open.commit();
    expect(await late).toEqual({ id, leaseNo: 2 });
    expect(await stateOf(id)).toEqual({ status: "succeeded", lease_no: 2, amount_captured: 4200n });
    expect(await stage.rows("select next_action_at from charges where id = $1", id)).toEqual([{ next_action_at: null }]);
  });

  it("by name waits, and does not claim what the writer goes on with", async () => {
    const [id = ""] = await crashed(1);
    const open = await stage.hold(a, (db) => writeTransitions(db, [transition(id)]));
    const late = one(b.db, id);
    await stage.waits(late, b, a);
    await open.commit();
    expect(await late).toBeNull();
  });

  it("by name waits, and claims it if the writer is rolled back", async () => {
    const [id = ""] = await crashed(1);
    const open = await stage.hold(a, (db) => writeTransitions(db, [succeeded(id)]));
    const late = one(b.db, id);
    await stage.waits(late, b, a);
    await open.rollback();
    expect(await late).toEqual({ id, leaseNo: 2 });
    expect(await stateOf(id)).toEqual({ status: "processing", lease_no: 2, amount_captured: 0n });
    expect(await eventsOf(id)).toEqual(["attempt.started"]);
  });

  it.each([
    ["among the due", async (db: Database, _id: string) => (await claimDue(db, { ...turn, limit: 10 }))[0] ?? null],
    ["by name", one],
  ])("that came first, %s: the old holder waits, then writes nothing, not even an event", async (_, claim) => {
    const [id = ""] = await crashed(1);
    const open = await stage.hold(a, (db) => claim(db, id));
    expect(open.result).toEqual({ id, leaseNo: 2 });
    const late = writeTransitions(b.db, [succeeded(id)]);
    await stage.waits(late, b, a);
    await open.commit();
    expect(await late).toEqual([false]);
    expect(await stateOf(id)).toEqual({ status: "processing", lease_no: 2, amount_captured: 0n });
    expect(await eventsOf(id)).toEqual(["attempt.started"]);
    expect(await stage.rows("select live, outcome from attempts where charge_id = $1", id)).toEqual([{ live: true, outcome: null }]);
  });

  it("that is rolled back lets the old holder write", async () => {
    const [id = ""] = await crashed(1);
    const open = await stage.hold(a, (db) => one(db, id));
    const late = writeTransitions(b.db, [succeeded(id)]);
    await stage.waits(late, b, a);
    await open.rollback();
    expect(await late).toEqual([true]);
    expect(await eventsOf(id)).toEqual(["attempt.started", "charge.succeeded"]);
  });

  it("two claims by name: the second waits, and is told that somebody is at it", async () => {
    const [id = ""] = await crashed(1);
    const open = await stage.hold(a, (db) => one(db, id));
    const late = one(b.db, id);
    await stage.waits(late, b, a);
    await open.commit();
    expect([open.result, await late]).toEqual([{ id, leaseNo: 2 }, null]);
  });
});

describe("a lease given back while its holder's last write is on its way", () => {
  const held = (id: string) => ({ id: id as ChargeId, leaseNo: 1 });
  const dueOf = async (id: string) => (await stage.rows("select status, lease_until, next_action_at from charges where id = $1", id))[0];

  it("changes nothing once the write is committed", async () => {
    const [id = ""] = await crashed(1);
    const open = await stage.hold(a, (db) =>
      writeTransitions(db, [transition(id, { status: "in_doubt", lease_until: null, next_action_at: at(600).toISOString() })]),
    );
    const late = releaseClaim(b.db, held(id), NOW);
    await stage.waits(late, b, a);
    await open.commit();
    await late;
    expect(await dueOf(id)).toEqual({ status: "in_doubt", lease_until: null, next_action_at: at(600) });
  });

  it("makes the charge due at once if the write is rolled back", async () => {
    const [id = ""] = await crashed(1);
    const open = await stage.hold(a, (db) => writeTransitions(db, [succeeded(id)]));
    const late = releaseClaim(b.db, held(id), NOW);
    await stage.waits(late, b, a);
    await open.rollback();
    await late;
    expect(await dueOf(id)).toEqual({ status: "processing", lease_until: null, next_action_at: NOW });
  });

  it("is nobody's business any more once another one has claimed", async () => {
    const [id = ""] = await crashed(1);
    const open = await stage.hold(a, (db) => claimDue(db, { ...turn, limit: 1 }));
    const late = releaseClaim(b.db, held(id), NOW);
    await stage.waits(late, b, a);
    await open.commit();
    await late;
    expect(await dueOf(id)).toEqual({ status: "processing", lease_until: at(30), next_action_at: at(30) });
  });
});

describe("a hint while the holder writes", () => {
  const dueOf = async (id: string) => (await stage.rows("select status, next_action_at from charges where id = $1", id))[0];

  it("makes a doubt due that is just being written", async () => {
    const charge = acceptance();
    await acceptCharges(stage.db, [charge]);
    const doubt = { status: "in_doubt", lease_until: null, next_action_at: at(3_600).toISOString() } as const;
    const open = await stage.hold(a, (db) => writeTransitions(db, [transition(charge.id, doubt)]));
    const late = hintCharge(b.db, charge.id as ChargeId, NOW);
    await stage.waits(late, b, a);
    await open.commit();
    await late;
    expect(await dueOf(charge.id)).toEqual({ status: "in_doubt", next_action_at: NOW });
  });

  it("that came before the write stays due: who wrote it had asked before", async () => {
    const [doubted, ended] = [acceptance(), acceptance()];
    await acceptCharges(stage.db, [doubted, ended]);
    const open = await stage.hold(a, async (db) => {
      for (const { id } of [doubted, ended]) await hintCharge(db, id as ChargeId, NOW);
    });
    const doubt = { status: "in_doubt", lease_until: null, next_action_at: at(3_600).toISOString() } as const;
    const late = writeTransitions(b.db, [transition(doubted.id, doubt), succeeded(ended.id)]);
    await stage.waits(late, b, a);
    await open.commit();
    expect(await late).toEqual([true, true]);
    expect(await dueOf(doubted.id)).toEqual({ status: "in_doubt", next_action_at: NOW });
    expect(await dueOf(ended.id)).toEqual({ status: "succeeded", next_action_at: null });
  });

  it("leaves alone what has come to its end", async () => {
    const charge = acceptance();
    await acceptCharges(stage.db, [charge]);
    const open = await stage.hold(a, (db) => writeTransitions(db, [succeeded(charge.id)]));
    const late = hintCharge(b.db, charge.id as ChargeId, NOW);
    await stage.waits(late, b, a);
    await open.commit();
    await late;
    expect(await dueOf(charge.id)).toEqual({ status: "succeeded", next_action_at: null });
  });
});
