import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { idSource } from "../../../gateway/ids.ts";
import { openDatabase } from "../../../gateway/store/database.ts";
import { migrate } from "../../../gateway/store/migrate.ts";
import { systemClock } from "../../../providers/contract/clock.ts";
import type { Provider } from "../../../providers/contract/provider.ts";
import type { WebhookReading } from "../../../providers/contract/webhook.ts";
import { createStripeProvider } from "../../../providers/stripe/stripe.ts";
import { type OwnPostgres, startOwnPostgres } from "../../support/database.ts";
import { overlaid } from "../charges/late-stage.ts";
import { post, SECRET, signed, stripeEvent, type WebhookApp, webhookApp } from "./webhook-stage.ts";

const newId = idSource(systemClock, Math.random);
const event = () => stripeEvent("product.created", { id: "prod_1", object: "product" });
const code = (answer: { text: string }) => (JSON.parse(answer.text) as { code: string }).code;

let server: OwnPostgres;
let db: ReturnType<typeof openDatabase>;
let real: Provider;
beforeAll(async () => {
  server = await startOwnPostgres();
  await migrate(server.url, () => {});
  db = openDatabase({ url: server.url, maxConnections: 4, onIdleError: () => {} });
  real = createStripeProvider({ secretKey: "sk_test_sandbox", webhookSecret: SECRET, clock: systemClock });
});
afterAll(async () => {
  real.close();
  await db.close();
  await server.stop();
});
const appOf = (provider: Provider): WebhookApp => webhookApp({ db, newId, providers: new Map([["stripe", provider]]) });
/** An adapter that answers this. */
const reads = (reading: () => Promise<WebhookReading>) => overlaid(real, { readWebhook: reading });

describe("a webhook that cannot be taken now", () => {
  it("is to be sent again while the database is away, and is stored then", async () => {
    const { app, counted } = appOf(real);
    const news = event();
    await server.kill9();
    const answer = await post(app, "stripe", ...signed(news));
    expect([answer.status, code(answer)]).toEqual([503, "webhook_not_taken"]);
    expect(Number(answer.headers["retry-after"])).toBeGreaterThan(0);
    await server.start();
    expect((await post(app, "stripe", ...signed(news))).status).toBe(200);
    expect(counted).toEqual(["stripe database", "stripe stored"]);
    expect(await db.query({ name: "", text: "select event from provider_events" })).toEqual([{ event: news.id }]);
  });

  it("is to be sent again where its signature cannot be checked now", async () => {
    const { app, counted } = appOf(reads(async () => ({ kind: "unknown", detail: "no certificate" })));
    const answer = await post(app, "stripe", ...signed(event()));
    expect([answer.status, code(answer), counted]).toEqual([503, "webhook_not_taken", ["stripe unverifiable"]]);
  });

  it("is to be sent again where too many are being checked, while another provider's are", async () => {
    const open = Promise.withResolvers<WebhookReading>();
    let checking = 0;
    const slow = reads(() => {
      checking += 1;
      return open.promise;
    });
    const { app } = webhookApp({
      db,
      newId,
      providers: new Map([
        ["stripe", slow],
        ["stripe-eu", overlaid(real, { id: "stripe-eu" })],
      ]),
    });
    const held = Array.from({ length: 32 }, () => post(app, "stripe", ...signed(event())).then((answer) => answer.status));
    while (checking < 32) await systemClock.sleep(5);
    expect((await post(app, "stripe", ...signed(event()))).status).toBe(503);
    expect((await post(app, "stripe-eu", ...signed(event()))).status).toBe(200);
    open.resolve({ kind: "refused", reason: "signature", detail: "" });
    expect(new Set(await Promise.all(held))).toEqual(new Set([400]));
    expect((await post(app, "stripe", ...signed(event()))).status).toBe(400);
  });

  it("is not acknowledged when the adapter has a bug, which frees its place", async () => {
    const { app, counted } = appOf(
      reads(async () => {
        throw new Error("a bug");
      }),
    );
    for (let i = 0; i < 40; i++) expect((await post(app, "stripe", ...signed(event()))).status).toBe(500);
    expect(new Set(counted)).toEqual(new Set(["stripe failed"]));
  });

  it("has no address where no secret is configured", async () => {
    const without = createStripeProvider({ secretKey: "sk_test_sandbox", clock: systemClock });
    const { app } = appOf(without);
    expect((await post(app, "stripe", ...signed(event()))).status).toBe(404);
    without.close();
  });
});

describe("an event that an adapter read without care", () => {
  const subject = { kind: "other" } as const;
  it.each([
    ["no id", { id: "", type: "t", createdAtMs: 1, subject }],
    ["an endless id", { id: "e".repeat(256), type: "t", createdAtMs: 1, subject }],
    ["no time", { id: "e", type: "t", createdAtMs: Number.NaN, subject }],
    ["a time that no calendar has", { id: "e", type: "t", createdAtMs: 9e15, subject }],
  ])("is refused: %s", async (_what, read) => {
    const { app, counted } = appOf(reads(async () => ({ kind: "event", event: read })));
    expect((await post(app, "stripe", ...signed(event()))).status).toBe(400);
    expect(counted).toEqual(["stripe refused"]);
  });

  it("is stored without what PostgreSQL cannot hold", async () => {
    const odd = { kind: "refund", refund: "re_\0\ud800", payment: "p\0", key: null, money: null } as const;
    const { app } = appOf(reads(async () => ({ kind: "event", event: { id: "evt_odd", type: "t\0", createdAtMs: 1, subject: odd } })));
    expect((await post(app, "stripe", ...signed(event()))).status).toBe(200);
    const [row] = await db.query<{ subject: { refund: string } }>({
      name: "",
      text: "select subject from provider_events where event = 'evt_odd'",
    });
    expect(row?.subject.refund).toBe("re_\ufffd");
  });
});
