import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Listening, listen } from "../../../gateway/http/listen.ts";
import { createHttpFixture, type HttpFixture, KEYS, VALID_CHARGE } from "./http-fixture.ts";

let http: HttpFixture;
let server: Listening;
beforeAll(async () => {
  http = await createHttpFixture();
  server = await listen(http.app, { host: "127.0.0.1", port: 0 });
});
afterAll(async () => {
  await server.close(100);
  await http.close();
});

const anyText = fc.string({ unit: "binary" });
const anyValue = fc.oneof(
  fc.jsonValue({ maxDepth: 4 }),
  anyText,
  fc.constantFrom("4111111111111111", "\0", "\ud800", "__proto__", 1e21, -0, "2026-12-01T00:00:00Z"),
);
const field = fc.constantFrom(
  "amount",
  "currency",
  "reference",
  "payment_method",
  "defer",
  "metadata",
  "description",
  "capture",
  "failover",
  "x",
  "__proto__",
);
const paths = fc.constantFrom(
  "/v1/charges",
  "/v1/charges/ch_1/cancel",
  "/v1/charges/ch_1/resolve",
  "/v1/refunds/re_1/resolve",
  "/v1/keys",
  "/v1/dead-letters/dl_1/replay",
);

async function send(path: string, body: string | Uint8Array, method = "POST"): Promise<Response> {
  const init = { method, headers: { authorization: `Bearer ${KEYS.admin}`, "content-type": "application/json", "idempotency-key": "k" } };
  return fetch(
    `http://127.0.0.1:${server.port}${path}`,
    method === "GET" ? init : { ...init, body: typeof body === "string" ? body : Buffer.from(body) },
  );
}

/** Never a fault of ours; a refusal is problem+json with a code. */
async function expectSane(answer: Response): Promise<void> {
  const text = await answer.text();
  expect(answer.status, text).toBeLessThan(500);
  if (answer.status < 400) return;
  expect(answer.headers.get("content-type")).toBe("application/problem+json");
  expect(JSON.parse(text)).toMatchObject({ status: answer.status, code: expect.any(String), money: expect.any(String) });
  expect(text).not.toMatch(/4111111111111111|node_modules|\.ts:/);
}

describe("input of any kind", () => {
  it("as JSON is answered without a fault of ours", async () => {
    await fc.assert(
      fc.asyncProperty(paths, anyValue, async (path, value) => expectSane(await send(path, JSON.stringify(value) ?? ""))),
      { numRuns: 300 },
    );
  });

  it("in any field of a charge is answered without a fault of ours", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(field, anyValue), { maxLength: 4 }), async (changes) => {
        const text = JSON.stringify({ ...VALID_CHARGE, ...Object.fromEntries(changes) });
        await expectSane(await send("/v1/charges", text));
      }),
      { numRuns: 500 },
    );
  });

  it("as bytes is answered without a fault of ours", async () => {
    await fc.assert(
      fc.asyncProperty(paths, fc.uint8Array({ maxLength: 200 }), async (path, bytes) => expectSane(await send(path, bytes))),
      { numRuns: 200 },
    );
  });

  it("with one character of a valid charge changed is answered without a fault of ours", async () => {
    const valid = JSON.stringify({ ...VALID_CHARGE, metadata: { a: "b" }, defer: false });
    await fc.assert(
      fc.asyncProperty(fc.nat(valid.length - 1), fc.string({ unit: "binary", minLength: 0, maxLength: 1 }), async (at, character) =>
        expectSane(await send("/v1/charges", valid.slice(0, at) + character + valid.slice(at + 1))),
      ),
      { numRuns: 300 },
    );
  });

  it("as an id or a query is answered without a fault of ours", async () => {
    const list = fc.constantFrom("/v1/charges", "/v1/dead-letters", "/v1/keys");
    const name = fc.constantFrom(
      "limit",
      "starting_after",
      "status",
      "provider",
      "reference",
      "idempotency_key",
      "created_from",
      "created_before",
      "state",
    );
    const text = fc.oneof(
      anyText,
      fc.constantFrom("0", "100", "2026-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "0000-01-01T00:00:00Z", "\0", "failed"),
    );
    await fc.assert(
      fc.asyncProperty(list, name, text, async (path, parameter, value) => {
        const encoded = encodeURIComponent(value.toWellFormed());
        await expectSane(await send(`${path}?${parameter}=${encoded}`, "", "GET"));
        await expectSane(await send(`/v1/charges/${encoded}`, "", "GET"));
      }),
      { numRuns: 300 },
    );
  });
});
