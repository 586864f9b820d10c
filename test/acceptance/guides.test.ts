import { execFile } from "node:child_process";
import { access, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { ADMIN_KEY, startWorld, type World } from "./harness.ts";

const DOCS = new URL("../../docs/", import.meta.url);
/** Above what the longest guide waits for: a processor's return. */
const GUIDE_TIMEOUT_MS = 120_000;

let world: World;
let url: string;
let directory: string;
beforeAll(async () => {
  world = await startWorld();
  ({ url } = await world.start());
  directory = await mkdtemp(join(tmpdir(), "switchyard-guides-"));
  await mkdir(join(directory, ".data"));
  const keys = Object.fromEntries(["billing", "finance", "ops"].map((role) => [role, ADMIN_KEY]));
  await writeFile(join(directory, ".data", "keys.json"), JSON.stringify(keys, null, 2));
});
beforeEach(() => world.sandbox.clearFaults());
afterAll(async () => {
  await world.close();
  await rm(directory, { recursive: true, force: true });
});

/** The commands of a page, in their order. */
async function commandsOf(page: string): Promise<string> {
  const text = await readFile(new URL(page, DOCS), "utf8");
  return Array.from(text.matchAll(/```sh\n(.*?)```/gs), ([, commands]) => commands).join("\n");
}

/** Runs a guide's commands as they stand, but for the addresses; fails with the first that is refused. What they print. */
async function follow(page: string): Promise<string> {
  const [setUp = ""] = (await commandsOf("first-charge.md")).split(/^(?=curl)/m);
  const commands = page === "first-charge.md" ? await commandsOf(page) : setUp + (await commandsOf(page));
  const script = `set -eu
    curl() { command curl --silent --show-error --fail-with-body "$@" && echo; }
    ${commands.replaceAll("http://127.0.0.1:8080", url).replaceAll("http://127.0.0.1:8081", world.sandbox.controlUrl)}`;
  const { stdout } = await promisify(execFile)("bash", ["-c", script], { cwd: directory, timeout: GUIDE_TIMEOUT_MS });
  return stdout;
}

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
  const [production, benchmark] = await Promise.all(["production.md", "benchmark.md"].map((file) => readFile(new URL(file, DOCS), "utf8")));
  for (const figure of ["693", "1.14", "0.59", "0.06"]) {
    expect(production).toContain(figure);
    expect(benchmark).toContain(figure);
  }
});
