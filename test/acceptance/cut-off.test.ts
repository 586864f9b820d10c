import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { redisAvailable } from "../support/redis.ts";
import type { Gateway } from "./gateway-process.ts";
import { until, type World } from "./harness.ts";
import { judge } from "./judge.ts";
import { atEach, gateEvents, metricsAt, providerAt } from "./observed.ts";
import { firstShare, preferStripe, startTraffic } from "./steady-traffic.ts";
import { startTcpProxy, type TcpProxy } from "./tcp-proxy.ts";
import { PATIENCE_MS, startTwoGateways } from "./two-gateways.ts";

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

  it("keeps it from itself and from nobody else, says so, and returns by itself", { timeout: 600_000 }, async () => {
    const asked = await preferStripe(a, "before");
    const traffic = startTraffic({ gateways: [a, b], prefix: "cut-off" });
    const told = (n: number) =>
      until(
        () => traffic.toldFrom(n),
        (sent) => sent.length >= 60,
        PATIENCE_MS,
      );
    expect(firstShare(await told(0), "stripe")).toBeGreaterThan(0.9);

    await proxy.cut();
    const ill = await until(
      () => providerAt(b, "stripe"),
      ({ breaker }) => breaker.state === "open",
      PATIENCE_MS,
    );
    expect(ill.breaker).toMatchObject({ scope: "instance", reason: expect.stringContaining("seen by this instance alone") });
    const cut = traffic.begun();
    const meanwhile = await told(cut);
    // Only probes of its own still go there.
    expect(
      firstShare(
        meanwhile.filter(({ gateway }) => gateway === b),
        "stripe",
      ),
    ).toBeLessThan(0.3);
    expect(
      firstShare(
        meanwhile.filter(({ gateway }) => gateway === a),
        "stripe",
      ),
    ).toBeGreaterThan(0.9);
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
    expect(firstShare(await told(mended), "stripe")).toBeGreaterThan(0.5);
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
