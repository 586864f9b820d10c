import { afterAll, beforeAll, expect, it } from "vitest";
import { ask, type ChargeJson } from "./client.ts";
import type { Gateway } from "./gateway-process.ts";
import { startWorld, until, type World } from "./harness.ts";

let world: World;
let a: Gateway;
let b: Gateway;
beforeAll(async () => {
  world = await startWorld();
  [a, b] = await Promise.all([world.start(), world.start()]);
});
afterAll(() => world.close());

interface Provider {
  readonly id: string;
  readonly override: { readonly mode: string; readonly actor: string; readonly reason: string } | null;
}

/** The mode that an instance obeys for a provider. */
async function modeAt(gateway: Gateway, id: string): Promise<string | null> {
  const { body } = await ask<{ data: Provider[] }>(gateway.url, "GET /v1/providers");
  return body.data.find((provider) => provider.id === id)?.override?.mode ?? null;
}

function set(gateway: Gateway, id: string, mode: string, more: object = {}) {
  return ask(gateway.url, `PUT /v1/providers/${id}/override`, { body: { mode, reason: "an acceptance test", ...more } });
}

async function remove(id: string): Promise<void> {
  await ask(a.url, `DELETE /v1/providers/${id}/override`);
  for (const gateway of [a, b])
    await until(
      () => modeAt(gateway, id),
      (mode) => mode === null,
    );
}

let keys = 0;
async function charge(gateway: Gateway, paymentMethod: object): Promise<ChargeJson> {
  const body = { amount: 1_500, currency: "usd", payment_method: paymentMethod };
  const answer = await ask<ChargeJson>(gateway.url, "POST /v1/charges", { key: `override-${keys++}`, body });
  if (answer.status !== 201 && answer.status !== 202) throw new Error(answer.text);
  return answer.body;
}

const STRIPE = { stripe: { payment_method: "pm_card_visa" } };
const BOTH = { ...STRIPE, paypal: { vault_id: "vault-1" } };
const attemptsAtStripe = (): number =>
  world.sandbox.requests().filter(({ provider, operation }) => provider === "stripe" && operation === "prepare").length;

it("is obeyed by every instance, and after a restart", { timeout: 600_000 }, async () => {
  expect(await set(a, "stripe", "down")).toMatchObject({ status: 200, body: { override: { mode: "down", actor: "key:ADMIN_KEY" } } });
  expect(await modeAt(a, "stripe")).toBe("down");
  await until(
    () => modeAt(b, "stripe"),
    (mode) => mode === "down",
  );

  const before = attemptsAtStripe();
  for (const gateway of [a, b]) {
    for (let n = 0; n < 5; n += 1) expect(await charge(gateway, BOTH)).toMatchObject({ status: "succeeded", provider: "paypal" });
  }
  const waiting = await charge(b, STRIPE);
  expect(waiting).toMatchObject({ status: "deferred", attempts: [] });

  expect(await b.stop()).toBe(0);
  b = await world.start();
  expect(await modeAt(b, "stripe")).toBe("down");
  expect(await charge(b, BOTH)).toMatchObject({ provider: "paypal" });
  expect(attemptsAtStripe()).toBe(before);

  await remove("stripe");
  const read = () => ask<ChargeJson>(b.url, `GET /v1/charges/${waiting.id}`);
  await until(read, ({ body }) => body.status === "succeeded" && body.provider === "stripe");
});

it("`only` keeps everybody else out", { timeout: 600_000 }, async () => {
  await set(b, "paypal", "only");
  await until(
    () => modeAt(a, "paypal"),
    (mode) => mode === "only",
  );
  const before = attemptsAtStripe();
  for (const gateway of [a, b]) expect(await charge(gateway, BOTH)).toMatchObject({ status: "succeeded", provider: "paypal" });
  expect(await charge(a, STRIPE)).toMatchObject({ status: "deferred", attempts: [] });
  expect(attemptsAtStripe()).toBe(before);
  await remove("paypal");
  await until(
    () => attemptsAtStripe(),
    (count) => count > before,
  );
});

it("ends by itself where it was told to", { timeout: 600_000 }, async () => {
  const waiting = await until(
    async () => {
      await set(a, "stripe", "down", { expires_in: 2 });
      return charge(a, STRIPE);
    },
    // A slow machine may send it when the two seconds are over.
    ({ status }) => status === "deferred",
  );
  for (const gateway of [a, b])
    await until(
      () => modeAt(gateway, "stripe"),
      (mode) => mode === null,
    );
  const read = () => ask<ChargeJson>(a.url, `GET /v1/charges/${waiting.id}`);
  expect(await until(read, ({ body }) => body.status === "succeeded")).toMatchObject({ body: { provider: "stripe" } });
});

it("is in the audit trail, with its author and reason", async () => {
  type Trail = { data: { type: string; actor: string; provider: string; data: { mode?: string; reason?: string } }[] };
  const read = async () => (await ask<Trail>(b.url, "GET /v1/audit?limit=100&actor=key:ADMIN_KEY&order=asc")).body.data;
  const written = await until(read, (events) => events.filter(({ type }) => type === "override.set").length >= 3);
  const first = written.find(({ type }) => type === "override.set");
  expect(first).toMatchObject({ provider: "stripe", data: { mode: "down", reason: "an acceptance test" } });
});
