import { readFile } from "node:fs/promises";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ask, chargeUntilTold, inParallel } from "./client.ts";
import type { Gateway } from "./gateway-process.ts";
import { startWorld, until, type World } from "./harness.ts";
import { goodBody } from "./storm.ts";

interface Got {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly type: string;
  readonly charge: string | null;
}

let world: World;
let gateways: Gateway[];
let receiver: Server;
let url: string;
const got: Got[] = [];

beforeAll(async () => {
  world = await startWorld({ env: { WEBHOOK_ALLOW_PRIVATE: "on" } });
  gateways = await Promise.all([world.start(), world.start()]);
  receiver = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    const { type, data } = JSON.parse(body);
    got.push({ headers: request.headers, body, type, charge: data.charge ?? null });
    // Every third one fails the first time.
    response.writeHead(got.length % 3 === 0 ? 500 : 204).end();
  });
  await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(receiver.address() as { port: number }).port}/hooks`;
});
afterAll(async () => {
  receiver.closeAllConnections();
  receiver.close();
  await world.close();
});

/** The example of the documentation, as a receiver would use it. */
async function documented(): Promise<(secret: string, headers: IncomingHttpHeaders, rawBody: string) => boolean> {
  const page = await readFile(new URL("../../docs/webhooks-out.md", import.meta.url), "utf8");
  const [, code = ""] = /```js\n([\s\S]*?)```/.exec(page) ?? [];
  return (await import(`data:text/javascript,${encodeURIComponent(code)}`)).verify;
}

it("tells a receiver of every charge, signed, through failures and the death of a gateway; the events page says the same", {
  timeout: 600_000,
}, async () => {
  const [first, second] = gateways as [Gateway, Gateway];
  const made = await ask<{ secret: string }>(first.url, "POST /v1/webhook-endpoints", { body: { url, events: ["charge.*"] } });
  expect(made.status).toBe(201);
  const charge = (numbers: readonly number[]) =>
    inParallel(numbers, 4, (n) => chargeUntilTold(() => world.urls(), { key: `hook-${n}`, body: goodBody(n) }));
  const charges = [...(await charge([1, 2, 3, 4, 5, 6, 7, 8]))];
  await second.kill9();
  charges.push(...(await charge([9, 10, 11, 12])));

  const ids = charges.map(({ charge: { id } }) => id);
  const told = () => new Set(got.flatMap((one) => (one.type === "charge.succeeded" ? [one.charge] : [])));
  await until(told, (seen) => ids.every((id) => seen.has(id)));
  const verify = await documented();
  for (const { headers, body } of got) expect(verify(made.body.secret, headers, body)).toBe(true);
  expect(verify(made.body.secret, got[0]!.headers, `${got[0]!.body} `)).toBe(false);

  const page = await ask<{ data: object[] }>(first.url, "GET /v1/events?type=charge.succeeded&limit=100");
  const sent = new Set(got.filter(({ type }) => type === "charge.succeeded").map(({ body }) => body));
  expect(new Set(page.body.data.map((event) => JSON.stringify(event)))).toEqual(sent);
});

it("sends nothing to private addresses unless that is allowed", async () => {
  const strict = await world.start({ WEBHOOK_ALLOW_PRIVATE: "off" });
  const refused = await ask<{ errors: object[] }>(strict.url, "POST /v1/webhook-endpoints", {
    body: { url: url.replace("http:", "https:"), events: ["*"] },
  });
  expect(refused.status).toBe(422);
  expect(refused.body.errors).toEqual([{ pointer: "/url", detail: expect.stringContaining("public internet") }]);
});
