import { createHash } from "node:crypto";
import supertest from "supertest";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createHttpFixture, type HttpFixture, statusAt } from "./http-fixture.ts";

let http: HttpFixture;
beforeAll(async () => {
  http = await createHttpFixture();
});
afterAll(() => http.close());

/** What a browser asks for. */
const BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
const ask = (accept?: string) => {
  const asked = supertest(http.app).get("/status");
  return accept === undefined ? asked : asked.set("Accept", accept);
};

const SENTENCES = {
  operational: { all: "Everything works normally", payments: "Payments work normally." },
  degraded: { all: "Payments work, with delays in places", payments: "Payments work. Some may take a little longer than usual." },
  outage: {
    all: "Payments are saved and collected later",
    payments: "Payments cannot be completed right now. What was accepted is saved and collected later: there is no need to pay it again.",
  },
} as const;
const LEVELS = ["operational", "degraded", "outage"] as const;

/** The page as it is read: without its tags. */
function textOf(html: string): string {
  const [, body = ""] = /<body>([\s\S]*)<\/body>/.exec(html) ?? [];
  return body.replaceAll(/<[^>]+>/g, " ").replaceAll(/\s+/g, " ");
}

describe.each(LEVELS)("/status while it is %s", (level) => {
  it("is JSON for programs, with a sentence for each capability and since when", async () => {
    http.system.status = statusAt(level);
    for (const accept of [undefined, "*/*", "application/json"]) {
      const { status, body, headers } = await ask(accept);
      expect([status, headers["content-type"]]).toEqual([200, "application/json; charset=utf-8"]);
      expect(body).toMatchObject({
        status: level,
        since: "2026-06-01T00:00:00.000Z",
        message: SENTENCES[level].all,
        as_of: "2026-06-01T01:02:03.000Z",
      });
      expect(body.capabilities.map(({ name }: { name: string }) => name)).toEqual(["New payments", "Payments saved for later", "Refunds"]);
      expect(body.capabilities[0]).toEqual({
        id: "new_payments",
        name: "New payments",
        status: level,
        since: "2026-06-01T00:00:00.000Z",
        message: SENTENCES[level].payments,
      });
    }
  });

  it("is a page for people, which says the same in words", async () => {
    http.system.status = statusAt(level);
    const { status, text, headers } = await ask(BROWSER);
    expect([status, headers["content-type"]]).toEqual([200, "text/html; charset=utf-8"]);
    const read = textOf(text);
    expect(read).toContain(SENTENCES[level].all);
    expect(read).toContain(SENTENCES[level].payments);
    expect(read).toContain("since 2026-06-01 00:00 UTC");
    expect(read).toContain("As of 2026-06-01 01:02 UTC");
    const word = { operational: "Operational", degraded: "Degraded", outage: "Outage" }[level];
    expect(read.split(word).length - 1).toBe(4);
  });
});

it("says that nothing can be accepted when that is so", async () => {
  http.system.status = { ...statusAt("outage"), charges: "not_accepted" };
  expect((await ask()).body).toMatchObject({ charges: "not_accepted", message: "Payments cannot be accepted right now" });
  expect(textOf((await ask(BROWSER)).text)).toContain("Please try again later.");
});

it("names no processor, no amount and no count", async () => {
  http.system.status = statusAt("degraded");
  const told = `${JSON.stringify((await ask()).body)} ${textOf((await ask(BROWSER)).text)}`;
  expect(told).not.toMatch(/stripe|paypal|amount|usd|provider|processor/i);
});

describe("the page", () => {
  it("needs no script and nothing from elsewhere; its policy allows its own style and nothing else", async () => {
    const { text, headers } = await ask(BROWSER);
    expect(text).not.toMatch(/<script|<img|<iframe|\son\w+=|https?:\/\/|style="/i);
    const [, style = ""] = /<style>([\s\S]*)<\/style>/.exec(text) ?? [];
    const hash = createHash("sha256").update(style).digest("base64");
    expect(headers["content-security-policy"]).toBe(
      `default-src 'none'; style-src 'sha256-${hash}'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    );
    expect(text).toContain('<meta name="viewport" content="width=device-width, initial-scale=1">');
    expect(text).toContain('<html lang="en">');
  });

  it("can be read in light and in dark: every colour of text has a contrast of 4.5 on its ground", async () => {
    const { text } = await ask(BROWSER);
    const [light, dark] = text.split("@media (prefers-color-scheme: dark)") as [string, string];
    for (const scheme of [light, dark]) {
      const colours = Object.fromEntries(Array.from(scheme.matchAll(/--(\w+): (#[0-9a-f]{3,6})/g), ([, name, hex]) => [name, hex]));
      for (const ground of ["ground", "card"]) {
        for (const ink of ["text", "soft", ...LEVELS]) {
          expect(contrast(colours[ink]!, colours[ground]!), `${ink} on ${ground}`).toBeGreaterThanOrEqual(4.5);
        }
      }
    }
  });

  it("may be kept by proxies for a moment, each form for itself", async () => {
    for (const accept of ["application/json", BROWSER]) {
      const { headers } = await ask(accept);
      expect(headers["cache-control"]).toBe("public, max-age=10");
      expect(headers.vary).toMatch(/Accept/);
    }
  });
});

/** WCAG 2. */
function contrast(a: string, b: string): number {
  const [high = 0, low = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (high + 0.05) / (low + 0.05);
}

function luminance(hex: string): number {
  const full = hex.length === 4 ? hex.replace(/[0-9a-f]/g, "$&$&") : hex;
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(full.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
