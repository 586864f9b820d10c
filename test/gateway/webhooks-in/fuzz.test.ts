import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Listening, listen } from "../../../gateway/http/listen.ts";
import { signed, stripeEvent, WebhookStage } from "./webhook-stage.ts";

let stage: WebhookStage;
let server: Listening;
beforeAll(async () => {
  stage = await WebhookStage.open();
  server = await listen(stage.app, { host: "127.0.0.1", port: 0 });
});
afterAll(async () => {
  await server.close(100);
  await stage.close();
});

const send = (body: Uint8Array | string, headers: Record<string, string>, path = "/webhooks/stripe") =>
  fetch(`http://127.0.0.1:${server.port}${path}`, { method: "POST", body: typeof body === "string" ? body : Buffer.from(body), headers });
const stored = () => stage.rows("select event from provider_events");
const visible = fc.string({ unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)), maxLength: 200 });

describe("whatever a stranger sends", () => {
  it("as a body and a signature is refused, and stores nothing", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 2_000 }), fc.option(visible), visible, async (body, signature, other) => {
        const answer = await send(body, {
          "content-type": "application/json",
          ...(signature === null ? {} : { "stripe-signature": signature }),
          "paypal-transmission-sig": other,
        });
        expect(answer.status, await answer.text()).toBe(400);
      }),
      { numRuns: 200 },
    );
    expect(await stored()).toEqual([]);
  });

  it("as a signed event with any byte, or the signature with any character, changed is refused, and stores nothing", async () => {
    const [body, headers] = signed(stripeEvent("product.created", { id: "prod_1", object: "product" }));
    const signature = headers["stripe-signature"] as string;
    await fc.assert(
      fc.asyncProperty(fc.nat(body.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const bytes = Buffer.from(body);
        bytes[at] = (bytes[at] as number) ^ change;
        expect((await send(bytes, { "stripe-signature": signature })).status).toBe(400);
      }),
      { numRuns: 100 },
    );
    // Of the hash, not of `t=` and what else may stand in the header.
    const from = signature.indexOf("v1=") + 3;
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: from, max: signature.length - 1 }), fc.constantFrom(..."0123456789abcdef"), async (at, digit) => {
        fc.pre(signature[at] !== digit);
        const changed = signature.slice(0, at) + digit + signature.slice(at + 1);
        expect((await send(body, { "stripe-signature": changed })).status).toBe(400);
      }),
      { numRuns: 100 },
    );
    expect(await stored()).toEqual([]);
    expect((await send(body, { "stripe-signature": signature })).status).toBe(200);
  });

  it("as an address is answered, and never with a fault of ours", async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(visible, fc.string({ unit: "binary", maxLength: 100 })), async (name) => {
        const answer = await send("{}", {}, `/webhooks/${encodeURIComponent(name.toWellFormed())}`);
        expect(answer.status).toBeLessThan(500);
        expect(answer.status).toBeGreaterThanOrEqual(400);
      }),
      { numRuns: 100 },
    );
  });

  it("signed by Stripe, with any object in it, is stored or refused, and never a fault of ours", async () => {
    const word = fc.constantFrom("payment_intent", "refund", "dispute", "charge", "payment_method", "order");
    const any = fc.dictionary(
      fc.constantFrom("id", "amount", "currency", "status", "metadata", "payment_intent", "created"),
      fc.jsonValue(),
    );
    await fc.assert(
      fc.asyncProperty(word, any, fc.string({ maxLength: 60 }), async (object, fields, type) => {
        const answer = await stage.deliver(stripeEvent(type, { ...fields, object }));
        expect([200, 400]).toContain(answer.status);
      }),
      { numRuns: 200 },
    );
  });
});
