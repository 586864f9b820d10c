import { execFile } from "node:child_process";
import { createHmac } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import ts from "typescript";
import { afterAll, beforeAll, expect, it } from "vitest";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { ADMIN_KEY, startWorld, type World } from "./harness.ts";

const PAGE = fileURLToPath(new URL("../../docs/moving-from-stripe.md", import.meta.url));
const CONFIG = fileURLToPath(new URL("../../tsconfig.json", import.meta.url));
const SECRET = "0123456789abcdef0123456789abcdef";

/** The page's TypeScript, by the name of each block. */
const code: Record<string, string> = {};
let world: World;
let url: string;
beforeAll(async () => {
  const page = await readFile(PAGE, "utf8");
  for (const [, name, text] of page.matchAll(/```ts (\w+)\n(.*?)```/gs)) code[name!] = text!;
  world = await startWorld();
  ({ url } = await world.start());
});
afterAll(() => world.close());

it("the code of the page for those who move from Stripe compiles, under the settings of ours", { timeout: 180_000 }, () => {
  const { before, ...after } = code;
  const stripe = `import Stripe from "stripe";\nconst stripe = new Stripe("sk_test_1");\n${before}\nexport { intent };\n`;
  const ours = ["client", "read", "webhook", "after", "hold", "void", "refund", "methods"];
  expect(Object.keys(after).sort()).toEqual([...ours].sort());
  expect(faultsIn({ "before.ts": stripe, "after.ts": ours.map((name) => after[name]).join("\n") })).toEqual([]);
});

it("and runs: a charge, its key again, a decline, a hold captured and one voided, an event whose signature is right or not", async () => {
  const program = `${code.client}\n${code.read}\n${code.webhook}\n${withTestCard(code.after!)}\n${withTestCard(code.hold!)}
    const captured = await post<Charge>(\`/v1/charges/\${held.id}/capture\`, "order-77-capture", { amount: 4000 });
    const hold = { amount: 100, currency: "usd", payment_method: { stripe: { payment_method: "pm_card_visa" } }, capture: "manual" };
    const other = await post<Charge>("/v1/charges", "order-78-hold", hold);
    ${code.void!.replace("held.id", "other.body.id")}
    const voided = await post<Charge>(\`/v1/charges/\${other.body.id}/cancel\`, "order-77-void");
    const body = { amount: 100, currency: "usd", payment_method: { stripe: { payment_method: "pm_card_visa_chargeDeclinedInsufficientFunds" } } };
    const reused = await post("/v1/charges", "invoice-1042-1", body).catch((problem) => problem);
    const refused = await post<Charge>("/v1/charges", "invoice-1042-2", body);
    const events = ${JSON.stringify(["right", "wrong", "old"].map(delivery))}.map(([text, headers]) => {
      try {
        return verified(text, new Headers(headers), "whsec_${Buffer.from(SECRET).toString("base64")}").type;
      } catch (error) {
        return error.message;
      }
    });
    console.log(JSON.stringify([charge.status, whatToDo(charge), reused.code, reused.money, refused.body.status, whatToDo(refused.body),
      captured.body.status, captured.body.amount_captured, voided.body.status, ...events]));
  `;
  const file = join(await temporaryDirectory(), "page.ts");
  await writeFile(file, program);
  const env = { ...process.env, SWITCHYARD_URL: url, SWITCHYARD_KEY: ADMIN_KEY };
  const { stdout } = await promisify(execFile)(process.execPath, [file], { env });
  expect(JSON.parse(stdout)).toEqual([
    ...["succeeded", "paid"],
    ...["idempotency_key_reused", "none"],
    ...["failed", "try again, with a new key, after 86400 s"],
    ...["succeeded", 4000, "canceled"],
    ...["charge.succeeded", "the signature is missing or wrong", "too old, or no timestamp"],
  ]);
});

function withTestCard(text: string): string {
  return text.replace('"pm_1"', '"pm_card_visa"');
}

/** As the gateway sends it, after a rotation: signed twice. */
function delivery(kind: string): [string, Record<string, string>] {
  const body = '{"type":"charge.succeeded"}';
  const timestamp = String(Math.floor(Date.now() / 1_000) - (kind === "old" ? 600 : 0));
  const signed = createHmac("sha256", SECRET).update(`msg_1.${timestamp}.${body}`).digest("base64");
  const headers = { "webhook-id": "msg_1", "webhook-timestamp": timestamp, "webhook-signature": `v1,AAAA v1,${signed}` };
  return [kind === "wrong" ? `${body} ` : body, headers];
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
