import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { verifyWebhook } from "../../../gateway/client/verify-webhook.ts";
import { secretText, signatureHeaders } from "../../../gateway/webhooks-out/signature.ts";

const NOW_MS = 1_796_083_200_000;
const KEYS = [randomBytes(32), randomBytes(32)] as const;
const [ours, old] = KEYS.map(secretText) as [string, string];
const EVENT = {
  type: "charge.succeeded",
  timestamp: "2026-12-01T00:00:00Z",
  data: { id: "evt_1", charge: "ch_1", reference: "Rechnung-ü" },
};
const body = JSON.stringify(EVENT);
const sign = (secrets: readonly Uint8Array[] = [KEYS[0]], atMs = NOW_MS) => signatureHeaders({ id: "evt_1_we_1", body, secrets, atMs });
const verify = (given: Parameters<typeof verifyWebhook>[1], secrets: string | string[] = ours, text: string | Uint8Array = body) =>
  verifyWebhook(text, given, secrets, { nowMs: NOW_MS });

describe("a webhook that the gateway signed", () => {
  it("is taken, from a Headers or from node:http, as text or as bytes", () => {
    const headers = sign();
    expect(verify(headers)).toEqual(EVENT);
    expect(verify(new Headers(headers))).toEqual(EVENT);
    expect(verify(Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toUpperCase(), value])))).toEqual(EVENT);
    expect(verify(headers, ours, Buffer.from(body))).toEqual(EVENT);
    expect(verify(headers, ours, new Uint8Array(Buffer.from(body)))).toEqual(EVENT);
  });

  it("is taken through a rotation: two signatures and one secret, one signature and two secrets, both", () => {
    for (const secrets of [ours, old, [old, ours], [ours, old]]) expect(verify(sign(KEYS), secrets)).toEqual(EVENT);
    expect(verify(sign([KEYS[1]]), [ours, old])).toEqual(EVENT);
  });

  it("is taken up to five minutes early or late", () => {
    for (const ageMs of [-299_000, 299_000]) expect(verify(sign([KEYS[0]], NOW_MS - ageMs))).toEqual(EVENT);
  });

  it("may carry signatures of other kinds", () => {
    const headers = sign();
    expect(verify({ ...headers, "webhook-signature": `v1a,xxxx v2,${"A".repeat(44)} ${headers["webhook-signature"]}` })).toEqual(EVENT);
  });
});

describe("nothing else is taken", () => {
  const headers = sign();
  const signature = headers["webhook-signature"]!;
  const flipped = `${signature.slice(0, 10)}${signature[10] === "A" ? "B" : "A"}${signature.slice(11)}`;
  it.each([
    ["another body", "signature_wrong", headers, `${body} `],
    ["another id", "signature_wrong", { ...headers, "webhook-id": "evt_2_we_1" }, body],
    ["another time", "signature_wrong", { ...headers, "webhook-timestamp": String(NOW_MS / 1_000 + 1) }, body],
    ["one other character in the signature", "signature_wrong", { ...headers, "webhook-signature": flipped }, body],
    ["a signature cut short", "signature_wrong", { ...headers, "webhook-signature": signature.slice(0, -8) }, body],
    ["an empty signature", "signature_wrong", { ...headers, "webhook-signature": "v1," }, body],
    ["a signature without its version", "signature_wrong", { ...headers, "webhook-signature": signature.slice(3) }, body],
    ["a strange secret's", "signature_wrong", sign([randomBytes(32)]), body],
    ["an old one", "too_old", sign([KEYS[0]], NOW_MS - 301_000), body],
    ["one from the future", "too_new", sign([KEYS[0]], NOW_MS + 301_000), body],
    ["no time", "timestamp_invalid", { ...headers, "webhook-timestamp": "now" }, body],
    ["no id", "header_missing", { ...headers, "webhook-id": undefined }, body],
    ["no signature", "header_missing", { ...headers, "webhook-signature": "" }, body],
    ["two ids", "header_missing", { ...headers, "webhook-id": ["a", "b"] }, body],
  ] as const)("%s: %s", (_, code, given, text) => {
    expect(() => verify(given, ours, text)).toThrow(expect.objectContaining({ name: "WebhookError", code }));
  });

  it("a signed body that is no event", () => {
    const signed = signatureHeaders({ id: "x", body: "[]", secrets: [KEYS[0]], atMs: NOW_MS });
    expect(() => verify(signed, ours, "[]")).toThrow(expect.objectContaining({ code: "body_invalid" }));
  });

  it("and a secret that is none, or a body that was parsed, is the caller's mistake", () => {
    for (const secret of ["", "whsec_", "whsec_c2hvcnQ=", "not base64 at all, but long enough to be", "whsec_***"])
      expect(() => verify(headers, secret)).toThrow(TypeError);
    expect(() => verify(headers, [])).toThrow(TypeError);
    expect(() => verify(headers, ours, EVENT as never)).toThrow(/^body: /);
  });
});
