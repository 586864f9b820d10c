import { createHash } from "node:crypto";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ask, type ChargeJson } from "./client.ts";
import { startWorld, until, type World } from "./harness.ts";
import { type InterfaceDocument, lacking, lint } from "./interface-document.ts";

let world: World;
let url: string;
let document: InterfaceDocument;
let catalogue: readonly string[];
beforeAll(async () => {
  world = await startWorld({ env: { WEBHOOK_ALLOW_PRIVATE: "on" } });
  ({ url } = await world.start());
  const { body } = await ask<InterfaceDocument & { components: { schemas: { Problem: { properties: { code: { enum: string[] } } } } } }>(
    url,
    "GET /openapi.json",
  );
  document = body;
  catalogue = body.components.schemas.Problem.properties.code.enum;
});
afterAll(() => world.close());

it("the interface lacks no chapter, word, example or refusal; what a new route lacks is listed here", () => {
  expect(lacking(document, catalogue)).toEqual([]);
  expect(Object.keys(document.paths).length).toBeGreaterThan(40);
});

it("the linter finds nothing in it, and every example fits its schema", async () => {
  expect(await lint(document)).toEqual([]);
});

it("an example that does not fit, a route without words and an unknown refusal are found", async () => {
  const broken = structuredClone(document) as unknown as { paths: Record<string, Record<string, Record<string, unknown>>> };
  const create = broken.paths["/v1/charges"]!.post as unknown as {
    description: string;
    responses: Record<string, { content: Record<string, { examples: Record<string, { value: Record<string, unknown> }> }> }>;
  };
  create.description = "Roles: billing, admin.";
  create.responses[201]!.content["application/json"]!.examples.paid!.value.amount = "4200";
  create.responses[202]!.content["application/json"]!.examples.deferred!.value.colour = "red";
  create.responses[503]!.content["application/problem+json"]!.examples.no_such_code = { value: { code: "no_such_code", status: 503 } };
  expect(lacking(broken as unknown as InterfaceDocument, catalogue)).toEqual([
    expect.stringContaining("post /v1/charges: no `description`"),
    expect.stringContaining("post /v1/charges: 503 no_such_code"),
  ]);
  const found = await lint(broken);
  expect(found).toEqual(expect.arrayContaining([expect.stringContaining("201"), expect.stringContaining("202")]));
});

it("what a gateway really answers is what the interface says, in every list and every thing that can be read", async () => {
  const real = structuredClone(document) as unknown as { paths: Record<string, { get: { responses: Record<string, unknown> } }> };
  const ids = await somethingOfEach();
  for (const [path, { get }] of Object.entries(document.paths)) {
    // The console's are for a browser that is signed in; a dispute comes by the processors' webhooks alone.
    if (get === undefined || path === "/openapi.json" || path.startsWith("/console") || path === "/v1/disputes/{id}") continue;
    const address = path.replace(/\{\w+\}/, (name) => ids[path] ?? `no-${name}-for-this-path-in-somethingOfEach`);
    const { status, text, type, body } = await ask(url, `GET ${address}`);
    expect(status, `${address} ${text.slice(0, 300)}`).toBe(200);
    const { content } = real.paths[path]!.get.responses[200] as { content: Record<string, { examples: object }> };
    if (type.includes("json")) content["application/json"]!.examples = { real: { value: body } };
    else expect(Object.keys(content)).toContain(type.split(";")[0]);
  }
  expect(await lint(real)).toEqual([]);
});

/** By path, the id of what is read there. */
async function somethingOfEach(): Promise<Readonly<Record<string, string>>> {
  const token = { payment_method: "pm_card_visa" };
  const charge = (key: string, payment_method: object) =>
    ask<ChargeJson>(url, "POST /v1/charges", { key, body: { amount: 4_200, currency: "usd", payment_method } });
  const paid = (await charge("paid", { stripe: token, type: "card", brand: "visa", country: "US" })).body.id;
  await charge("declined", { stripe: { payment_method: "pm_card_visa_chargeDeclinedInsufficientFunds" } });
  const { body: refund } = await ask<{ id: string }>(url, "POST /v1/refunds", { key: "refund", body: { charge: paid, amount: 100 } });
  const { body: method } = await ask<{ id: string }>(url, "POST /v1/payment-methods", { body: { stripe: token } });
  const hook = { url: "http://127.0.0.1:9/hooks", events: ["*"] };
  const { body: endpoint } = await ask<{ id: string }>(url, "POST /v1/webhook-endpoints", { body: hook });
  await ask(url, `POST /v1/webhook-endpoints/${endpoint.id}/test`);
  const { body: run } = await ask<{ id: string }>(url, "POST /v1/reconciliation/runs", {
    body: { from: new Date(Date.now() - 7_200_000).toISOString(), to: new Date(Date.now() - 3_600_000).toISOString() },
  });
  await ask(url, "PUT /v1/providers/stripe/override", { body: { mode: "up", reason: "a test", expires_in: 60 } });
  await ask(url, "PUT /v1/routing/rules", { body: { version: 0, rules: {} } });
  await ask(url, "POST /v1/keys", { body: { name: "a test", role: "finance" } });
  await until(
    () => ask<{ data: object[] }>(url, "GET /v1/events"),
    ({ body }) => body.data.length >= 3,
  );
  return {
    "/v1/charges/{id}": paid,
    "/v1/refunds/{id}": refund.id,
    "/v1/payment-methods/{id}": method.id,
    "/v1/webhook-endpoints/{id}": endpoint.id,
    "/v1/webhook-endpoints/{id}/deliveries": endpoint.id,
    "/v1/reconciliation/runs/{id}": run.id,
    "/v1/routing/decisions/{charge}": paid,
  };
}

it("/docs shows every operation and refusal without a key, and needs nothing but itself", async () => {
  const { status, type, text, headers } = await ask(url, "GET /docs", { headers: { authorization: "" } });
  expect([status, type]).toEqual([200, "text/html; charset=utf-8"]);
  for (const item of Object.values(document.paths)) {
    for (const { operationId } of Object.values(item) as { operationId?: string }[])
      expect(text).toContain(`<article id="${operationId}">`);
  }
  for (const [, anchor] of text.matchAll(/href="#([^"]+)"/g)) expect(text).toContain(`id="${anchor}"`);
  // Addresses in it: its own anchors and the document; no image, font, script or style from anywhere.
  expect([...new Set(Array.from(text.matchAll(/\s(?:href|src|action)="([^"#][^"]*)"/g), ([, address]) => address))]).toEqual([
    "/openapi.json",
  ]);
  expect(text).not.toMatch(/\s(?:style|on\w+)=|@import|url\(/);
  const policy = headers.get("content-security-policy")!;
  for (const tag of ["style", "script"]) {
    const [, inline] = new RegExp(`<${tag}>(.*?)</${tag}>`, "s").exec(text)!;
    expect(policy).toContain(`${tag}-src 'sha256-${createHash("sha256").update(inline!).digest("base64")}'`);
  }
  expect(policy).toMatch(/^default-src 'none';/);
  expect(policy).not.toMatch(/unsafe|https?:|\*/);
});
