import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { crc32 } from "node:zlib";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../../../providers/contract/clock.ts";
import type { WebhookDelivery, WebhookReading } from "../../../providers/contract/webhook.ts";
import { createPayPalProvider, type PayPalOptions } from "../../../providers/paypal/paypal.ts";
import { newSigner, type Signer } from "../../../providers/sandbox/paypal/certificate-authority.ts";
import { goodToken, newCall } from "./scripted-paypal.ts";

const WEBHOOK_ID = "1JE4291016473214C";
const PATH = "/v1/notifications/certs/CERT-1";
const NOW_MS = Date.now();
const DAY_MS = 86_400_000;

const CAPTURED = {
  id: "WH-58D329510W468432D-8HN650336L201105X",
  create_time: "2026-11-22T10:00:07.940Z",
  resource_type: "capture",
  event_type: "PAYMENT.CAPTURE.COMPLETED",
  resource: { id: "3C679366HH908993F", status: "COMPLETED", amount: { currency_code: "USD", value: "42.00" }, custom_id: "at_1" },
};
const REMOVED = { ...CAPTURED, id: "WH-2", event_type: "VAULT.PAYMENT-TOKEN.DELETED", resource: { id: "8kk845" } };

let signer: Signer;
let stranger: Signer;
let server: Server;
let base: string;
/** What the server says to each path; a number is a status without a body. */
let pages: Record<string, string | number>;
let asked: { path: string; body: string }[];
const providers: { close(): void }[] = [];

beforeAll(async () => {
  [signer, stranger] = [newSigner(), newSigner()];
  server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on("data", (chunk: Buffer) => chunks.push(chunk));
    req.on("end", () => {
      const path = req.url ?? "";
      if (path === "/v1/oauth2/token") return void res.end(JSON.stringify((goodToken as { body: unknown }).body));
      asked.push({ path, body: Buffer.concat(chunks).toString() });
      const page = pages[path] ?? 404;
      if (typeof page === "number") res.writeHead(page).end('{"name":"SOMETHING"}');
      else res.end(page);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
beforeEach(() => {
  pages = { [PATH]: signer.chain };
  asked = [];
});
afterEach(() => {
  for (const provider of providers.splice(0)) provider.close();
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

function provider(options: Partial<PayPalOptions> = {}) {
  const common = { clientId: "client", clientSecret: "secret", apiBase: base, clock: systemClock };
  const made = createPayPalProvider({ ...common, webhookId: WEBHOOK_ID, webhookCa: signer.authority, ...options });
  providers.push(made);
  return made;
}

interface Changes {
  readonly event?: unknown;
  readonly headers?: Record<string, string | undefined>;
  readonly by?: Signer;
  readonly webhookId?: string;
  readonly sentAtMs?: number;
  readonly body?: string;
}

/** As PayPal delivers it, but for the changes. */
function delivery({
  event = CAPTURED,
  headers = {},
  by = signer,
  webhookId = WEBHOOK_ID,
  sentAtMs = NOW_MS,
  body,
}: Changes = {}): WebhookDelivery {
  const text = JSON.stringify(event);
  const time = `${new Date(sentAtMs).toISOString().slice(0, 19)}Z`;
  const id = "d938e770-8046-11e6-8103-6b62a8a99ac4";
  return {
    body: Buffer.from(body ?? text),
    receivedAtMs: NOW_MS,
    headers: {
      "paypal-transmission-id": id,
      "paypal-transmission-time": time,
      "paypal-transmission-sig": by.sign(`${id}|${time}|${webhookId}|${crc32(text)}`),
      "paypal-cert-url": `${base}${PATH}`,
      "paypal-auth-algo": "SHA256withRSA",
      ...headers,
    },
  };
}

function read(from: WebhookDelivery, reader = provider()): Promise<WebhookReading> {
  return reader.readWebhook!(from, newCall());
}

describe("a webhook", () => {
  test("that PayPal signed for us is read", async () => {
    expect(await read(delivery())).toEqual({
      kind: "event",
      event: {
        id: CAPTURED.id,
        type: "PAYMENT.CAPTURE.COMPLETED",
        createdAtMs: Date.parse(CAPTURED.create_time),
        subject: {
          kind: "payment",
          object: null,
          reference: "3C679366HH908993F",
          attemptId: "at_1",
          chargeId: null,
          money: { amount: 4200n, currency: "usd" },
        },
      },
    });
  });

  test("costs one look at the certificate, however many come", async () => {
    const reader = provider();
    for (let times = 0; times < 3; times += 1) expect((await read(delivery(), reader)).kind).toBe("event");
    expect(asked.map(({ path }) => path)).toEqual([PATH]);
  });

  test("is not read by a provider without a webhook id", () => {
    const made = createPayPalProvider({ clientId: "c", clientSecret: "s", apiBase: base, clock: systemClock });
    providers.push(made);
    expect(made.readWebhook).toBeUndefined();
  });

  test.each<[string, () => Changes]>([
    ["another body", () => ({ body: JSON.stringify({ ...CAPTURED, id: "WH-forged" }) })],
    ["another webhook id: another account's, or the other mode's", () => ({ webhookId: "0AB1C" })],
    ["a key that nobody vouches for", () => ({ by: stranger })],
    ["no signature", () => ({ headers: { "paypal-transmission-sig": undefined } })],
    ["a signature that is none", () => ({ headers: { "paypal-transmission-sig": "AAAA" } })],
    ["another transmission id", () => ({ headers: { "paypal-transmission-id": "d938e770" } })],
    ["no transmission id", () => ({ headers: { "paypal-transmission-id": undefined } })],
    ["a bar in its transmission id", () => ({ headers: { "paypal-transmission-id": "a|b" } })],
    ["no time", () => ({ headers: { "paypal-transmission-time": undefined } })],
    ["another algorithm", () => ({ headers: { "paypal-auth-algo": "SHA1withRSA" } })],
    ["no algorithm", () => ({ headers: { "paypal-auth-algo": undefined } })],
  ])("with %s is refused", async (_name, changes) => {
    expect(await read(delivery(changes()))).toMatchObject({ kind: "refused", reason: "signature" });
  });

  test.each([
    ["of the last minute of its fourth day is read", -4 * DAY_MS + 60_000, { kind: "event" }],
    ["of the fifth day is too old", -4 * DAY_MS - 1_000, { kind: "refused", reason: "too_old" }],
    ["of a clock that is four minutes ahead is read", 240_000, { kind: "event" }],
    ["of the future is refused", 360_000, { kind: "refused", reason: "too_old" }],
  ])("%s", async (_name, agoMs, expected) => {
    expect(await read(delivery({ sentAtMs: NOW_MS + agoMs }))).toMatchObject(expected);
  });

  test("that is signed, and no event, is unreadable", async () => {
    expect(await read(delivery({ event: { hello: "world" } }))).toMatchObject({ kind: "refused", reason: "unreadable" });
  });
});

describe("the certificate", () => {
  test.each([
    "https://evil.example/v1/notifications/certs/CERT-1",
    "https://api.paypal.com.evil.example/v1/notifications/certs/CERT-1",
    "https://api.paypal.com@evil.example/v1/notifications/certs/CERT-1",
    "https://api.paypal.com/v1/notifications/certs/CERT-1",
    "file:///v1/notifications/certs/CERT-1",
    "no address",
    "",
  ])("at %j is never asked for", async (address) => {
    const refused = await read(delivery({ headers: { "paypal-cert-url": address } }));
    expect(refused).toMatchObject({ kind: "refused", reason: "signature" });
    expect(asked).toEqual([]);
  });

  test.each(["/elsewhere/CERT-1", `${PATH}/../../x`, `${PATH}?to=evil`, `${PATH}#x`, "/v1/notifications/certs/"])(
    "at our own API's %j is never asked for",
    async (path) => {
      expect((await read(delivery({ headers: { "paypal-cert-url": base + path } }))).kind).toBe("refused");
      expect(asked).toEqual([]);
    },
  );

  test("of PayPal's live API does not vouch for its sandbox, nor the other way round", async () => {
    const at = (host: string) => delivery({ headers: { "paypal-cert-url": `https://${host}${PATH}` } });
    const test = provider({ apiBase: "https://api-m.sandbox.paypal.com" });
    const live = provider({ apiBase: "https://api-m.paypal.com" });
    expect(await read(at("api.paypal.com"), test)).toMatchObject({ kind: "refused", detail: "the certificate is not at PayPal" });
    expect(await read(at("api.sandbox.paypal.com"), live)).toMatchObject({ kind: "refused", detail: "the certificate is not at PayPal" });
  });

  test.each<[string, string | number]>([
    ["500", 500],
    ["429", 429],
    ["a redirect", 302],
    ["a page that is no certificate", "<html>be back soon</html>"],
    ["more bytes than a certificate has", "x".repeat(70_000)],
  ])("that cannot be fetched (%s) leaves the delivery unknown: PayPal sends it again", async (_name, page) => {
    const reader = provider();
    pages = { [PATH]: page };
    expect(await read(delivery(), reader)).toMatchObject({ kind: "unknown" });
    pages = { [PATH]: signer.chain };
    expect(await read(delivery(), reader)).toMatchObject({ kind: "event" });
  });

  test("that PayPal does not have is a forgery", async () => {
    pages = {};
    expect(await read(delivery())).toMatchObject({ kind: "refused", reason: "signature" });
  });

  test("of an authority that we do not trust is refused, and so is ours without the setting", async () => {
    pages = { [PATH]: stranger.chain };
    expect(await read(delivery({ by: stranger }))).toMatchObject({ kind: "refused", reason: "signature" });
    pages = { [PATH]: signer.chain };
    const { webhookCa: _, ...options } = {
      clientId: "c",
      clientSecret: "s",
      apiBase: base,
      clock: systemClock,
      webhookId: WEBHOOK_ID,
      webhookCa: "",
    };
    const trusting = createPayPalProvider(options);
    providers.push(trusting);
    expect(await read(delivery(), trusting)).toMatchObject({ kind: "refused", detail: "no trusted authority has issued the certificate" });
  });

  test("is not valid for ever", async () => {
    const later = { ...delivery({ sentAtMs: NOW_MS + 11 * 365 * DAY_MS }), receivedAtMs: NOW_MS + 11 * 365 * DAY_MS };
    expect(await read(later)).toMatchObject({ kind: "refused", detail: "the certificate is not valid now" });
  });

  test("is not fetched for a call that is closed", async () => {
    const call = newCall();
    call.close();
    expect(await provider().readWebhook!(delivery(), call)).toMatchObject({ kind: "unknown" });
    expect(asked).toEqual([]);
  });

  test("is fetched once for all deliveries that wait for it", async () => {
    const reader = provider();
    const burst = await Promise.all(Array.from({ length: 12 }, () => read(delivery(), reader)));
    expect(new Set(burst.map(({ kind }) => kind))).toEqual(new Set(["event"]));
    expect(asked).toHaveLength(1);
  });

  test("is fetched for a few deliveries at a time: a flood of forged ones is not passed on", async () => {
    const reader = provider();
    const flood = Array.from({ length: 12 }, (_, i) => read(delivery({ headers: { "paypal-cert-url": `${base}${PATH}${i}` } }), reader));
    const kinds = (await Promise.all(flood)).map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === "unknown")).toHaveLength(8);
    expect(asked).toHaveLength(4);
  });
});

describe("an event that is believed as it stands", () => {
  const page = `/v1/notifications/webhooks-events/${REMOVED.id}`;

  test("is PayPal's own, read again: the signature does not cover every byte", async () => {
    pages[page] = JSON.stringify({ ...REMOVED, resource: { id: "another" } });
    expect(await read(delivery({ event: REMOVED }))).toMatchObject({
      kind: "event",
      event: { subject: { kind: "instrument", reference: "another" } },
    });
    expect(asked.map(({ path }) => path)).toEqual([PATH, page]);
  });

  test("is refused when PayPal knows of none", async () => {
    expect(await read(delivery({ event: REMOVED }))).toMatchObject({ kind: "refused", reason: "signature" });
  });

  test.each<[string, string | number]>([
    ["an error", 500],
    ["another event", JSON.stringify(CAPTURED)],
    ["no event", "{}"],
  ])("waits when PayPal answers with %s", async (_name, answer) => {
    pages[page] = answer;
    expect(await read(delivery({ event: REMOVED }))).toMatchObject({ kind: "unknown" });
  });
});

describe("where PayPal is asked about each delivery", () => {
  const VERIFY = "/v1/notifications/verify-webhook-signature";
  const odd = `{ "id": "WH-3", "create_time": "2026-11-22T10:00:07Z",  "event_type": "PAYMENT.CAPTURE.PENDING", "big": 1.50 }`;

  test("it gets the event byte by byte, and its word is taken", async () => {
    pages[VERIFY] = '{"verification_status":"SUCCESS"}';
    expect(await read(delivery({ body: odd }), provider({ webhookVerification: "api" }))).toMatchObject({
      kind: "event",
      event: { id: "WH-3" },
    });
    expect(asked.map(({ path }) => path)).toEqual([VERIFY]);
    expect(asked[0]?.body).toContain(`"webhook_event":${odd}}`);
    expect(JSON.parse(asked[0]?.body ?? "")).toMatchObject({
      auth_algo: "SHA256withRSA",
      cert_url: `${base}${PATH}`,
      webhook_id: WEBHOOK_ID,
      webhook_event: { id: "WH-3" },
    });
  });

  test.each<[string, string | number, object]>([
    ["FAILURE", '{"verification_status":"FAILURE"}', { kind: "refused", reason: "signature" }],
    ["something else", '{"verification_status":"PERHAPS"}', { kind: "unknown" }],
    ["nothing that can be read", "<html>", { kind: "unknown" }],
    ["401", 401, { kind: "unknown" }],
    ["500", 500, { kind: "unknown" }],
  ])("%s", async (_name, answer, expected) => {
    pages[VERIFY] = answer;
    expect(await read(delivery(), provider({ webhookVerification: "api" }))).toMatchObject(expected);
  });
});
