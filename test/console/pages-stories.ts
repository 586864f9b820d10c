import { readFile } from "node:fs/promises";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { seriousFaults } from "./axe.ts";
import { type BrowserWorld, startBrowserWorld } from "./browser-world.ts";
import { csvRows } from "./csv-rows.ts";

let world: BrowserWorld;
/** Collected only because PayPal was tried after Stripe; in work at PayPal; kept because nobody can be asked. */
let rescued: string;
let waiting: string;
let deferred: string;

const TOKENS = { stripe: { customer: "cus_1", payment_method: "pm_card_visa" }, paypal: { vault_id: "vault-1", source: "card" } };

async function charge(reference: string, amount: number, method: object = {}, currency = "usd"): Promise<{ id: string; status: string }> {
  const payment_method = { ...TOKENS, type: "card", brand: "visa", country: "US", ...method };
  return world.call("billing", "POST", "/v1/charges", { amount, currency, reference, payment_method });
}

beforeAll(async () => {
  world = await startBrowserWorld();
  const fees = { fees: { "*": { percent: 2.9, fixed: 30 } } };
  const rules = { strategy: "order", order: ["stripe", "paypal"], providers: { stripe: fees, paypal: fees } };
  await world.call("ops", "PUT", "/v1/routing/rules", { version: 0, rules });
  await charge("invoice-1", 4200);
  await charge("invoice-2", 129_950, { brand: "mastercard", country: "DE" }, "eur");
  await charge("invoice-3", 900, {
    stripe: { customer: "cus_1", payment_method: "pm_card_visa_chargeDeclinedInsufficientFunds" },
    paypal: undefined,
  });
  waiting = (await charge("invoice-4", 1900, { paypal: { vault_id: "pending", source: "paypal" }, stripe: undefined })).id;
  world.sandbox.setFault("stripe", { kind: "refuse" });
  rescued = (await charge("invoice-5", 9900)).id;
  world.sandbox.setFault("paypal", { kind: "refuse" });
  deferred = (await charge("invoice-6", 2900)).id;
  await plantDeadLetter(deferred);
  await plantFinding();
});
afterAll(() => world?.close());

/** As after the last of its tries: that takes days. */
async function plantDeadLetter(chargeId: string): Promise<void> {
  await world.db.query({
    name: "plant_letter",
    text: `with given_up as (update charges set next_action_at = null where id = $1 and status = 'deferred' returning id)
      insert into dead_letters (id, account_id, kind, charge_id, reason, created_at) select 'dl_1', 'acct_default', 'charge', id, 'out of tries', now() from given_up`,
    values: [chargeId],
  });
}

async function plantFinding(): Promise<void> {
  await world.db.query({
    name: "plant_finding",
    text: `insert into findings (id, account_id, kind, provider, subject, their_amount, currency, first_seen_at, last_seen_at)
      values ('fd_1', 'acct_default', 'unknown_payment', 'stripe', 'pi_dashboard', 4900, 'usd', now(), now())`,
    values: [],
  });
}

/** As numbers where they are numbers: a spreadsheet has 1299.5 where the screen has €1,299.50. */
function plain(cell: string): string {
  const text = cell.trim();
  if (text === "–") return "";
  return /\d/.test(text) && /^[^\d-]{0,3}-?[\d,.]+ ?%?$/.test(text) ? String(Number(text.replace(/[^\d.-]/g, ""))) : text;
}

async function tableOf(page: Page, caption: RegExp): Promise<string[][]> {
  const table = page.getByRole("table", { name: caption });
  await table.waitFor();
  return table
    .locator("tr")
    .evaluateAll((rows) => rows.map((row) => [...row.querySelectorAll("th, td")].map((cell) => cell.textContent ?? "")));
}

describe("routing, for finance", () => {
  it.each(["provider", "currency", "brand", "country", "day"])("the CSV by %s is what the screen shows", async (by) => {
    const page = await world.open("finance", `/routing?by=${by}&days=1`);
    const [head = [], ...rows] = await tableOf(page, /^Charges by/);
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "CSV" }).click()]);
    const [csvHead = [], ...csv] = csvRows(await readFile(await download.path(), "utf8"));
    expect(csvHead.map((name) => name.replace(" (%)", ""))).toEqual(head);
    expect(rows.length).toBeGreaterThan(0);
    expect(csv.map((row) => row.map(plain))).toEqual(rows.map((row) => row.map(plain)));
    await page.context().close();
  });

  it("says what one processor alone would have lost", async () => {
    const page = await world.open("finance", "/routing?days=1");
    const recovered = page.getByRole("definition").filter({ hasText: "by trying another processor" });
    await recovered.waitFor();
    expect(await recovered.textContent()).toContain("$99.00");
    await page.context().close();
  });
});

describe("charges, for support", () => {
  it("are found by their invoice and tell their story in words", async () => {
    const page = await world.open("billing", "/charges");
    await page.getByRole("searchbox", { name: "Search" }).fill("invoice-5");
    const row = page.getByRole("row", { name: /invoice-5/ });
    await page.getByRole("row", { name: /invoice-1/ }).waitFor({ state: "detached" });
    await row.getByRole("link", { name: "invoice-5" }).click();
    await page.getByRole("heading", { name: "$99.00 for invoice-5" }).waitFor();
    const words = (await page.getByRole("main").textContent()) ?? "";
    expect(words).toContain(
      "PayPal collected $99.00. It was collected because Switchyard tried a second processor: Stripe could not be reached.",
    );
    expect(words).toContain("No money moved there, and none can");
    expect(words).toContain(rescued);
    await page.context().close();
  });

  it("say of a decline who said no, and why", async () => {
    const page = await world.open("finance", "/charges?status=failed");
    await page.getByRole("link", { name: "invoice-3" }).click();
    await page.getByText("Stripe declined: not enough money").waitFor();
    await page.getByText("Why this processor").click();
    await page.getByText("stripe was chosen because").waitFor();
    await page.context().close();
  });

  it("are filtered by status, and Back leads back to the list", async () => {
    const page = await world.open("finance", "/charges");
    await page.getByRole("combobox", { name: "Status" }).selectOption("succeeded");
    await page.getByRole("row", { name: /invoice-6/ }).waitFor({ state: "detached" });
    expect(await page.getByRole("row").count()).toBe(4);
    await page.getByRole("link", { name: "invoice-1" }).click();
    await page.getByText("Stripe collected $42.00").first().waitFor();
    await page.goBack();
    await page.getByRole("row", { name: /invoice-2/ }).waitFor();
    await page.context().close();
  });
});

describe("the queue, for whoever is on call", () => {
  it("replays a dead letter after saying what happens to the money, and the charge is collected", async () => {
    const page = await world.open("ops", "/queue");
    await page.getByRole("button", { name: "Replay dl_1" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("the money is collected as soon as a processor can be used, once").waitFor();
    await dialog.getByText("$29.00").waitFor();
    world.sandbox.clearFaults();
    await dialog.getByRole("button", { name: "Replay" }).click();
    await page.getByText("Nothing waits for a person").waitFor();
    await page.getByText("No charge is deferred").waitFor();
    expect((await world.call("ops", "GET", `/v1/charges/${deferred}`)).status).toBe("succeeded");
    await page.context().close();
  });

  it("shows what the processor says when a person says otherwise, and changes nothing", async () => {
    const page = await world.open("ops", `/charges/${waiting}`);
    await page.getByRole("button", { name: "Settle by hand" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("No, no money was taken").check();
    await dialog.getByText("$19.00 counts as not collected").waitFor();
    const settle = dialog.getByRole("button", { name: "End it: $19.00 not collected" });
    expect(await settle.isDisabled()).toBe(true);
    await dialog.getByLabel("Reason, for the audit trail").fill("the customer says so");
    await settle.click();
    await dialog.getByText("The provider says that the attempt is pending").waitFor();
    expect((await world.call("ops", "GET", `/v1/charges/${waiting}`)).status).toBe("pending");
    await page.context().close();
  });
});

describe("reconciliation and audit", () => {
  it("a finding gets an owner and a note, is closed, and the trail says by whom", async () => {
    const page = await world.open("ops", "/reconciliation");
    await page.getByRole("button", { name: "Work on it: pi_dashboard" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Owner").fill("ada");
    await dialog.getByLabel("What was found out, and done").fill("another shop on this account");
    await dialog.getByRole("button", { name: "Save and close it" }).click();
    await page.getByText("No differences").waitFor();
    await page.getByRole("link", { name: "Audit" }).click();
    await page.getByText("Finding closed: unknown payment – another shop on this account").waitFor();
    await page.getByRole("button", { name: "Verify the chain" }).click();
    await page.getByText(/All \d+ events are as they were written/).waitFor();
    await page.context().close();
  });
});

describe("roles", () => {
  const linksOf = async (role: "billing" | "finance" | "ops") => {
    const page = await world.open(role, "/charges");
    await page.getByRole("link", { name: "invoice-1" }).waitFor();
    const links = await page.getByRole("navigation", { name: "Pages" }).getByRole("link").allTextContents();
    await page.context().close();
    return links;
  };

  it("see what they may do, and nothing else", async () => {
    expect(await linksOf("billing")).toEqual(["Overview", "Charges"]);
    expect(await linksOf("finance")).toEqual(["Overview", "Routing", "Charges", "Queue", "Reconciliation"]);
    const page = await world.open("finance", "/queue");
    await page.getByRole("heading", { name: "In doubt" }).waitFor();
    expect(await page.getByRole("heading", { name: "Dead letters" }).count()).toBe(0);
    expect(await page.getByRole("button", { name: /Settle|Replay/ }).count()).toBe(0);
    await page.context().close();
  });
});

describe("every page", () => {
  const PAGES = ["/routing", "/charges", "/queue", "/reconciliation", "/audit"];

  it("fits a phone, and axe finds no serious fault, light or dark", async () => {
    for (const dark of [false, true]) {
      const page = await world.open("ops", "/", { phone: true, dark });
      for (const path of [...PAGES, `/charges/${rescued}`]) {
        await page.goto(`/console${path}`);
        await page.getByRole("heading", { level: 1 }).waitFor();
        await page.getByRole("status", { name: /^Loading/ }).waitFor({ state: "detached" });
        expect(await seriousFaults(page), path).toEqual([]);
        expect(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), path).toBe(0);
      }
      await page.context().close();
    }
  });

  it("asks nobody but the gateway, and leaves no error in the browser's console", () => {
    expect(world.complaints).toEqual([]);
  });
});
