import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { redisAvailable } from "../support/redis.ts";
import type { Gateway } from "./gateway-process.ts";
import { until, type World } from "./harness.ts";
import { JUDGED_MS, judge } from "./judge.ts";
import { atEach, gateEvents, metricsAt, providerAt } from "./observed.ts";
import { firstShare, preferStripe, type Sent, startTraffic } from "./steady-traffic.ts";
import { startTcpProxy, type TcpProxy } from "./tcp-proxy.ts";
import { PATIENCE_MS, startTwoGateways } from "./two-gateways.ts";

/** Charges over which a share is taken. */
const RECENT = 60;

describe.skipIf(!redisAvailable())("an instance that alone cannot reach a processor", () => {
  let world: World;
  let proxy: TcpProxy;
  let a: Gateway;
  let b: Gateway;
  beforeAll(async () => {
    const two = await startTwoGateways(async ({ sandbox }) => {
      proxy = await startTcpProxy(sandbox.stripeUrl);
      return { STRIPE_API_BASE: proxy.url };
    });
    world = two.world;
    [a, b] = two.gateways;
  });
  afterAll(async () => {
    await world.close();
    await proxy.close();
  });

  it("keeps it from itself and from nobody else, says so, and returns by itself", { timeout: JUDGED_MS + 3 * PATIENCE_MS }, async () => {
    const asked = await preferStripe(a, "before");
    const traffic = startTraffic({ gateways: [a, b], prefix: "cut-off" });
    /** Waits until the last charges that were sent since the nth went as they should: on a slow machine the first ones may not. */
    const lately = (n: number, asTheyShould: (sent: readonly Sent[]) => boolean) =>
      until(
        () => traffic.toldFrom(n).slice(-RECENT),
        (sent) => sent.length === RECENT && asTheyShould(sent),
        PATIENCE_MS,
      );
    const ofOne = (sent: readonly Sent[], one: Gateway) => sent.filter(({ gateway }) => gateway === one);
    await lately(0, (sent) => firstShare(sent, "stripe") > 0.9);

    await proxy.cut();
    const ill = await until(
      () => providerAt(b, "stripe"),
      ({ breaker }) => breaker.state === "open",
      PATIENCE_MS,
    );
    expect(ill.breaker).toMatchObject({ scope: "instance", reason: expect.stringContaining("seen by this instance alone") });
    const cut = traffic.begun();
    // Only probes of its own still go there.
    await lately(cut, (sent) => firstShare(ofOne(sent, b), "stripe") < 0.3 && firstShare(ofOne(sent, a), "stripe") > 0.9);
    expect((await providerAt(a, "stripe")).breaker).toMatchObject({ state: "closed", scope: "fleet", trips: 0 });
    const alone = async (gateway: Gateway) => (await metricsAt(gateway)).get('switchyard_provider_alone{provider="stripe"}');
    expect([await alone(a), await alone(b)]).toEqual([0, 1]);

    await proxy.mend();
    await until(
      () => atEach([a, b], "stripe"),
      (seen) => seen.every(({ breaker }) => breaker.state === "closed" && breaker.scope === "fleet"),
      PATIENCE_MS,
    );
    const mended = traffic.begun();
    await lately(mended, (sent) => firstShare(sent, "stripe") > 0.5);
    const sent = await traffic.stop();
    asked.push(...sent);
    const { faults, seen } = await judge(world, asked);
    expect(faults).toEqual([]);
    const declined = asked.filter(({ charge }) => charge.status === "failed").length;
    expect(declined).toBe(10);
    expect(seen.succeeded).toBe(asked.length - declined);

    const events = await until(
      () => gateEvents(a, "stripe"),
      (found) => found.at(-1)?.type === "provider.closed",
    );
    expect(new Set(events.filter(({ type }) => type === "provider.opened").map(({ data }) => data.alone))).toEqual(new Set([true]));
    expect(events.filter(({ type }) => type === "provider.closed")).toHaveLength(1);
  });
});
