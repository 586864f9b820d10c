import { afterAll, beforeAll, expect, it } from "vitest";
import { ask, type ChargeJson } from "./client.ts";
import type { Gateway } from "./gateway-process.ts";
import { startWorld, until, type World } from "./harness.ts";
import { goodBody } from "./storm.ts";

const SECRET = "whsec_of_the_acceptance_tests";

let world: World;
let gateway: Gateway;
beforeAll(async () => {
  world = await startWorld({ env: { STRIPE_WEBHOOK_SECRET: SECRET, PROVIDER_TIMEOUT_MS: "4000", CHARGE_BUDGET_MS: "10000" } });
  gateway = await world.start();
  world.sandbox.setWebhookEndpoint("stripe", { url: `${gateway.url}/webhooks/stripe`, secret: SECRET });
  world.sandbox.setWebhookMood("stripe", { duplicates: 0.5, disorderMs: 200 });
});
afterAll(() => world.close());

it("takes what the processor signs: a dispute is shown with its charge, and is in its story", { timeout: 600_000 }, async () => {
  const body = { ...goodBody(1), payment_method: { stripe: { customer: "cus_d", payment_method: "pm_card_createDispute" }, type: "card" } };
  const { status, body: charge } = await ask<ChargeJson>(gateway.url, "POST /v1/charges", { key: "disputed", body });
  expect({ status, charge }).toMatchObject({ status: 201, charge: { status: "succeeded", provider: "stripe" } });
  const read = async () =>
    (await ask<ChargeJson & { disputed: boolean; disputes: object[] }>(gateway.url, `GET /v1/charges/${charge.id}`)).body;
  // On a slow machine it comes before the payment that it names was written, and is matched one or two minutes later.
  const disputed = await until(read, (seen) => seen.disputed, 240_000);
  expect(disputed.disputes).toMatchObject([{ status: "open", amount: charge.amount }]);
  expect(disputed.events?.map(({ type }) => type)).toContain("dispute.opened");
  const list = await ask<{ data: { charge: string }[] }>(gateway.url, "GET /v1/disputes?status=open");
  expect(list.body.data.map((dispute) => dispute.charge)).toEqual([charge.id]);
  await world.sandbox.webhooksSent();
  const metrics = await ask(gateway.url, "GET /metrics");
  expect(metrics.text).toMatch(/switchyard_provider_webhooks_total\{provider="stripe",result="stored"\} [1-9]/);
});

it("refuses what it did not sign, and has no address for a processor without a secret", async () => {
  const forged = await ask(gateway.url, "POST /webhooks/stripe", { body: "{}", headers: { "stripe-signature": "t=1,v1=00" } });
  expect([forged.status, forged.body.code]).toEqual([400, "webhook_refused"]);
  expect((await ask(gateway.url, "POST /webhooks/paypal", { body: "{}" })).status).toBe(404);
});
