import supertest from "supertest";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { intentOf, post, signed, stripeEvent, WebhookStage } from "./webhook-stage.ts";

let stage: WebhookStage;
beforeAll(async () => {
  stage = await WebhookStage.open();
});
beforeEach(async () => {
  stage.http.counted.length = 0;
  await stage.rows("delete from provider_events");
});
afterAll(() => stage.close());

const inbox = () =>
  stage.rows<{ provider: string; event: string; type: string; state: string; charge_id: string; attempt_id: string }>(
    "select provider, event, type, state, charge_id, attempt_id from provider_events order by event",
  );
const news = async () => {
  const charge = await stage.paid();
  const attempt = charge.attempts[0]!;
  return { charge, attempt, event: stripeEvent("payment_intent.succeeded", intentOf(charge, attempt)) };
};
const problem = (answer: supertest.Response) => JSON.parse(answer.text) as { code: string; detail: string; money: string };

describe("a webhook with Stripe's signature", () => {
  it("is stored once it is acknowledged, with what it is about", async () => {
    const { charge, attempt, event } = await news();
    const answer = await stage.deliver(event);
    expect([answer.status, answer.body]).toEqual([200, { received: true }]);
    expect(await inbox()).toEqual([
      {
        provider: "stripe",
        event: event.id,
        type: "payment_intent.succeeded",
        state: "handled",
        charge_id: charge.id,
        attempt_id: attempt.id,
      },
    ]);
    expect(stage.http.counted).toEqual(["stripe stored"]);
  });

  it("changes nothing when it comes again, and is acknowledged", async () => {
    const { event } = await news();
    await stage.taken(event);
    const before = await everything();
    expect((await stage.deliver(event)).status).toBe(200);
    expect(await everything()).toEqual(before);
    expect(stage.http.counted).toEqual(["stripe stored", "stripe duplicate"]);
  });

  it("is one row, however many deliveries of it come at once", async () => {
    const { event } = await news();
    const answers = await Promise.all(Array.from({ length: 20 }, () => stage.deliver(event)));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200));
    expect(await inbox()).toHaveLength(1);
    expect(stage.http.counted.filter((one) => one === "stripe stored")).toHaveLength(1);
  });

  it("is taken whatever our own interface demands of a body: its type, its length, its digits", async () => {
    const { charge, attempt } = await news();
    const long = stripeEvent("payment_intent.succeeded", intentOf(charge, attempt, { description: "x".repeat(200_000) }));
    const digits = stripeEvent(
      "payment_intent.succeeded",
      intentOf(charge, attempt, { description: "order 4111111111111111", __proto__: 1 }),
    );
    expect((await stage.deliver(long)).status).toBe(200);
    const [body, headers] = signed(digits);
    expect((await post(stage.app, "stripe", body, { ...headers, "content-type": "text/plain", accept: "text/html" })).status).toBe(200);
    const twice = body.replace("{", '{"livemode":false,');
    expect((await post(stage.app, "stripe", twice, headers)).status).toBe(400);
    expect(stage.http.log.join("")).not.toContain("4111111111111111");
  });
});

/** What a webhook could change. */
async function everything() {
  return {
    inbox: await stage.rows("select * from provider_events order by event"),
    charges: await stage.rows("select id, status, next_action_at, lease_no, disputed, updated_at from charges order by id"),
    attempts: await stage.rows("select id, next_look_at, outcome from attempts order by id"),
    disputes: await stage.rows("select * from disputes order by id"),
  };
}

describe("a webhook that is not what Stripe signed", () => {
  it.each([
    ["with one byte changed", "signature", (body: string, headers: Record<string, string>) => [body.replace("4200", "4201"), headers]],
    ["signed with another secret", "signature", (body: string) => signed(JSON.parse(body), { secret: "whsec_of_others" })],
    ["signed ten minutes ago", "too_old", (body: string) => signed(JSON.parse(body), { ageS: 600 })],
    ["without a signature", "signature", (body: string) => [body, {}]],
    ["with a signature that is none", "signature", (body: string) => [body, { "stripe-signature": "t=,v1=" }]],
    ["with nothing in it", "signature", (_: string, headers: Record<string, string>) => ["", headers]],
    ["cut off", "signature", (body: string, headers: Record<string, string>) => [body.slice(0, -1), headers]],
  ] as const)("%s is refused, and changes nothing", async (_what, reason, forge) => {
    const { event } = await news();
    const [body, headers] = forge(...signed(event)) as [string, Record<string, string>];
    const before = await everything();
    const answer = await post(stage.app, "stripe", body, headers);
    expect(answer.status).toBe(400);
    expect(problem(answer)).toMatchObject({ code: "webhook_refused", money: "none" });
    expect(await everything()).toEqual(before);
    expect(stage.http.counted).toEqual(["stripe refused"]);
    const audited = await stage.told("webhook.refused");
    expect(audited).toContainEqual(
      expect.objectContaining({ provider: "stripe", actor: "system:webhook", data: expect.objectContaining({ reason }) }),
    );
    expect(JSON.stringify(audited)).not.toContain(event.id);
    expect(stage.http.log.join("")).not.toContain(event.id);
  });
});

describe("other addresses", () => {
  it.each(["nobody", "Stripe", "__proto__", "stripe-us"])("have nothing: %s", async (provider) => {
    const answer = await post(stage.app, provider, "{}", {});
    expect([answer.status, problem(answer).code]).toEqual([404, "not_found"]);
  });

  it("take nothing but POST", async () => {
    expect((await supertest(stage.app).get("/webhooks/stripe")).status).toBe(405);
  });

  it("take no body above their limit, and none that is compressed", async () => {
    const large = await post(stage.app, "stripe", "x".repeat(256 * 1024 + 1), {});
    expect([large.status, problem(large).code]).toEqual([413, "body_too_large"]);
    const packed = await post(stage.app, "stripe", "{}", { "content-encoding": "gzip" });
    expect(packed.status).toBe(415);
  });
});
