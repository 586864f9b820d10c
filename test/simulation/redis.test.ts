import { expect, it } from "vitest";
import { keyClaims } from "../../gateway/idempotency/key-claims.ts";
import { VirtualTime } from "../contract/virtual-time.ts";
import { SimulatedRedis } from "./redis.ts";

const TTL_MS = 25_000;

function instances() {
  const time = new VirtualTime();
  const redis = new SimulatedRedis(time.world, time.weather);
  const claimsOf = (name: string) => {
    const machine = time.start(name);
    const claims = keyClaims({ redis: redis.client(machine), installationId: "moods", ttlMs: TTL_MS, clock: machine.clock });
    return (key: string) => time.settled(claims.take("acct_1", key));
  };
  return { time, here: claimsOf("here"), elsewhere: claimsOf("elsewhere"), third: claimsOf("third") };
}

it("after a failover the newest claims are gone, and what was just released is taken again", async () => {
  const { time, here, elsewhere, third } = instances();
  const release = await here("old");
  // The replica of this seed had seen it by then.
  await time.pause(TTL_MS - 1_000);
  release?.();
  await here("new");
  expect(await elsewhere("new")).toBeNull();
  time.weather.redis = "stale";
  expect(await elsewhere("old")).toBeNull();
  time.weather.redis = "well";
  expect(await elsewhere("new")).toBeTypeOf("function");
  await time.pause(1_001);
  expect(await third("old")).toBeTypeOf("function");
});

it("what is slow is believed within the product's patience, and passed over beyond it", async () => {
  const { time, here, elsewhere } = instances();
  time.weather.redis = "slow";
  const { clock } = time.machine;
  const waits: number[] = [];
  for (let i = 0; i < 40; i += 1) {
    const startedAt = clock.monotonic();
    expect(await here(`slow-${i}`)).toBeTypeOf("function");
    waits.push(clock.monotonic() - startedAt);
  }
  expect(waits.some((ms) => ms < 90)).toBe(true);
  expect(waits.filter((ms) => ms > 99 && ms < 101).length).toBeGreaterThan(5);
  // What was given up may have been executed all the same.
  await time.pause(1_000);
  time.weather.redis = "well";
  for (let i = 0; i < 40; i += 1) expect(await elsewhere(`slow-${i}`)).toBeNull();
});
