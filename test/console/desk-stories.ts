import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Database, openDatabase } from "../../gateway/store/database.ts";
import { type ConsoleWorld, goTo, PATIENCE_MS, seriousFaults } from "./console-world.ts";
import { call, rests } from "./pages-stories.ts";

const TOKEN = { stripe: { customer: "cus_9", payment_method: "pm_card_visa" }, type: "card" };

/** What only a person can end. They come after the other stories: Stripe is first, and both processors are forced up. */
export function deskStories(world: () => ConsoleWorld): void {
  let db: Database;
  let ops: Page;

  beforeAll(async () => {
    db = openDatabase({ url: world().gateway.databaseUrl, maxConnections: 1, onIdleError: () => {} });
    ops = await world().signIn("ops");
  });
  afterAll(() => db?.close());

  const charge = (reference: string) =>
    call(world(), "POST", "/v1/charges", {
      amount: 5900,
      currency: "cad",
      reference,
      payment_method: TOKEN,
    });

  describe("the queue, when the machine has given up", () => {
    it("a refund that nobody knows of is settled by what a person found at the processor", async () => {
      const { sandbox } = world().gateway;
      const { id } = await charge("desk-refund");
      const refund = await call(world(), "POST", "/v1/refunds", { charge: id, amount: 1900 });
      await plantRefundDoubt(db, refund.id);
      expect((await call(world(), "GET", `/v1/refunds/${refund.id}`)).status).toBe("in_doubt");
      const there = sandbox.ledger().find(({ type, chargeId }) => type === "refund" && chargeId === id);

      await goTo(ops, "Queue");
      await ops.getByRole("button", { name: `Settle the refund ${refund.id}` }).click();
      const dialog = ops.getByRole("dialog", { name: "Settle the refund of CA$19.00" });
      await dialog.getByLabel("Yes, it went back").check();
      await dialog.getByText("CA$19.00 counts as sent back to the customer").waitFor();
      expect(await seriousFaults(ops)).toEqual([]);
      await dialog.getByLabel("What Stripe calls the refund").fill(there?.reference ?? "");
      await dialog.getByLabel("Reason, for the audit trail").fill("seen in the dashboard");
      await dialog.getByRole("button", { name: "Count CA$19.00 as sent back" }).click();
      await dialog.waitFor({ state: "detached" });
      await ops.getByRole("button", { name: `Settle the refund ${refund.id}` }).waitFor({ state: "detached" });
      const { status, provider_reference } = await call(world(), "GET", `/v1/refunds/${refund.id}`);
      expect({ status, provider_reference }).toEqual({ status: "succeeded", provider_reference: there?.reference });
    });

    it("many dead letters are replayed at once, after saying how much money that concerns", async () => {
      const { sandbox } = world().gateway;
      sandbox.setFault("stripe", { kind: "refuse" });
      const kept = [await charge("desk-kept-1"), await charge("desk-kept-2")];
      expect(kept.map(({ status }) => status)).toEqual(["deferred", "deferred"]);
      await plantDeadLetters(
        db,
        kept.map(({ id }) => id),
      );
      sandbox.clearFaults("stripe");

      // No event tells of what was planted: a queue that is open already would not ask for it.
      await goTo(ops, "Overview");
      await goTo(ops, "Queue");
      await ops.getByLabel("All on this page").check();
      await ops.getByRole("button", { name: "Replay 2" }).click();
      const dialog = ops.getByRole("dialog", { name: "Replay 2 dead letters?" });
      await dialog.getByText("2 uncollected charges").waitFor();
      await dialog.getByText("CA$118.00").waitFor();
      await dialog.getByRole("button", { name: "Replay 2" }).click();
      await ops.getByText("Nothing waits for a person").waitFor();
      for (const { id } of kept) {
        await expect.poll(async () => (await call(world(), "GET", `/v1/charges/${id}`)).status, { timeout: PATIENCE_MS }).toBe("succeeded");
      }
    });
  });

  it("a page whose code is gone, as after an update, says so and can be loaded again", async () => {
    const page = await world().signIn("ops");
    const pattern = /\/assets\/audit-page/;
    await page.route(pattern, (route) => route.fulfill({ status: 404 }));
    await page.getByRole("link", { name: "Audit" }).click();
    await page.getByRole("alert").getByText("This page cannot be shown").waitFor();
    await page.unroute(pattern);
    await page.getByRole("button", { name: "Load it again" }).click();
    await page.getByRole("heading", { level: 1, name: "Audit" }).waitFor();
    await page.context().close();
    // The browser and React tell of it by themselves.
    expect(world().faults.splice(0)).toEqual(expect.arrayContaining([expect.stringContaining("404")]));
  });

  it("a charge that has no reference but its id fits a phone", async () => {
    const { id } = await call(world(), "POST", "/v1/charges", { amount: 700, currency: "cad", payment_method: TOKEN });
    await ops.setViewportSize({ width: 390, height: 844 });
    await ops.goto(`${world().gateway.url}/console/charges/${id}`);
    await ops.getByRole("heading", { name: id }).waitFor();
    expect(await ops.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(390);
    await ops.setViewportSize({ width: 1366, height: 850 });
  });

  describe("reconciliation, for whoever answers for it", () => {
    it("says that nothing was compared until somebody has, and a comparison is a click and its confirmation", async () => {
      await goTo(ops, "Reconciliation");
      await ops.getByText("Nothing was compared yet").waitFor();
      await ops.getByRole("button", { name: "Compare now" }).click();
      const dialog = ops.getByRole("dialog", { name: "Compare with the processors' records" });
      await dialog.getByText("It moves no money.").waitFor();
      await dialog.getByRole("button", { name: "Compare", exact: true }).click();
      await ops.getByRole("table", { name: "Comparisons" }).getByText("finished").waitFor();
      await ops.getByText("Nothing was compared yet").waitFor({ state: "detached" });
    });

    it("a finding that was closed is opened again, and is on the list of open ones", async () => {
      await plantClosedFinding(db);
      await goTo(ops, "Reconciliation");
      await ops.getByRole("combobox", { name: "State" }).selectOption("resolved");
      await ops.getByRole("button", { name: "Work on it: pi_closed" }).click();
      const dialog = ops.getByRole("dialog");
      await dialog.getByText("Opening it again moves no money").waitFor();
      expect(await dialog.getByLabel("What was found out, and done").inputValue()).toBe("ours, we thought");
      await dialog.getByRole("button", { name: "Open it again" }).click();
      await dialog.waitFor({ state: "detached" });
      await ops.getByRole("combobox", { name: "State" }).selectOption("open");
      await ops.getByRole("button", { name: "Work on it: pi_closed" }).waitFor();
    });
  });
}

/** As if its answer had been lost, and after the last of the looks, which takes days. */
async function plantRefundDoubt(db: Database, refund: string): Promise<void> {
  await db.query({
    name: "plant_doubt",
    text: `with doubted as (
        update operations set state = 'in_doubt', ambiguous = true, provider_reference = null, next_action_at = null where id = $1
        returning id, charge_id, amount
      ), taken_back as (
        update charges c set amount_refunded = c.amount_refunded - d.amount from doubted d where c.id = d.charge_id
      )
      insert into dead_letters (id, account_id, kind, charge_id, operation_id, reason, created_at)
      select 'dl_desk_refund', 'acct_default', 'refund', charge_id, id, 'out of tries', now() from doubted`,
    values: [refund],
  });
}

async function plantDeadLetters(db: Database, charges: readonly string[]): Promise<void> {
  for (const id of charges) await rests(db, id, null);
  await db.query({
    name: "plant_letters",
    text: `insert into dead_letters (id, account_id, kind, charge_id, reason, created_at)
      select 'dl_' || id, 'acct_default', 'charge', id, 'out of tries', now() from unnest($1::text[]) id`,
    values: [charges],
  });
}

async function plantClosedFinding(db: Database): Promise<void> {
  await db.query({
    name: "plant_closed_finding",
    text: `insert into findings (id, account_id, kind, provider, subject, their_amount, currency, state, note, first_seen_at, last_seen_at, closed_at, closed_by)
      values ('fd_desk', 'acct_default', 'unknown_payment', 'stripe', 'pi_closed', 4900, 'usd', 'resolved', 'ours, we thought', now(), now(), now(), 'key:key_ops')`,
    values: [],
  });
}
