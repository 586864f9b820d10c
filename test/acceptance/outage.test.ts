import { afterAll, beforeAll, expect, it } from "vitest";
import { type Asked, allCharges, ask, type ChargeJson, chargeUntilTold, readCharge } from "./client.ts";
import { startWorld, until, type World } from "./harness.ts";
import { JUDGED_MS, judge } from "./judge.ts";
import { goodBody } from "./storm.ts";

let world: World;
let url: string;
const asked: Asked[] = [];
beforeAll(async () => {
  world = await startWorld();
  ({ url } = await world.start());
});
afterAll(() => world.close());

const BOTH = { stripe: { payment_method: "pm_card_visa" }, paypal: { vault_id: "vault-1" } };

async function charge(key: string, more: Record<string, unknown>): Promise<ChargeJson> {
  const body = { amount: 4200, currency: "usd", payment_method: BOTH, ...more };
  const told = await chargeUntilTold(world.urls, { key, body });
  asked.push(told);
  return told.charge;
}

function down(): void {
  for (const provider of ["stripe", "paypal"] as const) world.sandbox.setFault(provider, { kind: "refuse" });
}

async function up(...providers: ("stripe" | "paypal")[]): Promise<void> {
  for (const provider of providers) world.sandbox.clearFaults(provider);
  await world.sandbox.listening();
}

function isOver({ status }: ChargeJson): boolean {
  return ["succeeded", "failed", "canceled"].includes(status);
}

interface Summary {
  readonly count: number;
  readonly data: readonly { readonly currency: string; readonly count: number; readonly amount: number; readonly stuck: number }[];
}
const summary = async (): Promise<Summary> => (await ask<Summary>(url, "GET /v1/routing/deferred")).body;

it("keeps charges while both processors are down, and collects them by the one that comes back", { timeout: JUDGED_MS }, async () => {
  down();
  const kept: ChargeJson[] = [];
  for (let n = 0; n < 12; n += 1) {
    kept.push(await charge(`kept-${n}`, { amount: 1_000 + n, currency: n % 3 === 0 ? "eur" : "usd" }));
  }
  const onlyStripe = await charge("only-stripe", { amount: 5_555, payment_method: { stripe: BOTH.stripe } });
  expect([...kept, onlyStripe].map(({ status }) => status)).toEqual(Array.from({ length: 13 }, () => "deferred"));
  expect(world.sandbox.ledger()).toEqual([]);
  // What is only being tested is no outage to who asks for the first time: the test fails.
  await until(
    async () => (await ask<{ status: string }>(url, "GET /status")).body.status,
    (status) => status === "outage",
  );
  // A worker may be at one of them at this moment.
  expect(await until(summary, ({ count }) => count === 13)).toMatchObject({
    count: 13,
    data: [
      { currency: "eur", count: 4, amount: 4 * 1_000 + (0 + 3 + 6 + 9), stuck: 0 },
      { currency: "usd", count: 9, amount: 8 * 1_000 + (1 + 2 + 4 + 5 + 7 + 8 + 10 + 11) + 5_555, stuck: 0 },
    ],
  });

  await up("paypal");
  for (const { id } of kept) {
    const taken = await until(() => readCharge(url, id), isOver);
    expect(taken).toMatchObject({ status: "succeeded", provider: "paypal" });
  }
  // Tried in vain now and then, it waits again.
  await until(
    () => readCharge(url, onlyStripe.id),
    ({ status }) => status === "deferred",
  );
  await until(summary, ({ count }) => count === 1);

  await up("stripe");
  const collected = await until(() => readCharge(url, onlyStripe.id), isOver);
  expect(collected).toMatchObject({ status: "succeeded", provider: "stripe", amount_captured: 5_555 });
  expect((await judge(world, asked)).faults).toEqual([]);
});

it("never collects a charge that was withdrawn while it was deferred", { timeout: JUDGED_MS }, async () => {
  down();
  const withdrawn = await charge("withdrawn", { amount: 777 });
  const other = await charge("not-withdrawn", { amount: 778 });
  expect([withdrawn.status, other.status]).toEqual(["deferred", "deferred"]);
  const cancel = () => ask<ChargeJson>(url, `POST /v1/charges/${withdrawn.id}/cancel`, { key: "withdraw" });
  // A worker may be at it at this moment: 409, come again.
  const canceled = await until(cancel, ({ status }) => status !== 409);
  expect(canceled).toMatchObject({ status: 200, body: { id: withdrawn.id, status: "canceled" } });
  const again = await cancel();
  expect(again).toMatchObject({ status: 200, body: { id: withdrawn.id, status: "canceled" } });
  expect(again.headers.get("idempotent-replayed")).toBe("true");

  await up("stripe", "paypal");
  await until(
    () => readCharge(url, other.id),
    ({ status }) => status === "succeeded",
  );
  expect(await readCharge(url, withdrawn.id)).toMatchObject({ status: "canceled", amount_captured: 0 });
  const late = await ask(url, `POST /v1/charges/${other.id}/cancel`, { key: "too-late" });
  expect(late).toMatchObject({ status: 409, body: { code: "charge_final" } });
  expect((await judge(world, asked)).faults).toEqual([]);
});

it("keeps nothing of a charge that must not be deferred", { timeout: JUDGED_MS }, async () => {
  for (const provider of ["stripe", "paypal"]) {
    await ask(url, `PUT /v1/providers/${provider}/override`, { body: { mode: "down", reason: "nobody may be asked" } });
  }
  const body = { ...goodBody(3_000), defer: false };
  const refused = await ask(url, "POST /v1/charges", { key: "never-deferred", body });
  expect(refused).toMatchObject({ status: 503, body: { code: "no_provider_available", money: "none" } });
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
  expect(await allCharges(url, "&idempotency_key=never-deferred")).toEqual([]);
  for (const provider of ["stripe", "paypal"]) await ask(url, `DELETE /v1/providers/${provider}/override`);

  // The key is free: the same request may be sent again.
  const told = await until(
    () => ask<ChargeJson>(url, "POST /v1/charges", { key: "never-deferred", body }),
    ({ status }) => status !== 503,
  );
  expect(told).toMatchObject({ status: 201, body: { status: "succeeded" } });
  asked.push({ key: "never-deferred", body, charge: told.body, heard: [] });

  // Once somebody was asked, there is a charge, and it has failed: nothing is collected later.
  down();
  const failed = await until(
    () => ask<ChargeJson>(url, "POST /v1/charges", { key: "asked-and-failed", body: { ...goodBody(3_003), defer: false } }),
    ({ status }) => status !== 503,
  );
  await up("stripe", "paypal");
  expect(failed).toMatchObject({ status: 201, body: { status: "failed", failure: { code: "no_provider_available" } } });
  asked.push({ key: "asked-and-failed", body: goodBody(3_003), charge: failed.body, heard: [] });
  expect((await judge(world, asked)).faults).toEqual([]);
});
