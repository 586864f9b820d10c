import { Registry } from "prom-client";
import { afterEach, describe, expect, it } from "vitest";
import { registerGauges } from "../../gateway/gauges.ts";
import type { Fleet } from "../../gateway/health/fleet.ts";
import { type Instance, SeveralFleets } from "./health/several-fleets.ts";
import { FAULT, OK, QUERY, SmallFleet } from "./health/small-fleet.ts";

const fleets: Fleet[] = [];
afterEach(() => {
  for (const fleet of fleets.splice(0)) fleet.close();
});

/** One scrape: values by series, without the common beginning of their names. */
function scraping(fleet: Fleet): () => Promise<ReadonlyMap<string, number>> {
  fleets.push(fleet);
  const registry = new Registry();
  registerGauges(registry, { fleet, inFlight: () => 7, clockSkewMs: () => -1_500 });
  return async () => {
    const lines = (await registry.metrics()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
    return new Map(lines.map((line) => line.replace("switchyard_", "").split(" ")).map(([series, value]) => [series!, Number(value)]));
  };
}

const of = (name: string, provider = "a") => `provider_${name}{provider="${provider}"}`;

describe("metrics of a provider", () => {
  it("tell a well one from one that nobody tried", async () => {
    const small = new SmallFleet();
    const scrape = scraping(small.fleet);
    await small.attempt("a", OK, OK);
    small.fleet.recordApproval("a", QUERY.segment, true);
    // Percentiles are computed once a second.
    small.clock.pass(1_000);
    const seen = await scrape();
    expect([
      seen.get(of("state")),
      seen.get(of("available")),
      seen.get(of("alone")),
      seen.get(of("trips")),
      seen.get(of("weight")),
    ]).toEqual([0, 1, 0, 0, 1]);
    expect([seen.get(of("share")), seen.get(of("share", "b"))]).toEqual([1, 0]);
    expect(seen.get(of("fault_rate"))).toBeLessThan(0.02);
    expect(seen.get(of("approval_rate"))).toBeGreaterThan(seen.get(of("approval_rate", "b"))!);
    expect([seen.get(of("attempts_total")), seen.get(of("attempts_total", "b"))]).toEqual([1, 0]);
    for (const quantile of ["0.5", "0.95", "0.99"]) {
      expect(seen.get(`provider_latency_seconds{provider="a",quantile="${quantile}"}`)).toBe(0);
      expect(seen.has(`provider_latency_seconds{provider="b",quantile="${quantile}"}`)).toBe(false);
    }
    expect(seen.get('provider_openings_total{provider="a",scope="fleet"}')).toBe(0);
  });

  it("follow it through an opening, and leave out what nobody knows", async () => {
    const small = new SmallFleet();
    const scrape = scraping(small.fleet);
    expect((await scrape()).has(of("share"))).toBe(false);
    const hung = small.hang("b");
    await small.open("a");
    let seen = await scrape();
    expect([seen.get(of("state")), seen.get(of("available")), seen.get(of("trips")), seen.get(of("weight"))]).toEqual([2, 0, 1, 0]);
    expect(seen.has(of("fault_rate"))).toBe(false);
    expect(seen.get(of("in_flight", "b"))).toBe(1);
    expect(seen.get('provider_openings_total{provider="a",scope="fleet"}')).toBe(1);
    hung.end(OK);
    await hung.ran;
    small.clock.pass(5_000);
    seen = await scrape();
    expect([seen.get(of("state")), seen.get(of("in_flight", "b"))]).toEqual([1, 0]);
    for (let probe = 0; probe < 3; probe++) await small.attempt("a", OK);
    seen = await scrape();
    expect([seen.get(of("state")), seen.get(of("weight"))]).toEqual([0, 0.1]);
    expect(seen.has(of("fault_rate"))).toBe(true);
    // Scraping counts nothing.
    expect([seen.get('provider_openings_total{provider="a",scope="fleet"}'), seen.get(of("attempts_total"))]).toEqual([1, 7]);
  });
});

describe("metrics of the fleet", () => {
  it("tell how many instances live, whether their store answers, and which of them is alone", async () => {
    const several = new SeveralFleets(2);
    const [one, two] = several.instances as [Instance, Instance];
    const [first, second] = [scraping(one.fleet), scraping(two.fleet)];
    expect((await first()).get("shared_store_connected")).toBe(0);
    await several.pass(300);
    for (let i = 0; i < 3; i++) await several.attempt(two, "a", OK);
    await several.pass(300);
    for (let i = 0; i < 4; i++) await several.attempt(one, "a", FAULT);
    await several.pass(300);
    const [ill, well] = [await first(), await second()];
    for (const seen of [ill, well]) {
      expect([seen.get("instances"), seen.get("shared_store_connected"), seen.get("shared_store_failures_total")]).toEqual([2, 1, 0]);
    }
    expect([ill.get(of("alone")), well.get(of("alone"))]).toEqual([1, 0]);
    expect([
      ill.get('provider_openings_total{provider="a",scope="instance"}'),
      ill.get('provider_openings_total{provider="a",scope="fleet"}'),
    ]).toEqual([1, 0]);

    several.store.cutOff(one.documents);
    await several.pass(600);
    const away = await first();
    expect(away.get("shared_store_connected")).toBe(0);
    expect(away.get("shared_store_failures_total")).toBeGreaterThan(0);
  });

  it("say nothing of a store where there is none", async () => {
    const seen = await scraping(new SmallFleet().fleet)();
    expect(seen.has("shared_store_connected")).toBe(false);
    expect([seen.get("instances"), seen.get("shared_store_failures_total")]).toEqual([1, 0]);
  });
});

it("the instance's own numbers are in the units that their names say", async () => {
  const seen = await scraping(new SmallFleet().fleet)();
  expect([seen.get("requests_in_flight"), seen.get("clock_skew_seconds")]).toEqual([7, -1.5]);
});
