import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { redisAvailable } from "../support/redis.ts";
import type { Gateway } from "./gateway-process.ts";
import { until, type World } from "./harness.ts";
import { JUDGED_MS, judge } from "./judge.ts";
import { atEach, metricsAt } from "./observed.ts";
import { startTraffic } from "./steady-traffic.ts";
import { PATIENCE_MS, startTwoGateways } from "./two-gateways.ts";

/** Between the clock of the gateways' answers and this test's reading of them. */
const TOLERANCE_MS = 1_500;

describe.skipIf(!redisAvailable())("Redis that stops in the middle of an outage", () => {
  let world: World;
  let gateways: readonly Gateway[];
  beforeAll(async () => {
    ({ world, gateways } = await startTwoGateways());
  });
  afterAll(() => world.close());

  const stripe = () => atEach(gateways, "stripe");
  const connectedAt = async (gateway: Gateway) => (await metricsAt(gateway)).get("switchyard_shared_store_connected");

  it("holds up no charge, opens no gate to the sick before its time, and brings the instances together again", {
    timeout: JUDGED_MS + 3 * PATIENCE_MS,
  }, async () => {
    const traffic = startTraffic({ gateways, prefix: "no-redis" });
    world.sandbox.setFault("stripe", { kind: "refuse" });
    const opened = await until(stripe, (seen) => seen.every(({ breaker }) => breaker.state === "open"), PATIENCE_MS);
    await world.redis.kill9();

    const gone = traffic.begun();
    const until1 = opened.map(({ breaker }) => Date.parse(breaker.open_until!));
    await until(
      async () => {
        const seen = await stripe();
        const now = Date.now();
        for (const [i, { breaker }] of seen.entries()) {
          // Closed would be a customer's charge sent to a processor that is away.
          expect(breaker.state).not.toBe("closed");
          if (breaker.state === "half_open") expect(now).toBeGreaterThan(until1[i]! - TOLERANCE_MS);
          if (breaker.state === "open") until1[i] = Date.parse(breaker.open_until!);
        }
        return traffic.toldFrom(gone);
      },
      (sent) => sent.length >= 80,
      PATIENCE_MS,
    );
    for (const gateway of gateways) expect(await connectedAt(gateway)).toBe(0);
    expect(traffic.toldFrom(gone).map(({ asked }) => asked.charge.status)).toEqual(traffic.toldFrom(gone).map(() => "succeeded"));

    await world.redis.restart();
    // Each for itself: on a loaded machine an exchange is lost now and then.
    for (const gateway of gateways)
      await until(
        () => connectedAt(gateway),
        (value) => value === 1,
        PATIENCE_MS,
      );
    // The same opening on both: it began at the same moment.
    await until(
      stripe,
      ([one, other]) =>
        one!.breaker.state === other!.breaker.state &&
        one!.breaker.scope === "fleet" &&
        other!.breaker.scope === "fleet" &&
        Math.abs(Date.parse(one!.breaker.since) - Date.parse(other!.breaker.since)) < TOLERANCE_MS,
      PATIENCE_MS,
    );
    expect((await stripe()).map(({ breaker }) => breaker.state)).not.toContain("closed");

    world.sandbox.clearFaults("stripe");
    await world.sandbox.listening();
    await until(stripe, (seen) => seen.every(({ breaker }) => breaker.state === "closed" && breaker.scope === "fleet"), PATIENCE_MS);
    const asked = await traffic.stop();
    const { faults, seen } = await judge(world, asked);
    expect(faults).toEqual([]);
    expect(seen.succeeded).toBe(asked.length);
  });
});
