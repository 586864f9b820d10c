import supertest from "supertest";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Listening, listen } from "../../../gateway/http/listen.ts";
import { both, chargeInput, eventually, movedAt, reread } from "../../support/engine.ts";
import { SECRET, stripeOnly, WebhookStage } from "./webhook-stage.ts";

const WEBHOOK_ID = "1JE4291016473214C";

let stage: WebhookStage;
let server: Listening;
beforeAll(async () => {
  stage = await WebhookStage.open({ paypalWebhookId: WEBHOOK_ID, providerTimeoutMs: 1_500, chargeBudgetMs: 4_000 });
  server = await listen(stage.app, { host: "127.0.0.1", port: 0 });
  stage.engine.sandbox.setWebhookEndpoint("stripe", { url: `http://127.0.0.1:${server.port}/webhooks/stripe`, secret: SECRET });
  stage.engine.sandbox.setWebhookEndpoint("paypal", { url: `http://127.0.0.1:${server.port}/webhooks/paypal`, secret: WEBHOOK_ID });
  await stage.allow("stripe", "up");
  await stage.allow("paypal", "up");
});
afterAll(async () => {
  await server.close(100);
  await stage.close();
});

const cardOf = (payment_method: string) => ({ stripe: { ...(stripeOnly().stripe as object), payment_method } });

describe("with a processor that sends webhooks twice, late and shuffled", () => {
  it("charges are what they are without them: paid once, and nothing is found that is not there", async () => {
    const { sandbox, charges, worker } = stage.engine;
    sandbox.setWebhookMood("stripe", { duplicates: 0.8, disorderMs: 300 });
    const answers = await Promise.all(Array.from({ length: 12 }, () => charges.create(chargeInput({ tokens: stripeOnly() }))));
    await sandbox.webhooksSent();
    await worker.pass();
    await worker.idle();
    for (const { charge } of answers) {
      const after = await reread(stage.engine, charge);
      expect(after).toMatchObject({ status: "succeeded", amountCaptured: 4200n });
      expect(after.attempts.filter(({ nextLookAt }) => nextLookAt !== null)).toEqual([]);
      expect(movedAt(sandbox, charge.id)).toEqual({ stripe: 4200n });
    }
    expect(stage.http.counted.filter((one) => one === "stripe duplicate").length).toBeGreaterThan(0);
    expect(new Set(sandbox.webhookDeliveries("stripe").map(({ status }) => status))).toEqual(new Set([200]));
    await stage.looksAtUnmatched(120_000);
    await stage.looksAtUnmatched(900_000);
    expect(await stage.rows("select kind, subject from findings")).toEqual([]);
  });

  it("a doubt ends by the webhook, long before it would be looked at", async () => {
    const { sandbox, charges, worker } = stage.engine;
    sandbox.setWebhookMood("stripe", { delayMs: 8_000 });
    sandbox.setFault("stripe", { kind: "hang_after", operation: "commit" });
    sandbox.setFault("stripe", { kind: "500_before", operation: "lookup" });
    const { charge } = await charges.create(chargeInput({ tokens: stripeOnly() }));
    expect(charge.status).toBe("in_doubt");
    await stage.rows("update charges set next_action_at = '2090-01-01' where id = $1", charge.id);
    sandbox.clearFaults();
    await sandbox.webhooksSent();
    await worker.pass();
    await worker.idle();
    expect(await reread(stage.engine, charge)).toMatchObject({ status: "succeeded" });
    sandbox.setWebhookMood("stripe", {});
  });

  it("a dispute that the processor opens is the charge's", async () => {
    const { sandbox, charges } = stage.engine;
    const { charge } = await charges.create(chargeInput({ tokens: cardOf("pm_card_createDispute") }));
    expect(charge.status).toBe("succeeded");
    await sandbox.webhooksSent();
    // It may be here before the payment that it names was written.
    await stage.looksAtUnmatched(120_000);
    const shown = await supertest(stage.app).get(`/v1/charges/${charge.id}`).set("Authorization", "Bearer ops");
    expect(shown.body.disputed).toBe(true);
    expect(shown.body.disputes).toMatchObject([{ status: "open", reason: "fraudulent", amount: 4200, network_code: "10.4" }]);
  });

  it("a card that is detached there is gone in the stored payment methods", async () => {
    const { sandbox, core } = stage.engine;
    const id = core.newId("pm");
    await stage.rows(
      "insert into payment_methods (id, account_id, type, created_at, updated_at) values ($1, 'acct_default', 'card', now(), now())",
      id,
    );
    await stage.rows(
      `insert into payment_method_tokens (payment_method_id, provider, reference, token, created_at, updated_at)
       values ($1, 'stripe', 'pm_card_mastercard', '{}', now(), now())`,
      id,
    );
    const address = `${sandbox.stripeUrl}/v1/payment_methods/pm_card_mastercard/detach`;
    const detached = await fetch(address, { method: "POST", headers: { authorization: "Bearer sk_test_sandbox" } });
    expect(detached.status).toBe(200);
    await sandbox.webhooksSent();
    expect(await stage.rows("select state from payment_method_tokens where payment_method_id = $1", id)).toEqual([{ state: "gone" }]);
  });
});

describe("PayPal's webhooks, signed with its certificate", () => {
  it("are stored, and name our attempts and nothing that we do not know", async () => {
    const { sandbox, charges } = stage.engine;
    sandbox.setWebhookMood("paypal", { duplicates: 0.5, disorderMs: 200 });
    const tokens = () => ({ paypal: both().paypal });
    const answers = await Promise.all(Array.from({ length: 4 }, () => charges.create(chargeInput({ tokens: tokens() }))));
    await sandbox.webhooksSent();
    // One may be here before the payment that it names was written.
    await stage.looksAtUnmatched(120_000);
    const known = await stage.rows<{ charge_id: string }>(
      "select distinct charge_id from provider_events where provider = 'paypal' and type = 'PAYMENT.CAPTURE.COMPLETED' and state = 'handled'",
    );
    expect(known.map(({ charge_id }) => charge_id).sort()).toEqual(answers.map(({ charge }) => charge.id as string).sort());
    await stage.looksAtUnmatched(900_000);
    expect(await stage.rows("select kind, subject from findings")).toEqual([]);
  });

  it("are refused where the webhook's id is another", async () => {
    const { sandbox, charges } = stage.engine;
    sandbox.setWebhookMood("paypal", {});
    sandbox.setWebhookEndpoint("paypal", { url: `http://127.0.0.1:${server.port}/webhooks/paypal`, secret: "0AB12345CD6789012" });
    const before = await stage.rows("select event from provider_events");
    await charges.create(chargeInput({ tokens: { paypal: both().paypal } }));
    const refused = () => sandbox.webhookDeliveries("paypal").some(({ status }) => status === 400);
    await eventually(refused, (is) => is);
    sandbox.clearWebhookEndpoints("paypal");
    expect(
      await stage.rows(
        "select event from provider_events where provider = 'paypal' except select unnest($1::text[])",
        before.map((row) => (row as { event: string }).event),
      ),
    ).toEqual([]);
    expect(await stage.told("webhook.refused")).toMatchObject([{ provider: "paypal", data: { reason: "signature" } }]);
  });
});
