import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import ts from "typescript";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Received, type Receiver, startReceiver } from "../gateway/webhooks-out/receiver.ts";
import { ask, type ChargeJson } from "./client.ts";
import { ADMIN_KEY, startWorld, until, type World } from "./harness.ts";

const DOCS = new URL("../../docs/", import.meta.url);
const INDEX = "moving-from-stripe.md";
const CONFIG = fileURLToPath(new URL("../../tsconfig.json", import.meta.url));
const SWITCHYARD = fileURLToPath(new URL("../../gateway/cli/switchyard/main.ts", import.meta.url));
/** Nothing younger than ten minutes is compared: the processors' clocks are behind. */
const AGE_MS = 30 * 60_000;

/** The pages' TypeScript by the name of each block, and their commands by page. */
const code: Record<string, string> = {};
const commands: Record<string, string> = {};
let pages = "";
let world: World;
let receiver: Receiver;
let url: string;
let directory: string;
beforeAll(async () => {
  const index = await readFile(new URL(INDEX, DOCS), "utf8");
  pages = index;
  for (const [, file] of index.matchAll(/\((moving-from-stripe\/\S+\.md)\)/g)) {
    const page = await readFile(new URL(file!, DOCS), "utf8");
    for (const [, name, text] of page.matchAll(/```ts (\w+)\n(.*?)```/gs)) code[name!] = text!;
    commands[file!] = [...page.matchAll(/```sh\n(.*?)```/gs)].map(([, text]) => text!).join("\n");
    pages += page;
  }
  world = await startWorld({ env: { WEBHOOK_ALLOW_PRIVATE: "on" }, sandbox: { now: () => Date.now() - AGE_MS } });
  ({ url } = await world.start());
  receiver = await startReceiver();
  directory = await mkdtemp(join(tmpdir(), "switchyard-pages-"));
});
afterAll(async () => {
  await receiver.close();
  await world.close();
  await rm(directory, { recursive: true, force: true });
});

const OURS = ["client", "read", "webhook", "events", "after", "hold", "void", "refund", "endpoint", "disputes", "methods"];

it("the code for those who move from Stripe compiles, under the settings of ours", { timeout: 600_000 }, () => {
  const { before, ...after } = code;
  const stripe = `import Stripe from "stripe";\nconst stripe = new Stripe("sk_test_1");\n${before}\nexport { intent };\n`;
  expect(Object.keys(after).sort()).toEqual([...OURS].sort());
  expect(faultsIn({ "before.ts": stripe, "after.ts": OURS.map((name) => after[name]).join("\n") })).toEqual([]);
});

it("and runs, from the first charge to the events: a receiver takes what it is sent, and nothing that was changed or is old", {
  timeout: 600_000,
}, async () => {
  const steps = ["client", "read", "webhook", "events", "endpoint", "after", "hold"].map((name) => code[name]).join("\n");
  const [told, secret] = await run<[Record<string, unknown>, string]>(`${withReceiver(steps)}
    const other = await post<Charge>("/v1/charges", "order-78-hold", { amount: 100, currency: "usd", payment_method: { stripe: { payment_method: "pm_1" } }, capture: "manual" });
    ${code.void!.replace("held.id", "other.body.id")}
    ${code.refund}
    ${code.disputes}
    ${code.methods}
    const poor = { amount: 100, currency: "usd", payment_method: { stripe: { payment_method: "pm_card_visa_chargeDeclinedInsufficientFunds" } } };
    const reused = await post("/v1/charges", "invoice-1042-1", poor).catch((problem) => problem);
    const refused = await post<Charge>("/v1/charges", "invoice-1042-2", poor);
    const read = (id: string) => call<Charge>("GET", \`/v1/charges/\${id}\`);
    const [captured, voided] = [await read(held.id), await read(other.body.id)];
    console.log(JSON.stringify([{
      charge: [charge.status, whatToDo(charge)], reused: [reused.code, reused.money], refused: [refused.body.status, whatToDo(refused.body)],
      captured: [captured.status, captured.amount_captured], voided: voided.status, refund: refund.status, disputes: disputes.length,
      tokens: (await call<PaymentMethod>("GET", \`/v1/payment-methods/\${stored.id}\`)).tokens.map(({ provider, state }) => [provider, state]),
    }, endpoint.secret]));
  `);
  expect(told).toEqual({
    charge: ["succeeded", "paid"],
    reused: ["idempotency_key_reused", "none"],
    refused: ["failed", "try again, with a new key, after 86400 s"],
    captured: ["succeeded", 4000],
    voided: "canceled",
    refund: "succeeded",
    disputes: 0,
    tokens: [
      ["paypal", "active"],
      ["stripe", "active"],
    ],
  });

  const wanted = ["charge.succeeded", "charge.failed", "charge.authorized", "charge.captured", "charge.canceled", "refund.succeeded"];
  await until(
    () => receiver.types(),
    (types) => wanted.every((type) => types.includes(type)),
  );
  // More may come meanwhile.
  const got = [...receiver.got];
  const deliveries = got.map((one): Delivery => [one.body, sent(one)]);
  const [body, headers] = deliveries[0]!;
  const wrong: Delivery[] = [
    [`${body} `, headers],
    [body, { ...headers, "webhook-timestamp": "1700000000" }],
  ];
  const [events, page] = await run<[string[], string[]]>(`${code.client}\n${code.webhook}\n${code.events}
    const events = ${JSON.stringify([...deliveries, ...wrong])}.map(([text, headers]) => {
      try {
        return verified(text, new Headers(headers), ${JSON.stringify(secret)}).data.id;
      } catch (error) {
        return error.message;
      }
    });
    const page: string[] = [];
    await readEvents("0", async ({ data }) => void page.push(data.id));
    console.log(JSON.stringify([events, page]));
  `);
  expect(events).toEqual([...got.map(({ event }) => event), "the signature is missing or wrong", "too old, or no timestamp"]);
  expect(page).toEqual(expect.arrayContaining(got.map(({ event }) => event)));
});

it("and so do its commands, in their order; a payment that the old way made is a finding", { timeout: 600_000 }, async () => {
  const { hostname, port } = new URL(world.sandbox.stripeUrl);
  const options = { host: hostname, port: Number(port), protocol: "http" };
  const [intent] = await run<[string]>(`import Stripe from ${JSON.stringify(import.meta.resolve("stripe"))};
    const stripe = new Stripe("sk_test_sandbox", ${JSON.stringify(options)});
    ${code.before}
    console.log(JSON.stringify([intent.id]));
  `);
  const make = async (key: string, capture: string) => {
    const body = { amount: 4_200, currency: "usd", payment_method: { stripe: { payment_method: "pm_1" } }, capture };
    return (await ask<ChargeJson>(url, "POST /v1/charges", { key, body })).body.id;
  };
  const [paid, held, other] = await Promise.all([make("sh-1", "automatic"), make("sh-2", "manual"), make("sh-3", "manual")]);
  const stored = { stripe: { customer: "cus_1", payment_method: "pm_1" } };
  const method = (await ask<{ id: string }>(url, "POST /v1/payment-methods", { body: stored })).body.id;
  for (const [file, text] of Object.entries(commands)) {
    const CHARGE = file.includes("/4-") ? held : paid;
    const [before, after = ""] = text.split(/^(?=curl .*\$FINDING)/m);
    const out = await shell(before!, { CHARGE, OTHER: other, METHOD: method });
    if (!file.includes("/8-")) continue;
    expect(out).toContain("unknown_payment");
    const open = await ask<{ data: { id: string }[] }>(url, "GET /v1/reconciliation?state=open");
    expect(open.body.data).toMatchObject([{ kind: "unknown_payment", subject: intent, charge: null, their_amount: 4_200 }]);
    expect(await readFile(join(directory, "findings.csv"), "utf8")).toContain(intent);
    await shell(after, { FINDING: open.body.data[0]!.id });
  }
  expect((await ask<{ data: object[] }>(url, "GET /v1/reconciliation?state=open")).body.data).toEqual([]);
  const kinds = Object.entries(commands).filter(([, text]) => text.trim() !== "");
  expect(kinds).toHaveLength(7);
  expect((await ask<ChargeJson>(url, `GET /v1/charges/${held}`)).body).toMatchObject({ status: "succeeded", amount_captured: 4_000 });
  expect((await ask<ChargeJson>(url, `GET /v1/charges/${other}`)).body.status).toBe("canceled");
  expect((await ask<ChargeJson>(url, `GET /v1/charges/${paid}`)).body).toMatchObject({ amount_refunded: 1_000 });
});

it("names only events, problems and routes that there are", { timeout: 600_000 }, async () => {
  const document = (await ask<{ paths: object; components: { schemas: { Problem: object } } }>(url, "GET /openapi.json")).body;
  const known = JSON.stringify(document.components.schemas.Problem);
  for (const [, problem] of pages.matchAll(/\b[45]\d\d `(\w+)`/g)) expect(known).toContain(`"${problem}"`);
  const routes = Object.keys(document.paths).map((path) => path.replaceAll(/\{\w+\}/g, "x"));
  const named = [...pages.matchAll(/(?<=[`\s/$L])\/(?:v1|webhooks)\/[\w\-/{}$.]+/g)].map(([path]) =>
    path.replaceAll(/\$?\{[\w.]+\}|\$\w+/g, "x"),
  );
  expect(named.length).toBeGreaterThan(20);
  for (const path of named)
    expect([...routes, "/webhooks/stripe", "/webhooks/paypal", "/v1/payment-methods/x/tokens/paypal"]).toContain(path);
  const table = pages.split("## Which event is which")[1]!.split("\n---")[0]!;
  const ours = table.split("\n").flatMap((row) => [...(row.split("|")[2] ?? "").matchAll(/`(\w+\.\w+)`/g)].map(([, type]) => type!));
  expect(ours.length).toBeGreaterThan(15);
  const body = { url: receiver.url, events: [...new Set(ours)] };
  expect((await ask(url, "POST /v1/webhook-endpoints", { body })).status).toBe(201);
});

type Delivery = [string, Record<string, string>];

function sent({ headers }: Received): Record<string, string> {
  return Object.fromEntries(["webhook-id", "webhook-timestamp", "webhook-signature"].map((name) => [name, String(headers[name])]));
}

function withReceiver(text: string): string {
  return text.replaceAll("https://billing.example.com/hooks", receiver.url);
}

/** Runs a program of the pages' code; what it prints is JSON. */
async function run<T>(program: string): Promise<T> {
  const file = join(directory, "page.ts");
  await writeFile(file, program);
  const env = { ...process.env, SWITCHYARD_URL: url, SWITCHYARD_API_KEY: ADMIN_KEY };
  const { stdout } = await promisify(execFile)(process.execPath, [file], { env });
  return JSON.parse(stdout) as T;
}

/** The pages' commands as they stand, but for the days that they name; fails with the first that is refused. */
async function shell(text: string, more: Readonly<Record<string, string>>): Promise<string> {
  const [from, to] = [Date.now() - 2 * AGE_MS, Date.now()].map((ms) => new Date(ms).toISOString());
  const script = `set -eu
    curl() { command curl --silent --show-error --fail-with-body "$@" && echo; }
    npx() { shift; "$NODE" "$SWITCHYARD" "$@" || [ $? = 3 ]; }
    ${withReceiver(text)
      .replaceAll(/2026-11-01(T00:00:00Z)?/g, from!)
      .replaceAll(/2026-11-02(T00:00:00Z)?/g, to!)}`;
  const keys = { URL: url, BILLING: ADMIN_KEY, FINANCE: ADMIN_KEY, OPS: ADMIN_KEY, NODE: process.execPath, SWITCHYARD };
  const commandLine = { SWITCHYARD_URL: url, SWITCHYARD_API_KEY: ADMIN_KEY };
  const env = { ...process.env, ...world.env, ...keys, ...commandLine, ...more };
  return (await promisify(execFile)("bash", ["-c", script], { env, cwd: directory })).stdout;
}

function faultsIn(files: Readonly<Record<string, string>>): string[] {
  const { config } = ts.readConfigFile(CONFIG, ts.sys.readFile);
  const root = join(CONFIG, "..");
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root);
  const host = ts.createCompilerHost(options);
  const { readFile, fileExists } = host;
  const given = new Map(Object.entries(files).map(([name, text]) => [join(root, name), text]));
  host.readFile = (name) => given.get(name) ?? readFile(name);
  host.fileExists = (name) => given.has(name) || fileExists(name);
  const program = ts.createProgram([...given.keys()], options, host);
  return ts.getPreEmitDiagnostics(program).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"));
}
