import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { redisAvailable } from "../support/redis.ts";
import { ask } from "./client.ts";
import type { Gateway } from "./gateway-process.ts";
import { until, type World } from "./harness.ts";
import { JUDGED_MS, judge } from "./judge.ts";
import { atEach, gateEvents, metricsAt } from "./observed.ts";
import { firstShare, startTraffic, type Traffic } from "./steady-traffic.ts";
import { PATIENCE_MS, startTwoGateways } from "./two-gateways.ts";

/** Charges over which a share is taken. */
const RECENT = 40;
/** By how much a rate may differ, and by how much more when all outcomes behind it are forgotten, as they are while an outage lasts. */
const DRIFT = 0.04;
const FORGOTTEN = 0.2;

describe.skipIf(!redisAvailable())("health and approval are two signals", () => {
  let world: World;
  let gateways: readonly Gateway[];
  let traffic: Traffic;
  beforeAll(async () => {
    ({ world, gateways } = await startTwoGateways());
  });
  afterAll(() => world.close());

  const recent = () => traffic.toldFrom(0).slice(-RECENT);
  const approvals = async (id: string) => (await atEach(gateways, id)).map(({ approval }) => approval);
  const rates = async (id: string) => (await approvals(id)).map(({ rate }) => rate);

  it("a wave of declines moves the charges to another processor and opens no breaker", { timeout: 4 * PATIENCE_MS }, async () => {
    traffic = startTraffic({ gateways, prefix: "wave" });
    await until(
      () => traffic.toldFrom(0).length,
      (count) => count >= 2 * RECENT && firstShare(recent(), "stripe") > 0.9,
      PATIENCE_MS,
    );
    const [before = 0] = await rates("stripe");
    world.sandbox.setFault("stripe", { kind: "decline", probability: 0.6, code: "do_not_honor" });
    await until(
      () => firstShare(recent(), "stripe"),
      (share) => share < 0.1,
      PATIENCE_MS,
    );
    for (const rate of await until(
      () => rates("stripe"),
      (seen) => seen.every((rate) => rate < before),
      PATIENCE_MS,
    ))
      expect(rate).toBeLessThan(before);
    world.sandbox.clearFaults("stripe");
    for (const { health, breaker } of await atEach(gateways, "stripe")) {
      expect({ health, ...breaker }).toMatchObject({ health: "up", state: "closed", trips: 0, weight: 1 });
    }
    for (const gateway of gateways) {
      expect((await metricsAt(gateway)).get('switchyard_provider_openings_total{provider="stripe",scope="fleet"}')).toBe(0);
    }
    expect(await gateEvents(gateways[0]!, "stripe")).toEqual([]);
  });

  it("an outage opens the breaker and leaves the approval rate as it was", { timeout: JUDGED_MS + 3 * PATIENCE_MS }, async () => {
    await until(
      () => firstShare(recent(), "paypal"),
      (share) => share > 0.9,
      PATIENCE_MS,
    );
    const before = await approvals("paypal");
    const asItWas = async () => {
      for (const [i, { rate, outcomes }] of (await approvals("paypal")).entries()) {
        const forgotten = Math.max(0, 1 - outcomes / before[i]!.outcomes);
        expect(Math.abs(rate - before[i]!.rate)).toBeLessThan(DRIFT + FORGOTTEN * forgotten);
      }
    };
    // Where another processor is about as good, the first faults already send everybody there, and no gate has to open.
    const path = "/v1/providers/stripe/override";
    await ask(gateways[0]!.url, `PUT ${path}`, { body: { mode: "drain", reason: "test" } });
    world.sandbox.setFault("paypal", { kind: "refuse" });
    await until(
      () => atEach(gateways, "paypal"),
      (seen) => seen.every(({ breaker }) => breaker.trips >= 1),
      PATIENCE_MS,
    );
    await ask(gateways[0]!.url, `DELETE ${path}`);
    await until(
      () => firstShare(recent(), "stripe"),
      (share) => share > 0.9,
      PATIENCE_MS,
    );
    await asItWas();
    world.sandbox.clearFaults("paypal");
    await world.sandbox.listening();
    await until(
      () => atEach(gateways, "paypal"),
      (seen) => seen.every(({ breaker }) => breaker.state === "closed"),
      PATIENCE_MS,
    );
    await asItWas();
    expect((await judge(world, await traffic.stop())).faults).toEqual([]);
  });
});
