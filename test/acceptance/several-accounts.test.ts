import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { ask, type ChargeJson } from "./client.ts";
import { type Gateway, launchGateway } from "./gateway-process.ts";
import { startWorld, type World } from "./harness.ts";
import { StartRefused } from "./node-process.ts";

const BAD_CONFIGURATION = 78;
/** A start takes long on a busy machine. */
const SEVERAL_STARTS_MS = 600_000;
const KEYS = { STRIPE_US_KEY: "sk_test_us_1", STRIPE_EU_KEY: "sk_test_eu_1", PAYPAL_APP: "sandbox", PAYPAL_APP_SECRET: "sandbox" };
/** The file names all providers: the world's own settings of them go. */
const NO_OTHERS = Object.fromEntries(
  ["STRIPE_SECRET_KEY", "STRIPE_API_BASE", "PAYPAL_CLIENT_ID", "PAYPAL_CLIENT_SECRET", "PAYPAL_API_BASE"].map((name) => [name, ""]),
);

let world: World;
let dir: string;
let gateway: Gateway;

const stripe = (id: string, key: string) => ({ id, adapter: "stripe", secret_key: { env: key }, api_base: world.sandbox.stripeUrl });
const paypal = (id: string) => ({
  id,
  adapter: "paypal",
  client_id: { env: "PAYPAL_APP" },
  client_secret: { env: "PAYPAL_APP_SECRET" },
  api_base: world.sandbox.paypalUrl,
});

/** The settings of a gateway with these providers. */
async function settings(name: string, providers: unknown, env: Record<string, string> = {}): Promise<Record<string, string>> {
  const file = join(dir, name);
  await writeFile(file, JSON.stringify(providers));
  return { ...NO_OTHERS, ...KEYS, PROVIDERS_FILE: file, ...env };
}

async function refusal(env: Record<string, string>): Promise<{ code: number | null; stderr: string }> {
  const started = await launchGateway({ ...world.env, ...env }).catch((error: unknown) => error);
  if (started instanceof StartRefused) return { code: started.code, stderr: started.stderr };
  await (started as Gateway).kill9?.();
  throw new Error("it started");
}

beforeAll(async () => {
  world = await startWorld();
  dir = await mkdtemp(join(tmpdir(), "switchyard-providers-"));
  const three = [stripe("stripe-us", "STRIPE_US_KEY"), stripe("stripe-eu", "STRIPE_EU_KEY"), paypal("paypal")];
  gateway = await world.start(await settings("three.json", three));
});
afterEach(() => world.sandbox.clearFaults());
afterAll(async () => {
  await world.close();
  await rm(dir, { recursive: true, force: true });
});

const CARD = { payment_method: "pm_card_visa" };
const charge = (key: string, paymentMethod: object, url = gateway.url) =>
  ask<ChargeJson>(url, "POST /v1/charges", { key, body: { amount: 4200, currency: "usd", payment_method: paymentMethod } });

/** How the simulated Stripe answers the owner of a key about a payment. */
async function seenWith(key: string, reference: string | null): Promise<number> {
  const headers = { authorization: `Bearer ${key}` };
  return (await fetch(`${world.sandbox.stripeUrl}/v1/payment_intents/${reference}`, { headers })).status;
}

it("lists each account as a provider, in the file's order", async () => {
  const { body } = await ask<{ data: { id: string; verified: boolean }[] }>(gateway.url, "GET /v1/providers");
  expect(body.data.map(({ id, verified }) => ({ id, verified }))).toEqual(
    ["stripe-us", "stripe-eu", "paypal"].map((id) => ({ id, verified: true })),
  );
});

it("charges at the first account, with that account's own token", async () => {
  const { status, body } = await charge("first", { "stripe-us": CARD, "stripe-eu": CARD, paypal: { vault_id: "v" } });
  expect({ status, body }).toMatchObject({ status: 201, body: { status: "succeeded", provider: "stripe-us" } });
  expect(await seenWith(KEYS.STRIPE_US_KEY, body.provider_reference)).toBe(200);
  expect(await seenWith(KEYS.STRIPE_EU_KEY, body.provider_reference)).toBe(404);
});

it("fails over to the second account of the same processor, and charges once", async () => {
  world.sandbox.setFault("stripe", { kind: "503_html", operation: "prepare", count: 1 });
  const { body } = await charge("failover", { "stripe-us": CARD, "stripe-eu": CARD });
  expect(body).toMatchObject({
    status: "succeeded",
    provider: "stripe-eu",
    attempts: [
      { provider: "stripe-us", outcome: "not_sent" },
      { provider: "stripe-eu", outcome: "approved" },
    ],
  });
  expect(await seenWith(KEYS.STRIPE_EU_KEY, body.provider_reference)).toBe(200);
  expect(world.sandbox.ledger().filter(({ chargeId }) => chargeId === body.id)).toHaveLength(1);
});

it("asks the other account also after a decline that allows it", async () => {
  world.sandbox.setFault("stripe", { kind: "decline", operation: "commit", code: "generic_decline", count: 1 });
  const { body } = await charge("declined", { "stripe-us": CARD, "stripe-eu": CARD });
  expect(body).toMatchObject({ status: "succeeded", attempts: [{ outcome: "declined" }, { outcome: "approved" }] });
  expect(body.attempts.map(({ provider }) => provider).sort()).toEqual(["stripe-eu", "stripe-us"]);
});

it("takes an adapter's name while it means one provider", { timeout: SEVERAL_STARTS_MS }, async () => {
  const { status, body } = await ask<{ errors: unknown[] }>(gateway.url, "POST /v1/charges", {
    key: "ambiguous",
    body: { amount: 4200, currency: "usd", payment_method: { stripe: CARD } },
  });
  expect({ status, errors: body.errors }).toEqual({
    status: 422,
    errors: [{ pointer: "/payment_method/stripe", detail: expect.stringContaining("one of stripe-us, stripe-eu") }],
  });
  const one = await world.start(await settings("one.json", [stripe("stripe-us", "STRIPE_US_KEY"), paypal("paypal")]));
  const alias = await charge("alias", { stripe: CARD }, one.url);
  expect(alias).toMatchObject({ status: 201, body: { provider: "stripe-us" } });
  // The body is the same, and so is the answer, also where the name means several by now.
  const again = await charge("alias", { stripe: CARD });
  expect(again).toMatchObject({ status: 201, body: { id: alias.body.id, provider: "stripe-us" } });
  await one.stop();
});

it("refuses to start with one account under two ids, whatever its keys are", { timeout: SEVERAL_STARTS_MS }, async () => {
  const twice = [stripe("stripe-us", "STRIPE_US_KEY"), stripe("stripe-two", "STRIPE_US_SECOND_KEY")];
  const { code, stderr } = await refusal(await settings("twice.json", twice, { STRIPE_US_SECOND_KEY: "sk_test_us_2" }));
  expect({ code, stderr }).toEqual({ code: BAD_CONFIGURATION, stderr: expect.stringMatching(/are one account, acct_sandbox_us/) });
});

it("refuses to start with a wrong file, and says every fault without a secret", { timeout: SEVERAL_STARTS_MS }, async () => {
  const wrong = [{ ...stripe("stripe-us", "STRIPE_US_KEY"), secret_key: "sk_test_us_1" }, stripe("Stripe", "STRIPE_EU_KEY")];
  const { code, stderr } = await refusal(await settings("wrong.json", wrong));
  expect(code).toBe(BAD_CONFIGURATION);
  expect(stderr).toMatch(/PROVIDERS_FILE \/0\/secret_key[\s\S]*PROVIDERS_FILE \/1\/id/);
  expect(stderr).not.toContain("sk_test_");
});
