import { execFile } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildClient, CLIENT_PACKAGE } from "../../../gateway/cli/build-client.ts";
import { json, problem, scripted } from "./scripted-gateway.ts";

const run = promisify(execFile);
const TSC = fileURLToPath(new URL("../../../node_modules/typescript/bin/tsc", import.meta.url));
const BUILD_MS = 300_000;

/** A project of somebody else, with nothing installed but the emitted package. */
async function consumer(): Promise<{ dir: string; made: string }> {
  const dir = await mkdtemp(join(tmpdir(), "switchyard-consumer-"));
  const made = join(dir, "made", "switchyard");
  await buildClient();
  await cp(CLIENT_PACKAGE, made, { recursive: true });
  await mkdir(join(dir, "node_modules"));
  await symlink(made, join(dir, "node_modules", "switchyard"));
  return { dir, made };
}

/** The Node that runs this, and each other one on PATH. */
function nodes(): string[] {
  const found = (process.env.PATH ?? "").split(delimiter).map((dir) => join(dir, "node"));
  return [...new Set([process.execPath, ...found.filter(existsSync)].map((file) => realpathSync(file)))];
}

const PROGRAM = `
import { isOpen, NoAnswerError, ProblemError, Switchyard, verifyWebhook, WebhookError } from "switchyard/client";
const switchyard = new Switchyard({ url: process.argv[2], apiKey: "k" });
const charge = await switchyard.charges.create({ amount: 1, currency: "usd", payment_method: "pm_1" }, { wait: { timeoutMs: 20_000 } });
const problem = await switchyard.refunds.create({ charge: charge.id }).catch((error) => error);
let forged = null;
try { verifyWebhook("{}", new Headers(), "whsec_" + "A".repeat(44)); } catch (error) { forged = error; }
const told = [charge.status, isOpen(charge), problem instanceof ProblemError, problem.code, forged instanceof WebhookError, forged.code];
console.log(JSON.stringify([...told, NoAnswerError.name]));
`;

const TYPED = `
import { type Charge, type ChargeStatus, isOpen, NoAnswerError, type Page, ProblemError, Switchyard, verifyWebhook } from "switchyard/client";
const switchyard = new Switchyard({ url: ["http://127.0.0.1"], apiKey: "k" });
export async function main(): Promise<number> {
  const stored = await switchyard.paymentMethods.create({ stripe: { payment_method: "pm_1" }, "paypal-eu": { vault_id: "v" }, exp_month: 1, exp_year: 2030, metadata: { a: "b" } });
  const charge: Charge = await switchyard.charges.create(
    { amount: 1, currency: "usd", payment_method: stored.id, defer: false, capture: "manual" },
    { idempotencyKey: "k", wait: { timeoutMs: 1 } },
  );
  await switchyard.charges.create({ amount: 1, currency: "usd", payment_method: { stripe: { payment_method: "pm" }, brand: "visa" } });
  // @ts-expect-error a string is no amount
  await switchyard.charges.create({ amount: "1", currency: "usd", payment_method: "pm_1" });
  // @ts-expect-error a field that there is not
  await switchyard.charges.create({ amount: 1, currency: "usd", payment_method: "pm_1", colour: "red" });
  // @ts-expect-error a filter that there is not
  await switchyard.charges.list({ colour: "red" });
  const page: Page<Charge> = await switchyard.charges.list({ status: "failed,canceled", limit: 3 });
  for await (const one of switchyard.charges.each()) if (isOpen(one)) return one.attempts.length;
  const status: ChargeStatus = page.data[0]?.status ?? charge.status;
  const event = verifyWebhook("{}", { "webhook-id": "x" }, ["whsec_1", "whsec_2"]);
  if (event.type === "webhook_endpoint.test") return event.data.livemode ? 1 : 0;
  const seq: number = event.data.seq;
  return status === "failed" ? (charge.failure?.retry_after ?? 0) : seq;
}
export function keyOf(error: unknown): string | null {
  if (error instanceof ProblemError && error.code === "reference_in_use") return error.charge;
  return error instanceof NoAnswerError && error.money === "unknown" ? error.idempotencyKey : null;
}
`;

const PAGE_HEAD = `
import type { Charge, ChargeOptions, ChargeRequest, WebhookHeaders } from "switchyard/client";
declare const [apiKey, rawBody, secret, secretBefore]: [string, string, string, string];
declare const request: ChargeRequest & { headers: WebhookHeaders };
declare const options: ChargeOptions;
declare const console: { log(text: string | null): void };
declare function later(id: string): void;
declare function paid(charge: Charge): void;
declare function ask(failure: Charge["failure"]): void;
declare function remember(request: ChargeRequest, key: string | null): void;
declare function correct(errors: readonly { pointer: string }[]): void;
`;

/** The TypeScript of docs/client.md as one module. */
async function pageCode(): Promise<string> {
  const page = await readFile(new URL("../../../docs/client.md", import.meta.url), "utf8");
  const blocks = [...page.matchAll(/```ts\n(.*?)```/gs)].map(([, code]) => code);
  expect(blocks.length).toBeGreaterThan(3);
  return [PAGE_HEAD, ...blocks, "export { event, WebhookError };"].join("\n");
}

describe("the emitted package", () => {
  let dir: string;
  let made: string;
  beforeAll(async () => {
    ({ dir, made } = await consumer());
  }, BUILD_MS);
  afterAll(() => rm(dir, { recursive: true, force: true }));

  it(
    "is JavaScript and declarations, without a dependency, and made only when stale",
    async () => {
      const manifest = JSON.parse(await readFile(join(made, "package.json"), "utf8"));
      expect(manifest).toMatchObject({ name: "switchyard", type: "module", engines: { node: ">=18" } });
      expect(Object.keys(manifest.exports)).toEqual(["./client"]);
      for (const kind of ["dependencies", "peerDependencies", "optionalDependencies"]) expect(manifest).not.toHaveProperty(kind);
      const files = await readdir(join(made, "client"));
      const modules = (await readdir(new URL("../../../gateway/client", import.meta.url))).filter((name) => name.endsWith(".ts"));
      expect(files.sort()).toEqual(modules.flatMap((name) => [name.replace(/ts$/, "d.ts"), name.replace(/ts$/, "js")]).sort());
      for (const file of files) {
        const imported = [...(await readFile(join(made, "client", file), "utf8")).matchAll(/ from "([^"]+)"/g)].map(([, name]) => name!);
        for (const name of imported) if (name !== "node:crypto") expect(files).toContain(name.slice("./".length));
        for (const name of imported) expect(name).toMatch(/^(node:crypto|\.\/[\w-]+\.js)$/);
      }
      expect(await buildClient(made)).toBe(false);
    },
    BUILD_MS,
  );

  it.each(nodes())("runs below node_modules under %s", async (node) => {
    const charge = (status: string) => ({ id: "ch_1", object: "charge", status, settlement: null });
    const refused = problem(409, "charge_final", "as_shown");
    const gateway = await scripted(json(202, charge("deferred")), json(200, charge("succeeded")), refused);
    await writeFile(join(dir, "app.mjs"), PROGRAM);
    const { stdout } = await run(node, [join(dir, "app.mjs"), gateway.url], { env: {} });
    expect(JSON.parse(stdout)).toEqual(["succeeded", false, true, "charge_final", true, "header_missing", "NoAnswerError"]);
    expect(gateway.asked.map(({ method }) => method)).toEqual(["POST", "GET", "POST"]);
  });

  it.each(["nodenext", "preserve"])(
    "and the code of docs/client.md type-check with tsc alone, without zod, Node's or the browser's types (module %s)",
    async (module) => {
      await writeFile(join(dir, "package.json"), '{ "type": "module" }');
      await writeFile(join(dir, "app.ts"), TYPED);
      await writeFile(join(dir, "page.ts"), await pageCode());
      const strict = { strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, skipLibCheck: false };
      const compilerOptions = { ...strict, module, target: "es2022", lib: ["es2022"], types: [], noEmit: true };
      await writeFile(join(dir, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["app.ts", "page.ts"] }));
      const { stdout } = await run(process.execPath, [TSC, "-p", dir], { cwd: dir }).catch((error) => error);
      expect(stdout).toBe("");
    },
    BUILD_MS,
  );
});
