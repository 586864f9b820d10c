import { spawnSync } from "node:child_process";
import { copyFile, mkdir, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

/** Each file breaks the rule that it is listed with; `null`: it is allowed (a cycle is reported at one of its files). */
const FILES: Record<string, { text: string; breaks: string | null }> = {
  "providers/contract/outcome.ts": { text: "export type Outcome = 1;", breaks: null },
  "providers/contract/wrong.ts": { text: 'import "../../routing/choose.ts";', breaks: "contract-imports-nothing-of-ours" },
  "providers/stripe/stripe.ts": { text: 'import type { Outcome } from "../contract/outcome.ts"; export type S = Outcome;', breaks: null },
  "providers/paypal/paypal.ts": {
    text: 'import type { S } from "../stripe/stripe.ts"; export type P = S;',
    breaks: "providers-know-only-the-contract",
  },
  "providers/sandbox/main.ts": { text: 'import "../../gateway/queue/jobs.ts";', breaks: "providers-know-only-the-contract" },
  "routing/choose.ts": { text: 'import type { Outcome } from "../providers/contract/outcome.ts"; export type C = Outcome;', breaks: null },
  "routing/clock.ts": { text: 'import { setTimeout } from "node:timers"; setTimeout(() => {}, 1);', breaks: "routing-is-pure" },
  "routing/validate.ts": { text: 'import { z } from "zod"; z.string();', breaks: "routing-is-pure" },
  "routing/engine.ts": { text: 'import "../gateway/queue/jobs.ts";', breaks: "routing-knows-only-the-contract" },
  "gateway/store/charges.ts": { text: 'import pg from "pg"; export const pool = new pg.Pool();', breaks: null },
  "gateway/queue/jobs.ts": { text: 'import { PgBoss } from "pg-boss"; export const boss = PgBoss;', breaks: null },
  "gateway/charges/accept.ts": {
    text: 'import pg from "pg"; export const pool = new pg.Pool();',
    breaks: "only-the-store-touches-postgres",
  },
  "gateway/charges/types.ts": { text: 'import type { Pool } from "pg"; export type P = Pool;', breaks: "only-the-store-touches-postgres" },
  "gateway/http/server.ts": { text: 'import express from "express"; export const app = express();', breaks: null },
  "gateway/charges/reply.ts": { text: 'import express from "express"; export const app = express();', breaks: "only-http-touches-express" },
  "gateway/notify/email.ts": { text: 'import { createTransport } from "nodemailer"; export const t = createTransport;', breaks: null },
  "gateway/charges/email.ts": {
    text: 'import { createTransport } from "nodemailer"; export const t = createTransport;',
    breaks: "only-notify-touches-mail",
  },
  "gateway/charges/demo.ts": { text: 'import "../../providers/sandbox/main.ts";', breaks: "the-sandbox-is-another-process" },
  "gateway/client/charges.ts": { text: 'import "../queue/jobs.ts";', breaks: "the-client-stands-alone" },
  "gateway/client/schema.ts": { text: 'import type { z } from "zod"; export type S = z.ZodType;', breaks: "the-client-stands-alone" },
  "gateway/client/sign.ts": { text: 'import { createHmac } from "node:crypto"; export const h = createHmac;', breaks: null },
  "gateway/health/property.ts": { text: 'import fc from "fast-check"; export const f = fc;', breaks: "no-dev-packages-in-the-product" },
  "gateway/health/gone.ts": { text: 'import "./nowhere.ts";', breaks: "nothing-unresolved" },
  "gateway/health/a.ts": { text: 'import { b } from "./b.ts"; export const a = () => b;', breaks: "no-cycles" },
  "gateway/health/b.ts": { text: 'import { a } from "./a.ts"; export const b = () => a;', breaks: null },
  "test/acceptance/charge.test.ts": { text: 'import "../../gateway/http/server.ts";', breaks: "acceptance-imports-no-source" },
  "test/acceptance/world.ts": { text: 'import "../../providers/sandbox/main.ts";', breaks: null },
  "test/gateway/charge.test.ts": { text: 'import "../../gateway/http/server.ts"; import "../../providers/sandbox/main.ts";', breaks: null },
};

interface Report {
  readonly summary: { readonly violations: readonly { readonly from: string; readonly rule: { readonly name: string } }[] };
}

test("every import rule catches the file that breaks it, and lets the others pass", async () => {
  const dir = await temporaryDirectory();
  for (const file of ["package.json", "tsconfig.json", ".dependency-cruiser.cjs"]) await copyFile(join(ROOT, file), join(dir, file));
  await symlink(join(ROOT, "node_modules"), join(dir, "node_modules"));
  for (const [path, { text }] of Object.entries(FILES)) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), text);
  }
  const program = join(ROOT, "node_modules/dependency-cruiser/bin/dependency-cruise.mjs");
  const flags = ["--config", ".dependency-cruiser.cjs", "--output-type", "json", "gateway", "providers", "routing", "test"];
  const done = spawnSync(process.execPath, [program, ...flags], { cwd: dir, encoding: "utf8" });
  const { violations } = (JSON.parse(done.stdout) as Report).summary;
  const found = Object.fromEntries(
    Object.keys(FILES).map((path) => [path, violations.find(({ from }) => from === path)?.rule.name ?? null]),
  );
  expect(found).toEqual(Object.fromEntries(Object.entries(FILES).map(([path, { breaks }]) => [path, breaks])));
});
