import { isDeepStrictEqual } from "node:util";
import pg from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Chat, type MailServer, startChat, startMailServer } from "../support/message-receivers.ts";
import { ask, chargeUntilTold } from "./client.ts";
import type { Gateway } from "./gateway-process.ts";
import { sleep, startWorld, until, type World } from "./harness.ts";
import { goodBody } from "./storm.ts";

let world: World;
let gateways: Gateway[];
let chat: Chat;
let mail: MailServer;

beforeAll(async () => {
  [chat, mail] = await Promise.all([startChat(), startMailServer()]);
  const env = {
    NOTIFY_SLACK_URL: chat.url,
    NOTIFY_SMTP_URL: `smtp://127.0.0.1:${mail.port}`,
    NOTIFY_EMAIL_FROM: "Switchyard <switchyard@example.com>",
    NOTIFY_EMAIL_FINANCE_TO: "finance@example.com",
    WEBHOOK_ALLOW_PRIVATE: "on",
  };
  world = await startWorld({ postgres: "own", redis: true, env });
  gateways = await Promise.all([world.start(), world.start()]);
});
afterAll(async () => {
  await world.close();
  await Promise.all([chat.close(), mail.close()]);
});

/** How far each message is, by the queue of its receiver. */
async function jobs(): Promise<Record<string, string>> {
  const client = new pg.Client({ connectionString: world.postgres.url });
  await client.connect();
  const { rows } = await client
    .query<{ name: string; state: string }>("select name, state from pgboss.job where name like 'notify.%'")
    .finally(() => client.end());
  return Object.fromEntries(rows.map(({ name, state }) => [name.slice("notify.".length), state]));
}

const BROWSER = { headers: { accept: "text/html,application/xhtml+xml,*/*;q=0.8" } };

it("two gateways tell an outage of all processors once, through a restart of the database and a chat that is away", {
  timeout: 600_000,
}, async () => {
  chat.status = 503;
  for (const provider of ["stripe", "paypal"] as const) world.sandbox.setFault(provider, { kind: "refuse" });
  for (let n = 1; n <= 12; n += 1) await chargeUntilTold(() => world.urls(), { key: `told-${n}`, body: goodBody(n) });
  await until(
    () => mail.got,
    (got) => got.length > 0,
  );
  await until(
    () => chat.asked,
    (asked) => asked > 0,
  );
  // What is sent and not yet noted when the database goes is sent again: that one mail is not what this test is about.
  await until(jobs, (states) => states.email_finance === "completed" && states.slack === "retry");
  await world.postgres.restart();
  chat.status = 200;
  await until(
    () => chat.got,
    (got) => got.length > 0,
  );
  // Whoever would tell it once more would have done so by now.
  await sleep(8_000);
  expect(chat.got).toEqual([expect.stringContaining("No processor can be used: charges are kept and collected later")]);
  expect(chat.got[0]).toMatch(/Deferred: \d+ charges, /);
  expect(mail.got.map(({ to, headers }) => [to, headers.subject])).toEqual([
    [["finance@example.com"], "[test mode] No processor can be used: charges are kept and collected later"],
  ]);
  expect(world.logs()).not.toContain("chat-secret");
});

it("and say it to customers, on every instance the same", async () => {
  interface Status {
    readonly status: string;
    readonly charges: string;
    readonly capabilities: readonly { readonly since: string }[];
  }
  const told = () => Promise.all(gateways.map(async ({ url }) => (await ask<Status>(url, "GET /status")).body));
  // Since when is what the fleet remembers, once each has read it.
  const isSame = ([one, other]: readonly Status[]) => isDeepStrictEqual(one!.capabilities, other!.capabilities);
  const [one] = await until(told, (all) => all.every(({ status }) => status === "outage") && isSame(all));
  expect(one).toMatchObject({ status: "outage", charges: "kept" });
  for (const { url } of gateways) {
    const page = await ask(url, "GET /status", BROWSER);
    expect(page.type).toBe("text/html; charset=utf-8");
    expect(page.text).toContain("<h1>Payments are saved and collected later</h1>");
  }
});
