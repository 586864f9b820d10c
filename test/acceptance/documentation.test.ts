import { readFileSync } from "node:fs";
import { access, glob, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { ask } from "./client.ts";
import { followGuide, GUIDE_TIMEOUT_MS } from "./follow-guide.ts";
import { ADMIN_KEY, startWorld, until, type World } from "./harness.ts";

const ROOT = join(import.meta.dirname, "../..");
const DOCS = new URL("../../docs/", import.meta.url);

interface Page {
  readonly file: string;
  readonly text: string;
}

interface Document {
  readonly paths: Readonly<Record<string, object>>;
  readonly components: {
    readonly schemas: {
      readonly Problem: { readonly properties: { readonly code: { readonly enum: readonly string[] } } };
      readonly Event: { readonly properties: { readonly type: { readonly enum: readonly string[] } } };
    };
  };
}

const pages: Page[] = [];
/** All of our TypeScript, for words that stand in it as literals. */
let source = "";
let world: World;
let url: string;
let directory: string;
let operations: Document["paths"];
let problems: readonly string[];
let publicEvents: readonly string[];
beforeAll(async () => {
  for await (const file of glob(["README.md", "docs/**/*.md"], { cwd: ROOT })) {
    pages.push({ file, text: readFileSync(join(ROOT, file), "utf8") });
  }
  for await (const file of glob("{gateway,providers,test}/**/*.ts", { cwd: ROOT })) source += readFileSync(join(ROOT, file), "utf8");
  // A page promises what happens with the usual deadlines, not on a machine that is too busy for short ones.
  world = await startWorld({ env: { PROVIDER_TIMEOUT_MS: "5000", CHARGE_BUDGET_MS: "15000" } });
  ({ url } = await world.start());
  directory = await mkdtemp(join(tmpdir(), "switchyard-guides-"));
  await mkdir(join(directory, ".data"));
  const keys = Object.fromEntries(["billing", "finance", "ops"].map((role) => [role, ADMIN_KEY]));
  await writeFile(join(directory, ".data", "keys.json"), JSON.stringify(keys, null, 2));
  const document = (await ask<Document>(url, "GET /openapi.json")).body;
  operations = document.paths;
  problems = document.components.schemas.Problem.properties.code.enum;
  publicEvents = document.components.schemas.Event.properties.type.enum;
});
beforeEach(async () => {
  world.sandbox.clearFaults();
  await world.sandbox.listening();
  await until(wellAgain, (status) => status === "operational");
});
afterAll(async () => {
  await world.close();
  await rm(directory, { recursive: true, force: true });
});

let probes = 0;

/** What an outage has left of a gate's doubts ends with charges that go well; on a slow machine the guide before may have opened one. */
async function wellAgain(): Promise<string> {
  const { status } = (await ask<{ status: string }>(url, "GET /status")).body;
  if (status === "operational") return status;
  for (const payment_method of [{ stripe: { payment_method: "pm_card_visa" } }, { paypal: { vault_id: "vault-1" } }]) {
    const body = { amount: 100, currency: "usd", payment_method, defer: false };
    await ask(url, "POST /v1/charges", { key: `well-again-${probes++}`, body });
  }
  return status;
}

/** What the pages say that is not so: `docs/x.md: word`. */
function unknown(pattern: RegExp, isKnown: (word: string, page: Page) => boolean): string[] {
  const found = pages.flatMap((page) => Array.from(page.text.matchAll(pattern), ([all, word = all]) => ({ page, word })));
  expect(found.length).toBeGreaterThan(10);
  return found.flatMap(({ page, word }) => (isKnown(word, page) ? [] : [`${page.file}: ${word}`]));
}

it("every address in the documentation is one of the interface", () => {
  const paths = Object.keys(operations);
  const known = paths.map((path) => new RegExp(`^${path.replaceAll(/\{\w+\}/g, "[^/]+")}$`));
  const isKnown = (path: string) => known.some((one) => one.test(path)) || paths.some((one) => one.startsWith(`${path}/`));
  expect(unknown(/(?<=[\s`(/$L])(\/(?:v1|webhooks)\/[\w\-/{}$.<>:]*[\w}>])/g, isKnown)).toEqual([]);
});

it("every problem, event and setting in it exists", () => {
  expect(unknown(/\b[45]\d\d `(\w+)`/g, (code) => problems.includes(code))).toEqual([]);
  const groups = new Set(publicEvents.map((type) => type.split(".")[0]!));
  const events = new RegExp(`\`((?:${[...groups, "compensation", "webhook", "webhook_endpoint"].join("|")})\\.[a-z_]+)\``, "g");
  expect(unknown(events, (type) => publicEvents.includes(type) || source.includes(`"${type}"`))).toEqual([]);
  expect(unknown(/`([A-Z]+(?:_[A-Z]+)+)(?:=[^`]*)?`/g, (name) => source.includes(name))).toEqual([]);
});

it("every link in it leads to a page, or a heading of one", () => {
  const isThere = (link: string, { file, text }: Page) => {
    const [path = "", heading] = link.split("#");
    const target = path === "" ? file : join(dirname(file), path);
    try {
      const there = path === "" ? text : readFileSync(join(ROOT, target), "utf8");
      return heading === undefined || there.split("\n").some((line) => line.startsWith("#") && anchorOf(line) === heading);
    } catch {
      return false;
    }
  };
  expect(unknown(/\]\((?!https?:)([^)\s]+)\)/g, isThere)).toEqual([]);
});

it("no page holds two versions of itself that a merge left beside each other", () => {
  expect(pages.filter(({ text }) => /^(?:<{7}|={7}|>{7})(?: |$)/m.test(text)).map(({ file }) => file)).toEqual([]);
});

function anchorOf(heading: string): string {
  return heading
    .replace(/^#+ /, "")
    .toLowerCase()
    .replaceAll(/[^\w\- ]/g, "")
    .replaceAll(" ", "-");
}

const follow = (page: string) => followGuide(page, { url, sandboxUrl: world.sandbox.controlUrl, directory });
const count = (text: string, part: string): number => text.split(part).length - 1;

it("the guide to the first charge leads to one, the same again, a decline, and one capture in the processor's books", {
  timeout: GUIDE_TIMEOUT_MS,
}, async () => {
  const out = await follow("first-charge.md");
  expect(out.toLowerCase()).toContain("idempotent-replayed: true");
  expect(out).toContain('"code":"insufficient_funds"');
  expect(count(out, '"status":"succeeded"')).toBeGreaterThanOrEqual(3);
  expect(world.sandbox.ledger()).toHaveLength(1);
});

it("the guide to the 202 leads to a deferred charge, its collection, and one that is withdrawn", {
  timeout: GUIDE_TIMEOUT_MS,
}, async () => {
  const before = world.sandbox.ledger().length;
  const out = await follow("what-a-202-means.md");
  expect(out).toContain('"status":"deferred"');
  expect(out).toContain('"object":"deferred_summary"');
  expect(out).toContain('"status":"succeeded"');
  expect(out).toContain('"status":"canceled"');
  expect(world.sandbox.ledger().length - before).toBe(1);
});

it("the guide to failover leads past a drained, a dead and a silent processor, and back", { timeout: GUIDE_TIMEOUT_MS }, async () => {
  const out = await follow("forcing-failover.md");
  expect(out).toContain('"mode":"drain"');
  expect(out).toMatch(/"reference":"invoice-3001".*"provider":"paypal"/);
  expect(out).toMatch(/"reference":"invoice-3002".*"provider":"paypal"/);
  expect(out).toMatch(/"reference":"invoice-3003".*"provider":"stripe"/);
  expect(out).toContain('"strategy":"success_rate"');
});

it("the guide to the numbers leads to them", { timeout: GUIDE_TIMEOUT_MS }, async () => {
  const out = await follow("reading-the-numbers.md");
  expect(out).toContain('"object":"routing_stats"');
  const [stats, findings, metrics] = await Promise.all(
    ["stats.csv", "findings.csv", "metrics.txt"].map((file) => readFile(join(directory, file), "utf8")),
  );
  expect(stats).toMatch(/^interval_start,provider,currency,/);
  expect(findings).toMatch(/^id,kind,provider,/);
  expect(metrics).toContain("switchyard_provider_state{");
});

it("the other pages give files, settings and numbers that there are", async () => {
  const page = await readFile(new URL("adding-a-provider.md", DOCS), "utf8");
  const files = Array.from(page.matchAll(/`((?:gateway|providers|test)\/[\w/.-]+)`/g), ([, file]) => file!).filter(
    (file) => !file.includes("acme"),
  );
  expect(files.length).toBeGreaterThan(5);
  for (const file of files) await access(new URL(`../${file}`, DOCS));
  const production = await readFile(new URL("production.md", DOCS), "utf8");
  const benchmark = await readFile(new URL("benchmark.md", DOCS), "utf8");
  const figures = /From the \[benchmark\].* for each charge/.exec(production)?.[0].match(/\d+(\.\d+)?/g) ?? [];
  expect(figures).toHaveLength(5);
  const newest = benchmark.split("\n").filter((line) => line.includes("with all of 0.1.0, quiet"));
  for (const figure of figures) expect(newest.join("\n")).toContain(figure);
});
