import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import type { Core } from "../../../../gateway/charges/core.ts";
import { drainGrant } from "../../../../gateway/queue/drain.ts";
import { acceptCharges } from "../../../../gateway/store/accept-charges.ts";
import type { Database } from "../../../../gateway/store/database.ts";
import { readPace } from "../../../../gateway/store/drain-pace.ts";
import { type DrainPace, MIN_START_PER_S } from "../../../../routing/drain-pace.ts";
import { acceptance, NOW } from "./rows.ts";
import { openStage, type Session, type Stage } from "./sessions.ts";

let stage: Stage;
let a: Session;
let b: Session;
let first: { granted_at: Date; state: object } | undefined;
beforeAll(async () => {
  stage = await openStage();
  [a, b] = await Promise.all([stage.session(), stage.session()]);
  [first] = await stage.rows("select granted_at, state from drain_pace");
  await acceptCharges(stage.db, [acceptance({ status: "deferred" })]);
});
beforeEach(() => stage.rows("update drain_pace set granted_at = $1, state = $2", first?.granted_at, JSON.stringify(first?.state)));
afterEach(() => stage.rest());
afterAll(() => stage.close());

/** What a worker may drain at `now`, with one provider that can be used. */
function grant(db: Database, now = NOW): Promise<number> {
  const core = { db, clock: { now: () => now.getTime() }, fleet: { available: () => ["stripe"] } };
  return drainGrant(core as unknown as Core, { calls: 0, faults: 0 }, 0);
}

it("grants a second's charges to one of two workers that ask at the same moment", async () => {
  const open = await stage.hold(a, (db) => grant(db));
  const late = grant(b.db);
  await stage.waits(late, b, a);
  await open.commit();
  expect([open.result, await late]).toEqual([MIN_START_PER_S, 0]);
});

it("grants them to the second worker if the first is rolled back", async () => {
  const open = await stage.hold(a, (db) => grant(db));
  const late = grant(b.db);
  await stage.waits(late, b, a);
  await open.rollback();
  expect([open.result, await late]).toEqual([MIN_START_PER_S, MIN_START_PER_S]);
  expect(await readPace<DrainPace>(stage.db)).toMatchObject({ grantedAt: NOW, state: { ratePerS: MIN_START_PER_S } });
});

it("never grants more than the pace to eight workers that ask all the time", async () => {
  const workers = await Promise.all(Array.from({ length: 8 }, () => stage.session()));
  await grant(stage.db);
  const stepMs = 100;
  const seconds = 4;
  // The clocks of the workers are not in step, as those of machines are not.
  const granted = await Promise.all(
    workers.map(async ({ db }, i) => {
      let sum = 0;
      for (let ms = i; ms <= seconds * 1_000; ms += stepMs) sum += await grant(db, new Date(NOW.getTime() + ms));
      return sum;
    }),
  );
  const { state } = await readPace<DrainPace>(stage.db);
  expect(state).toMatchObject({ ratePerS: MIN_START_PER_S });
  const grantedMs = (state.grantedAt ?? 0) - NOW.getTime();
  expect(grantedMs).toBeLessThanOrEqual(seconds * 1_000);
  const sum = granted.reduce((total, one) => total + one, 0);
  expect(sum).toBeGreaterThan(0);
  expect(sum).toBeLessThanOrEqual((MIN_START_PER_S * grantedMs) / 1_000);
});
