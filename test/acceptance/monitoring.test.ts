import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { parse } from "yaml";
import { ask, type ChargeJson } from "./client.ts";
import { IMPATIENT, startWorld, until, type World } from "./harness.ts";
import { readPromQL } from "./promql.ts";

const DOCS = new URL("../../docs/", import.meta.url);
/** Prometheus makes this one itself, and these labels. */
const OF_PROMETHEUS = { metrics: ["up"], labels: ["job", "instance"] };
const LAYERS = ["infrastructure", "application", "business", "external"];

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string; readonly layer: string };
  readonly annotations: { readonly summary: string; readonly runbook: string };
}

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string }[];
}

let world: World;
let url: string;
let rules: readonly Rule[];
let panels: readonly Panel[];
/** By sample name, every label set that a gateway under traffic showed. */
const samples = new Map<string, Record<string, string>[]>();
beforeAll(async () => {
  const groups = parse(await readFile(new URL("monitoring/alerts.yaml", DOCS), "utf8")).groups as { rules: Rule[] }[];
  rules = groups.flatMap((group) => group.rules);
  panels = (JSON.parse(await readFile(new URL("monitoring/dashboard.json", DOCS), "utf8")) as { panels: Panel[] }).panels;
  world = await startWorld({ redis: true, env: IMPATIENT });
  ({ url } = await world.start());
  const both = { stripe: { payment_method: "pm_1" }, paypal: { vault_id: "v_1" } };
  const pay = (key: string, payment_method: object = both) =>
    ask<ChargeJson>(url, "POST /v1/charges", { key, body: { amount: 4_200, currency: "usd", payment_method } });
  await until(
    () => pay(`paid-${Date.now()}`),
    ({ body }) => body.status === "succeeded",
  );
  await ask(url, "POST /webhooks/stripe", { body: "{}" });
  await until(
    () => scrape(url),
    () => samples.has("switchyard_provider_latency_seconds") && samples.has("switchyard_shared_store_connected"),
  );
  world.sandbox.setFault("stripe", { kind: "hang_after", operation: "commit" });
  for (const operation of ["lookup", "cancel"] as const) world.sandbox.setFault("stripe", { kind: "hang_before", operation });
  await until(
    () => pay(`doubtful-${Date.now()}`, { stripe: { payment_method: "pm_1" } }),
    ({ body }) => body.status === "in_doubt",
  );
  world.sandbox.setFault("stripe", { kind: "refuse" });
  world.sandbox.setFault("paypal", { kind: "refuse" });
  await until(
    () => pay(`deferred-${Date.now()}`),
    ({ body }) => body.status === "deferred",
  );
  await scrape(url);
});
afterAll(() => world.close());

async function scrape(url: string): Promise<void> {
  for (const line of (await ask(url, "GET /metrics")).text.split("\n")) {
    const [, name, labels = ""] = /^(\w+)(?:\{(.*)\})? [-+\w.]+$/.exec(line) ?? [];
    if (name === undefined) continue;
    const of = Object.fromEntries(Array.from(labels.matchAll(/(\w+)="([^"]*)"/g), ([, label, value]) => [label!, value!]));
    samples.set(name, [...(samples.get(name) ?? []), of]);
  }
}

/** What an expression asks for that a gateway does not show. */
function unknown(expression: string): string[] {
  const { selectors, grouping } = readPromQL(expression);
  const known = selectors.filter(({ metric }) => !OF_PROMETHEUS.metrics.includes(metric));
  const hasLabel = (metric: string, label: string) =>
    OF_PROMETHEUS.labels.includes(label) || samples.get(metric)!.some((one) => label in one);
  return known.flatMap(({ metric, labels }) => {
    if (!samples.has(metric)) return [`${metric} is not in /metrics: ${expression}`];
    const missing = Object.keys(labels).filter((label) => !hasLabel(metric, label));
    const value = Object.entries(labels).filter(([label, match]) => hasLabel(metric, label) && !fits(metric, label, match));
    const grouped = grouping.filter((label) => !known.some((one) => samples.has(one.metric) && hasLabel(one.metric, label)));
    return [...missing, ...value.map(([label, match]) => label + match), ...grouped].map(
      (what) => `${metric} has no ${what}: ${expression}`,
    );
  });
}

/** Values that traffic brings may be absent (`status=~"5.."`); those that are counted from 0, and all equalities, must be there. */
function fits(metric: string, label: string, match: string): boolean {
  const [, operator, value = ""] = /^(=~|!~|!=|=)\s*"(.*)"$/.exec(match) ?? [];
  if (OF_PROMETHEUS.labels.includes(label) || operator !== "=") return true;
  return samples.get(metric)!.some((one) => one[label] === value);
}

it("every expression of the alert rules parses, and asks for what a gateway under traffic shows", () => {
  expect(rules.length).toBeGreaterThan(20);
  expect(rules.flatMap(({ expr }) => unknown(expr))).toEqual([]);
});

it("and so does every panel of the dashboard, none of which covers another", () => {
  const expressions = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr.replaceAll("$__rate_interval", "1m")));
  expect(expressions.length).toBeGreaterThan(30);
  expect(expressions.flatMap(unknown)).toEqual([]);
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) => {
    expect(x + w).toBeLessThanOrEqual(24);
    return Array.from({ length: w * h }, (_, index) => `${x + (index % w)}/${y + Math.floor(index / w)}`);
  });
  expect(new Set(cells).size).toBe(cells.length);
});

it("the rules and the dashboard cover the four layers", () => {
  expect([...new Set(rules.map(({ labels }) => labels.layer))]).toEqual(LAYERS);
  for (const { alert, labels } of rules) expect(["page", "ticket"], alert).toContain(labels.severity);
  const rows = panels.filter(({ type }) => type === "row").map(({ title }) => title.toLowerCase());
  for (const layer of LAYERS)
    expect(
      rows.some((title) => title.startsWith(layer)),
      layer,
    ).toBe(true);
});

it("every alert leads to a heading of the runbook", async () => {
  const runbook = await readFile(new URL("runbook.md", DOCS), "utf8");
  const anchors = Array.from(runbook.matchAll(/^## (.+)$/gm), ([, heading]) =>
    heading!
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, "")
      .replaceAll(" ", "-"),
  );
  for (const { alert, annotations } of rules) {
    const [page, anchor] = annotations.runbook.split("#");
    expect([page, anchors.includes(anchor!)], `${alert}: ${anchor}`).toEqual(["docs/runbook.md", true]);
    expect(annotations.summary.length, alert).toBeGreaterThan(10);
  }
  expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
});

it("what is at risk in /metrics is what the charges themselves say", async () => {
  for (const status of ["deferred", "in_doubt"]) {
    const atRisk = async () => {
      const { body } = await ask<{ data: ChargeJson[] }>(url, `GET /v1/charges?status=${status}&limit=100`);
      const { text } = await ask(url, "GET /metrics");
      const [charges, amount] = ["charges", "amount"].map((name) => {
        const sample = new RegExp(`^switchyard_waiting_${name}\\{status="${status}",currency="usd"\\} (\\d+)$`, "m");
        return Number(sample.exec(text)?.[1]);
      });
      return { there: body.data.length, charges, amount };
    };
    // A worker may take one in hand, or give it back, between the two.
    const { there, amount } = await until(atRisk, (seen) => seen.there > 0 && seen.charges === seen.there);
    expect({ status, amount }).toEqual({ status, amount: there * 4_200 });
  }
  expect((await ask(url, "GET /metrics")).text).toMatch(/^switchyard_dead_letters_open\{kind="charge"\} 0$/m);
});

it("a metric that is not there, a label that it has not, and an expression that does not parse are found", () => {
  expect(unknown("switchyard_no_such_metric > 0")).toHaveLength(1);
  expect(unknown('sum by (colour) (switchyard_charges_total{status="refunded"})')).toHaveLength(2);
  expect(() => unknown("sum(switchyard_charges_total))")).toThrow("does not parse");
});
