import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Sandbox, startSandbox } from "../../../providers/sandbox/sandbox.ts";
import { prepareIntent, stripeAt } from "./sdk-clients.ts";

let sandbox: Sandbox;

beforeAll(async () => {
  sandbox = await startSandbox();
});
beforeEach(() => sandbox.reset());
afterAll(() => sandbox.close());

async function call(method: string, path: string, body?: unknown): Promise<{ status: number; json: Record<string, unknown> }> {
  const text = body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body);
  const answer = await fetch(sandbox.controlUrl + path, { method, ...(text === undefined ? {} : { body: text }) });
  return { status: answer.status, json: (await answer.json()) as Record<string, unknown> };
}

describe("the control server", () => {
  it("explains itself", async () => {
    const page = await (await fetch(sandbox.controlUrl)).text();
    for (const word of [sandbox.stripeUrl, sandbox.paypalUrl, "/ledger", "hang_after", "curl"]) expect(page).toContain(word);
  });

  it("shows the ledger with totals, for one charge if asked", async () => {
    const stripe = stripeAt(sandbox.stripeUrl);
    const paid: string[] = [];
    for (const charge_id of ["ch_1", "ch_2"]) {
      const intent = await prepareIntent(stripe, "pm_card_visa", { confirm: true, metadata: { charge_id, attempt_id: "at_1" } });
      paid.push(intent.id);
    }
    await stripe.refunds.create({ payment_intent: paid[1]!, amount: 200 });
    const { json } = await call("GET", "/ledger");
    expect(json.totals).toEqual({ stripe: { usd: { authorize: 0, capture: 8400, refund: 200, void: 0, net: 8200 } } });
    const { json: one } = await call("GET", "/ledger?charge=ch_1");
    expect(one.movements).toMatchObject([{ chargeId: "ch_1", type: "capture", amount: 4200, object: paid[0] }]);
  });

  it("shows the requests", async () => {
    await prepareIntent(stripeAt(sandbox.stripeUrl));
    const { json } = await call("GET", "/requests");
    expect(json.requests).toMatchObject([{ provider: "stripe", operation: "prepare", path: "/v1/payment_intents", executed: true }]);
  });

  it("sets, shows and clears faults", async () => {
    const fault = { kind: "500_before", operation: "lookup", count: 2 };
    expect(await call("PUT", "/stripe/faults", fault)).toEqual({ status: 200, json: { stripe: [fault] } });
    expect((await call("GET", "/faults")).json).toEqual({ stripe: [fault], paypal: [] });
    expect((await call("DELETE", "/stripe/faults")).json).toEqual({ stripe: [] });
  });

  it.each([
    ["no JSON", "{", /not JSON/],
    ["another kind", { kind: "explode" }, /"kind" is one of refuse/],
    ["another operation", { kind: "slow", operation: "pay" }, /"operation" is \* or one of/],
    ["a probability above 1", { kind: "slow", probability: 2 }, /"probability"/],
    ["a count of 0", { kind: "slow", count: 0 }, /"count"/],
    ["a negative delay", { kind: "slow", delayMs: -1 }, /"delayMs"/],
    ["a field nobody knows", { kind: "slow", delay: 1 }, /unknown field "delay"/],
    ["a decline of lookups", { kind: "decline", operation: "lookup" }, /commits only/],
  ])("refuses %s with 400", async (_, body, message) => {
    const answer = await call("PUT", "/paypal/faults", body);
    expect(answer.status).toBe(400);
    expect(answer.json.error).toMatch(message);
  });

  it("takes a processor down and up again", async () => {
    const stripe = stripeAt(sandbox.stripeUrl);
    await call("POST", "/stripe/down");
    await expect(prepareIntent(stripe)).rejects.toMatchObject({ detail: { code: "ECONNREFUSED" } });
    await call("POST", "/stripe/up");
    expect((await prepareIntent(stripe)).status).toBe("requires_confirmation");
  });

  it("forgets everything on reset", async () => {
    await prepareIntent(stripeAt(sandbox.stripeUrl), "pm_card_visa", { confirm: true });
    await call("POST", "/paypal/down");
    expect((await call("POST", "/reset")).status).toBe(200);
    expect([sandbox.ledger(), sandbox.requests(), sandbox.faults("paypal")]).toEqual([[], [], []]);
    expect((await fetch(sandbox.paypalUrl)).status).toBe(404);
  });

  it("knows no other addresses", async () => {
    expect((await call("GET", "/nowhere")).status).toBe(404);
    expect((await call("POST", "/adyen/down")).status).toBe(404);
  });

  it("sets where webhooks go, shows it without the secret, and how badly they are delivered", async () => {
    const endpoint = { url: "http://127.0.0.1:1/webhooks/stripe", secret: "whsec_control" };
    const shown = { endpoints: [{ url: endpoint.url }], mood: {}, deliveries: [] };
    expect(await call("PUT", "/stripe/webhooks", endpoint)).toEqual({ status: 200, json: { stripe: shown } });
    const mood = { duplicates: 0.5, delayMs: 10 };
    expect((await call("PUT", "/stripe/mood", mood)).json).toEqual({ stripe: { ...shown, mood } });
    const none = { endpoints: [], mood: {}, deliveries: [] };
    expect((await call("GET", "/webhooks")).json).toEqual({ stripe: { ...shown, mood }, paypal: none });
    sandbox.reset();
    expect((await call("GET", "/webhooks")).json).toEqual({ stripe: shown, paypal: none });
    expect((await call("DELETE", "/stripe/webhooks")).json).toEqual({ stripe: none });
  });

  it.each([
    ["webhooks", { url: "ftp://x", secret: "s" }, /"url"/],
    ["webhooks", { url: "http://x/", secret: "" }, /"secret"/],
    ["webhooks", { url: "http://x/", secret: "s", account: 1 }, /"account"/],
    ["webhooks", [], /JSON object/],
    ["mood", { loss: 2 }, /"loss"/],
    ["mood", { disorderMs: -1 }, /"disorderMs"/],
    ["mood", { off: "yes" }, /"off"/],
    ["mood", { late: true }, /unknown field "late"/],
    ["renew", { token: 1 }, /"token"/],
  ])("refuses for %s: %j", async (what, body, message) => {
    expect(await call("PUT", `/stripe/${what}`, body)).toEqual({ status: 400, json: { error: expect.stringMatching(message) } });
  });

  it("lets a saved card get a new expiry date", async () => {
    const stripe = stripeAt(sandbox.stripeUrl);
    const before = (await stripe.paymentMethods.retrieve("pm_card_old")).card!.exp_year;
    expect(await call("PUT", "/stripe/renew", { token: "pm_card_old" })).toEqual({
      status: 200,
      json: { stripe: { renewed: "pm_card_old" } },
    });
    expect((await stripe.paymentMethods.retrieve("pm_card_old")).card!.exp_year).toBeGreaterThan(before);
  });
});
