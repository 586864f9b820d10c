import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Charge, isOpen, Switchyard, verifyWebhook } from "../../../gateway/client/client.ts";
import { ADMIN_KEY, startWorld, until, type World } from "../../acceptance/harness.ts";
import { type Receiver, startReceiver } from "../webhooks-out/receiver.ts";

const EXAMPLE = fileURLToPath(new URL("../../../gateway/cli/example.ts", import.meta.url));
const TOKENS = { stripe: { payment_method: "pm_card_visa" }, paypal: { vault_id: "vault-1" } };
const request = (reference: string) => ({ amount: 4_200, currency: "usd", reference, payment_method: TOKENS });

/** On a busy machine a short deadline would be one more outage. */
const PATIENT = { PROVIDER_TIMEOUT_MS: "8000", CHARGE_BUDGET_MS: "20000" };

let world: World;
let url: string;
let switchyard: Switchyard;
let receiver: Receiver;
beforeAll(async () => {
  world = await startWorld({ env: { WEBHOOK_ALLOW_PRIVATE: "on" } });
  ({ url } = await world.start(PATIENT));
  switchyard = new Switchyard({ url, apiKey: ADMIN_KEY });
  receiver = await startReceiver();
});
afterAll(async () => {
  await receiver.close();
  await world.close();
});

const captures = ({ id }: Charge) => world.sandbox.ledger().filter(({ chargeId, type }) => chargeId === id && type === "capture");

it("the example bills 100 customers exactly once through an outage of both processors in the middle", { timeout: 240_000 }, async () => {
  const env = { ...process.env, SWITCHYARD_URL: url, SWITCHYARD_API_KEY: ADMIN_KEY, SANDBOX_URL: world.sandbox.controlUrl };
  const child = spawn(process.execPath, [EXAMPLE], { env, stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise((resolve) => child.once("close", resolve));
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  expect(`${await ended} ${err}`).toBe("0 ");
  expect(out).toContain("Both processors break down.");
  expect(out).toContain("Customers 46 to 55 have their answers: 10 deferred.");
  expect(out).toContain("Each of the 100 customers was billed exactly once.");
  // Not only by its own words.
  const ledger = world.sandbox.ledger();
  const amounts = ledger.map(({ type, amount }) => `${type} ${amount}`).filter((one) => !one.startsWith("authorize"));
  expect(amounts.sort()).toEqual(Array.from({ length: 100 }, (_, index) => `capture ${1_001 + index}`).sort());
  const known: Charge[] = [];
  for await (const charge of switchyard.charges.each({ limit: 40 })) known.push(charge);
  expect(new Set(known.map(({ reference }) => reference)).size).toBe(100);
  expect(known.every(({ status }) => status === "succeeded")).toBe(true);
});

it("each part of the interface is reached: charges, holds, refunds, stored methods, events, webhooks", { timeout: 240_000 }, async () => {
  const { charges, refunds, paymentMethods, webhookEndpoints, events } = switchyard;
  const endpoint = await webhookEndpoints.create({ url: receiver.url, events: ["charge.*", "refund.*"] });
  const rotated = await webhookEndpoints.rotateSecret(endpoint.id);
  const { head } = await events.list({ limit: 1 });

  const method = await paymentMethods.create({ ...TOKENS, brand: "visa", exp_month: 12, exp_year: 2_040, metadata: { customer: "7" } });
  const wait = { timeoutMs: 60_000 };
  const paid = await charges.create({ amount: 4_200, currency: "usd", reference: "r-1", payment_method: method.id }, { wait });
  expect(paid).toMatchObject({ status: "succeeded", amount_captured: 4_200, payment_method: method.id });
  const refund = await refunds.create({ charge: paid.id, amount: 1_000, reason: "one of four" }, { wait });
  expect(refund).toMatchObject({ status: "succeeded", amount: 1_000, charge: paid.id });
  expect(await refunds.get(refund.id)).toEqual(refund);
  expect((await charges.get(paid.id)).refunds).toEqual([refund]);

  const held = await charges.create({ ...request("r-2"), capture: "manual" }, { wait });
  expect(held.status).toBe("authorized");
  expect(await charges.capture(held.id, { amount: 4_000 }, { wait })).toMatchObject({ status: "succeeded", amount_captured: 4_000 });
  const other = await charges.create({ ...request("r-3"), capture: "manual" }, { wait });
  expect(await charges.cancel(other.id, { wait })).toMatchObject({ status: "canceled", amount_captured: 0 });
  await expect(charges.cancel(paid.id)).rejects.toMatchObject({
    name: "ProblemError",
    code: "charge_final",
    money: "as_shown",
    charge: paid.id,
  });
  const page = await charges.list({ reference: "r-2" });
  expect(page.data.map(({ id }) => id)).toEqual([held.id]);

  await paymentMethods.putToken(method.id, "stripe", { payment_method: "pm_card_mastercard" });
  await paymentMethods.update(method.id, { brand: "mastercard" });
  await paymentMethods.deleteToken(method.id, "paypal");
  expect(await paymentMethods.get(method.id)).toMatchObject({ brand: "mastercard", tokens: [{ provider: "stripe", state: "active" }] });
  await paymentMethods.delete(method.id);
  const gone = charges.create({ amount: 100, currency: "usd", payment_method: method.id });
  await expect(gone).rejects.toMatchObject({ money: "none", errors: [{ pointer: "/payment_method", detail: "was deleted" }] });

  const wanted = ["charge.succeeded", "charge.authorized", "charge.captured", "charge.canceled", "refund.succeeded"];
  await until(
    () => receiver.types(),
    (types) => wanted.every((type) => types.includes(type)),
  );
  const verified = receiver.got.map(({ body, headers }) => verifyWebhook(body, headers, rotated.secret));
  expect(receiver.got.map(({ body, headers }) => verifyWebhook(body, headers, endpoint.secret))).toEqual(verified);
  const pulled = [];
  for await (const event of events.each({ after: String(head) })) pulled.push(event);
  expect(pulled).toEqual(expect.arrayContaining(verified));
  const types = new Map(pulled.map((event) => [event.data.id, event.data.charge]));
  expect([...types.values()]).toEqual(expect.arrayContaining([paid.id, held.id, other.id]));
  expect((await webhookEndpoints.deliveries(endpoint.id)).data.length).toBeGreaterThanOrEqual(wanted.length);
  expect(await webhookEndpoints.update(endpoint.id, { enabled: false })).toMatchObject({ enabled: false });
  expect(await webhookEndpoints.delete(endpoint.id)).toEqual({ id: endpoint.id, object: "webhook_endpoint", deleted: true });
  await expect(webhookEndpoints.get(endpoint.id)).rejects.toMatchObject({ code: "not_found", status: 404, money: "none" });
});

it("a decline is an answer, a wrong field a problem; the same key at the same moment is one charge", async () => {
  const poor = { ...request("r-4"), payment_method: { stripe: { payment_method: "pm_card_visa_chargeDeclinedInsufficientFunds" } } };
  expect(await switchyard.charges.create(poor)).toMatchObject({ status: "failed", failure: { code: "insufficient_funds" } });
  const wrong = switchyard.charges.create({ ...request("r-5"), amount: -1 });
  await expect(wrong).rejects.toMatchObject({ code: "validation_failed", money: "none", errors: [{ pointer: "/amount" }] });
  const [one, two] = await Promise.all([1, 2].map(() => switchyard.charges.create(request("r-6"), { idempotencyKey: "same" })));
  expect(one!.id).toBe(two!.id);
  expect(captures(one!)).toHaveLength(1);
});

it("an instance that is killed under the call: the same key finds the charge at another one, billed once", {
  timeout: 240_000,
}, async () => {
  const [doomed, other] = [await world.start(), { url }];
  const core = new Switchyard({ url: [doomed.url, other.url], apiKey: ADMIN_KEY });
  for (const provider of ["stripe", "paypal"] as const)
    world.sandbox.setFault(provider, { kind: "hang_after", operation: "commit", count: 1 });
  const paid = () => world.sandbox.ledger().filter(({ type }) => type === "capture").length;
  const before = paid();
  const call = core.charges.create(request("r-7"), { wait: { timeoutMs: 60_000 } });
  await until(paid, (count) => count > before);
  await doomed.kill9();
  const charge = await call;
  expect([charge.status, isOpen(charge)]).toEqual(["succeeded", false]);
  expect(captures(charge)).toHaveLength(1);
  expect((await switchyard.charges.list({ reference: "r-7" })).data).toHaveLength(1);
});
