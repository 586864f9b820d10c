import { afterAll, beforeAll, expect, it } from "vitest";
import { providerNames } from "../../providers/sandbox/fault.ts";
import { type Asked, ask, chargeUntilTold, inParallel } from "./client.ts";
import type { Gateway } from "./gateway-process.ts";
import { startWorld, until, type World } from "./harness.ts";
import { JUDGED_MS, judge } from "./judge.ts";
import { goodBody } from "./storm.ts";

let world: World;
let api: Gateway;
const asked: Asked[] = [];
beforeAll(async () => {
  world = await startWorld({ env: { PROVIDER_TIMEOUT_MS: "8000", CHARGE_BUDGET_MS: "10000" } });
  api = await world.start({ ROLE: "api" });
});
afterAll(() => world.close());

/** Charges sent to the api process, four at a time. */
function charge(prefix: string, numbers: readonly number[]): Promise<Asked[]> {
  return inParallel(numbers, 4, (n) => chargeUntilTold(() => [api.url], { key: `${prefix}-${n}`, body: goodBody(n) }));
}

/** Only the api process answers questions about charges. */
const seenByApi = () => ({ sandbox: world.sandbox, env: world.env, logs: world.logs, urls: () => [api.url] });

it("accepts charges with one process and collects them with another", { timeout: JUDGED_MS }, async () => {
  for (const provider of providerNames) world.sandbox.setFault(provider, { kind: "refuse" });
  asked.push(...(await charge("role", [1, 2, 3, 4, 5, 6, 7, 8])));
  expect(asked.map(({ charge }) => charge.status)).toEqual(asked.map(() => "deferred"));
  world.sandbox.clearFaults();
  await world.sandbox.listening();

  // Nobody collects yet: the api process has no worker.
  const deferred = async () => (await ask<{ count: number }>(api.url, "GET /v1/routing/deferred")).body.count;
  expect(await deferred()).toBe(asked.length);

  const worker = await world.start({ ROLE: "worker" });
  expect((await ask(worker.url, "POST /v1/charges", { key: "not-here", body: goodBody(1) })).status).toBe(404);
  expect((await ask(worker.url, "GET /readyz")).status).toBe(200);
  await until(deferred, (count) => count === 0);
  const { faults, seen } = await judge(seenByApi(), asked);
  expect(faults).toEqual([]);
  expect(seen).toMatchObject({ charges: asked.length, succeeded: asked.length });
});

it("finishes with the worker what the api process was at when it was killed", { timeout: JUDGED_MS }, async () => {
  // The outage before may have left this process's gates half open: it would defer these charges, and there would be nothing to kill.
  await api.kill9();
  api = await world.start({ ROLE: "api" });
  await until(
    async () => (await ask<{ status: string }>(api.url, "GET /status")).body.status,
    (status) => status === "operational",
  );
  for (const provider of providerNames) world.sandbox.setFault(provider, { kind: "slow", operation: "commit", delayMs: 6_000 });
  const commits = () => world.sandbox.requests().filter(({ operation }) => operation === "commit").length;
  const before = commits();
  const cutOff = [101, 102, 103].map((n) => ask(api.url, "POST /v1/charges", { key: `orphan-${n}`, body: goodBody(n) }).catch(() => null));
  await until(commits, (count) => count >= before + cutOff.length);
  await api.kill9();
  expect(await Promise.all(cutOff)).toEqual([null, null, null]);
  world.sandbox.clearFaults();

  api = await world.start({ ROLE: "api" });
  // The worker alone ends them: nobody repeats the requests before that.
  const list = async () => (await ask<{ data: object[] }>(api.url, "GET /v1/charges?status=succeeded&limit=100")).body.data.length;
  await until(list, (count) => count === asked.length + cutOff.length);
  asked.push(...(await charge("orphan", [101, 102, 103])));
  expect((await judge(seenByApi(), asked)).faults).toEqual([]);
});
