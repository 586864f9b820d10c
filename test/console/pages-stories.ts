import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { isDeepStrictEqual } from "node:util";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Database, openDatabase } from "../../gateway/store/database.ts";
import { eventually } from "../support/engine.ts";
import { type ConsoleWorld, goTo, PATIENCE_MS, seriousFaults } from "./console-world.ts";
import { csvRows } from "./csv-rows.ts";

/** What finance, support and whoever is on call do with their pages. */
export function pagesStories(world: () => ConsoleWorld): void {
  let db: Database;
  let ops: Page;
  let finance: Page;
  /** The charges that the stories are about, by what became of them. */
  let made: Awaited<ReturnType<typeof makeCharges>>;

  beforeAll(async () => {
    db = openDatabase({ url: world().gateway.databaseUrl, maxConnections: 1, onIdleError: () => {} });
    made = await makeCharges(world(), db);
    await plantDeadLetter(db, made.kept);
    await plantFinding(db);
    ops = await world().signIn("ops");
    finance = await world().signIn("finance");
  });
  afterAll(() => db?.close());

  describe("routing, for finance", () => {
    it.each(["Processor", "Currency", "Brand", "Country", "Day"])("the CSV by %s is what the screen shows", async (by) => {
      await goTo(finance, "Routing");
      await finance.getByRole("radio", { name: by, exact: true }).and(finance.locator('[name="Group by"]')).check();
      const table = finance.getByRole("table", { name: `Charges by ${by === "Processor" ? "provider" : by.toLowerCase()}` });
      await table.getByRole("columnheader", { name: by }).first().waitFor();
      const save = async () => {
        const before = await cellsOf(finance);
        const [download] = await Promise.all([finance.waitForEvent("download"), finance.getByRole("button", { name: "CSV" }).click()]);
        return { before, download, after: await cellsOf(finance) };
      };
      // The numbers of earlier stories may reach the screen in this moment.
      const { download, after } = await eventually(save, (saved) => isDeepStrictEqual(saved.before, saved.after), PATIENCE_MS);
      const [head = [], ...rows] = after;
      const [csvHead = [], ...csv] = csvRows(await readFile(await download.path(), "utf8"));
      expect(csvHead.map((name) => name.replace(" (%)", ""))).toEqual(head);
      expect(rows.length).toBeGreaterThan(0);
      expect(csv.map((row) => row.map(plain))).toEqual(rows.map((row) => row.map(plain)));
    });

    it("says what one processor alone would have lost", async () => {
      await goTo(finance, "Routing");
      const recovered = finance.getByRole("definition").filter({ hasText: "by trying another processor" });
      await recovered.getByText("CA$99.00").waitFor();
    });
  });

  describe("charges, for support", () => {
    it("are found by their invoice, and tell their story in words", async () => {
      await goTo(finance, "Charges");
      await finance.getByRole("searchbox", { name: "Search" }).fill("story-rescued");
      await expect.poll(() => finance.getByRole("rowheader").count(), { timeout: PATIENCE_MS }).toBe(1);
      await finance.getByRole("link", { name: "story-rescued" }).click();
      await finance.getByRole("heading", { name: "CA$99.00 for story-rescued" }).waitFor();
      await finance.getByText("It was collected because Switchyard tried a second processor: Stripe could not be reached.").waitFor();
      await finance.getByText("Why this processor").first().click();
      await finance.getByText("stripe was chosen because").waitFor();
      expect(await seriousFaults(finance)).toEqual([]);
    });

    it("are filtered by status, and Back leads back to the list", async () => {
      await goTo(finance, "Charges");
      await finance.getByRole("combobox", { name: "Status" }).selectOption("failed");
      await finance.getByRole("link", { name: "story-declined" }).click();
      await finance.getByText("Stripe declined: not enough money").waitFor();
      await finance.goBack();
      await finance.getByRole("link", { name: "story-declined" }).waitFor();
      expect(await finance.getByRole("combobox", { name: "Status" }).inputValue()).toBe("failed");
    });
  });

  describe("the queue, for whoever is on call", () => {
    it("replays a dead letter after saying what happens to the money, and the charge is collected", async () => {
      await goTo(ops, "Queue");
      await ops.getByRole("button", { name: "Replay dl_story" }).click();
      const dialog = ops.getByRole("dialog");
      await dialog.getByText("the money is collected as soon as a processor can be used, once").waitFor();
      await dialog.getByText("CA$29.00").waitFor();
      expect(await seriousFaults(ops)).toEqual([]);
      world().gateway.sandbox.clearFaults();
      await dialog.getByRole("button", { name: "Replay" }).click();
      await ops.getByRole("button", { name: "Replay dl_story" }).waitFor({ state: "detached" });
      await expect
        .poll(async () => (await call(world(), "GET", `/v1/charges/${made.kept}`)).status, { timeout: PATIENCE_MS })
        .toBe("succeeded");
    });

    it("believes the processor when a person says otherwise, and shows what it said", async () => {
      world().gateway.sandbox.clearFaults();
      await ops.goto(`${world().gateway.url}/console/charges/${made.waiting}`);
      await ops.getByRole("button", { name: "Settle by hand" }).click();
      const dialog = ops.getByRole("dialog");
      await dialog.getByLabel("No, no money was taken").check();
      await dialog.getByText("CA$19.00 counts as not collected").waitFor();
      const settle = dialog.getByRole("button", { name: "End it: CA$19.00 not collected" });
      expect(await settle.isDisabled()).toBe(true);
      await dialog.getByLabel("Reason, for the audit trail").fill("the customer says so");
      await settle.click();
      await dialog.getByRole("alert").getByText("The provider says that the attempt is approved").waitFor();
      await dialog.getByRole("button", { name: "Cancel" }).click();
      // The processor's word counts, and the page shows it by itself.
      await ops.getByText("PayPal collected CA$19.00.").waitFor();
      // The browser tells of each refusal by itself.
      expect(world().faults.splice(0)).toEqual([expect.stringContaining("409")]);
    });

    it("lets finance look, and do nothing", async () => {
      await goTo(finance, "Queue");
      await finance.getByRole("heading", { name: "In doubt" }).waitFor();
      expect(await finance.getByRole("heading", { name: "Dead letters" }).count()).toBe(0);
      expect(await finance.getByRole("button", { name: /Settle|Replay/ }).count()).toBe(0);
    });
  });

  it("a finding gets an owner and a note and is closed; the trail says so, and its chain is whole", async () => {
    await goTo(ops, "Reconciliation");
    await ops.getByRole("button", { name: "Work on it: pi_dashboard" }).click();
    const dialog = ops.getByRole("dialog");
    await dialog.getByLabel("Owner").fill("ada");
    await dialog.getByLabel("What was found out, and done").fill("another shop on this account");
    expect(await seriousFaults(ops)).toEqual([]);
    await dialog.getByRole("button", { name: "Save and close it" }).click();
    await ops.getByText("Nothing was compared yet").waitFor();
    await goTo(ops, "Audit");
    await ops.getByRole("searchbox", { name: "Event" }).fill("reconciliation.resolved");
    await ops.getByText("Finding closed: unknown payment – another shop on this account").waitFor();
    await ops.getByRole("button", { name: "Verify the chain" }).click();
    await ops.getByText(/All [\d,]+ events are as they were written/).waitFor();
  });
}

const TOKENS = { stripe: { customer: "cus_1", payment_method: "pm_card_visa" }, paypal: { vault_id: "vault-1", source: "card" } };
const POOR = { stripe: { customer: "cus_2", payment_method: "pm_card_visa_chargeDeclinedInsufficientFunds" } };

/** In Canadian dollars, so that the traffic of other stories is not among them; Stripe first, with fees. Leaves both processors down. */
async function makeCharges(world: ConsoleWorld, db: Database): Promise<{ rescued: string; waiting: string; kept: string }> {
  const { sandbox } = world.gateway;
  sandbox.clearFaults();
  const fees = { fees: { "*": { percent: 2.9, fixed: 30 } } };
  const rules = { strategy: "order", order: ["stripe", "paypal"], providers: { stripe: fees, paypal: fees } };
  await call(world, "PUT", "/v1/routing/rules", { version: 0, rules });
  // A breaker that another story opened is not to decide where these go.
  for (const id of ["stripe", "paypal"]) await call(world, "PUT", `/v1/providers/${id}/override`, { mode: "up", reason: "stories" });
  const charge = async (reference: string, amount: number, tokens: object = TOKENS): Promise<string> => {
    const payment_method = { ...tokens, type: "card", brand: "visa", country: "CA" };
    return (await call(world, "POST", "/v1/charges", { amount, currency: "cad", reference, payment_method })).id;
  };
  await charge("story-plain", 4200);
  await charge("story-declined", 900, POOR);
  const waiting = await charge("story-waiting", 1900, { paypal: { vault_id: "pending", source: "paypal" } });
  // PayPal has it in work for two seconds, and the first look comes after five.
  await rests(db, waiting, new Date(Date.now() + 3_600_000));
  sandbox.setFault("stripe", { kind: "refuse" });
  const rescued = await charge("story-rescued", 9900);
  sandbox.setFault("paypal", { kind: "refuse" });
  return { rescued, waiting, kept: await charge("story-kept", 2900) };
}

// biome-ignore lint/suspicious/noExplicitAny: an answer's JSON is what the test says it is
export async function call(world: ConsoleWorld, method: string, path: string, body?: object): Promise<any> {
  const headers = {
    Authorization: `Bearer sy_test_${method === "POST" ? "billing" : "ops"}`,
    ...(body ? { "Content-Type": "application/json", "Idempotency-Key": randomUUID() } : {}),
  };
  const answer = await fetch(world.gateway.url + path, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return JSON.parse(text);
}

/** No worker is at the charge, and none comes before `until` (null: ever) but for what a person does. */
async function rests(db: Database, charge: string, until: Date | null): Promise<void> {
  const text = "update charges set next_action_at = $2 where id = $1 and lease_until is null returning id";
  const put = () => db.query({ name: "rest_charge", text, values: [charge, until] });
  await eventually(put, (rows) => rows.length === 1, PATIENCE_MS);
}

/** As after the last of its tries, which takes days. */
async function plantDeadLetter(db: Database, charge: string): Promise<void> {
  await rests(db, charge, null);
  await db.query({
    name: "plant_letter",
    text: `insert into dead_letters (id, account_id, kind, charge_id, reason, created_at)
      values ('dl_story', 'acct_default', 'charge', $1, 'out of tries', now())`,
    values: [charge],
  });
}

async function plantFinding(db: Database): Promise<void> {
  await db.query({
    name: "plant_finding",
    text: `insert into findings (id, account_id, kind, provider, subject, their_amount, currency, first_seen_at, last_seen_at)
      values ('fd_story', 'acct_default', 'unknown_payment', 'stripe', 'pi_dashboard', 4900, 'usd', now(), now())`,
    values: [],
  });
}

/** Heads and cells of the report, as they are on the screen. */
function cellsOf(page: Page): Promise<string[][]> {
  return page.evaluate("[...document.querySelectorAll('.report tr')].map((row) => [...row.children].map((cell) => cell.textContent))");
}

/** As numbers where they are numbers: a spreadsheet has 1299.5 where the screen has R$1,299.50. */
function plain(cell: string): string {
  const text = cell.trim();
  if (text === "–") return "";
  return /^[^\d,.-]{0,4}-?[\d,.]+ ?%?$/.test(text) ? String(Number(text.replace(/[^\d.-]/g, ""))) : text;
}
