import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ProviderStatus } from "../../../gateway/health/provider-status.ts";
import { type ReachabilityWatch, watchReachability } from "../../../gateway/health/reachability.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { openTrail, type Trail } from "../trail/trail-fixture.ts";
import { SmallFleet } from "./small-fleet.ts";

let trail: Trail;
let clock: ManualClock;

beforeEach(async () => {
  trail = await openTrail();
  clock = new ManualClock();
});
afterEach(() => trail.close());

type Health = ProviderStatus["health"];

/** An instance that finds its providers in this state. */
class Instance {
  health: Health[] = ["up", "up"];
  alone = false;
  trusted = true;
  readonly watch: ReachabilityWatch;

  constructor() {
    const status = () =>
      this.health.map(
        (health, i) =>
          ({
            provider: `p${i}`,
            health,
            why: health === "up" ? null : "its gate is open",
            circuit: { alone: this.alone },
          }) as ProviderStatus,
      );
    this.watch = watchReachability({ db: trail.db, clock, fleet: { status }, trusted: () => this.trusted });
  }
}

async function pass(seconds: number, ...instances: Instance[]): Promise<void> {
  for (let i = 0; i < seconds; i++) {
    clock.pass(1_000);
    await Promise.all(instances.map(({ watch }) => watch.look()));
  }
}

const told = async () =>
  (
    await trail.db.query<{ type: string; data: object }>({
      name: "told",
      text: "select type, data from events where type like 'routing.%' order by id",
    })
  ).map(({ type, data }) => ({ type, ...data }));

const DOWN: Health[] = ["unavailable", "unavailable"];
const UP: Health[] = ["unavailable", "up"];

test("an outage of all providers is told once for the fleet, and so is its end", async () => {
  const [a, b, c] = [new Instance(), new Instance(), new Instance()];
  await pass(20, a, b, c);
  for (const one of [a, b, c]) one.health = DOWN;
  await pass(60, a, b, c);
  const down = { type: "routing.all_down", reasons: { p0: "its gate is open", p1: "its gate is open" } };
  expect(await told()).toEqual([down]);
  for (const one of [a, b, c]) one.health = UP;
  await pass(60, a, b, c);
  expect(await told()).toEqual([down, { type: "routing.recovered", providers: ["p1"], down_for_seconds: expect.any(Number) }]);
});

test("one that comes and goes makes one alarm, and no end before it works for ten seconds", async () => {
  const one = new Instance();
  one.health = DOWN;
  await pass(15, one);
  for (let i = 0; i < 10; i++) {
    one.health = UP;
    await pass(8, one);
    one.health = DOWN;
    await pass(8, one);
  }
  expect((await told()).map(({ type }) => type)).toEqual(["routing.all_down"]);
  one.health = UP;
  await pass(12, one);
  expect((await told()).map(({ type }) => type)).toEqual(["routing.all_down", "routing.recovered"]);
});

describe("no alarm", () => {
  test("when one instance alone finds none: another one can use some", async () => {
    const [cut, healthy] = [new Instance(), new Instance()];
    cut.health = DOWN;
    await pass(300, cut, healthy);
    expect(await told()).toEqual([]);
  });

  test("when an instance knows that it alone finds them ill", async () => {
    const one = new Instance();
    one.health = DOWN;
    one.alone = true;
    await pass(60, one);
    expect(await told()).toEqual([]);
  });

  test("for a moment, as at a start", async () => {
    const one = new Instance();
    one.health = DOWN;
    await pass(4, one);
    one.health = ["up", "up"];
    await pass(60, one);
    expect(await told()).toEqual([]);
  });

  test("by an instance whose clock is off", async () => {
    const one = new Instance();
    one.health = DOWN;
    one.trusted = false;
    await pass(60, one);
    expect(await told()).toEqual([]);
  });
});

test("a provider that is only tested does not end an outage", async () => {
  const one = new Instance();
  one.health = DOWN;
  await pass(15, one);
  one.health = ["testing", "unavailable"];
  await pass(60, one);
  expect((await told()).map(({ type }) => type)).toEqual(["routing.all_down"]);
});

test("gates that open by faults are such an outage", async () => {
  const small = new SmallFleet();
  const watch = watchReachability({ db: trail.db, clock: small.clock, fleet: small.fleet, trusted: () => true });
  await small.open("a");
  await small.open("b");
  for (let i = 0; i < 15; i++) {
    small.clock.pass(1_000);
    await watch.look();
  }
  expect(await told()).toMatchObject([{ type: "routing.all_down", reasons: { a: expect.any(String), b: expect.any(String) } }]);
  small.fleet.close();
});
