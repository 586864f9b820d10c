import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type ConsoleWorld, goTo, openConsole, PATIENCE_MS, PHONE, seriousFaults } from "./console-world.ts";
import { deskStories } from "./desk-stories.ts";
import { pagesStories } from "./pages-stories.ts";

let world: ConsoleWorld;

beforeAll(async () => {
  world = await openConsole();
});

afterAll(() => world?.close());

describe("the console", () => {
  // Each test uses the console as a person would; nothing may go wrong in the browser while it does.
  afterEach(() => expect(world.faults).toEqual([]));

  it("shows each role what it may do, and nothing else", async () => {
    const finance = await world.signIn("finance");
    expect(await pagesOf(finance)).toEqual(["Overview", "Routing", "Charges", "Queue", "Reconciliation"]);
    await finance.goto(`${world.gateway.url}/console/providers`);
    await finance.getByText("There is no such page, or your key's role has no use for it.").waitFor();
    await finance.getByRole("button", { name: "Sign out" }).click();
    await finance.getByRole("heading", { name: "Sign in" }).waitFor();
    await finance.context().close();

    const billing = await world.signIn("billing");
    expect(await pagesOf(billing)).toEqual(["Overview", "Charges"]);
    await billing.getByText("All processors work.").waitFor();
    await billing.context().close();

    const ops = await world.signIn("ops");
    const all = ["Overview", "Providers", "Routing", "Charges", "Queue", "Reconciliation", "Audit", "Sandbox"];
    expect(await pagesOf(ops)).toEqual(all);
    // Each has an address of its own, for a bookmark and for who loads the page again.
    for (const name of all) {
      await goTo(ops, name);
      await ops.reload();
      await ops.getByRole("heading", { level: 1, name }).waitFor();
    }
    await ops.context().close();
  });

  it("says why it does not let somebody in", async () => {
    const page = await world.open();
    await page.getByLabel("API key").fill("sy_test_nobody");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("alert").getByText("This API key is not known, or it was revoked.").waitFor();
    await page.context().close();
    // The browser tells of each refusal by itself.
    expect(world.faults.splice(0)).toEqual([expect.stringContaining("401")]);
  });

  it("forces Stripe out in two clicks, after saying what will happen, and the charges move to PayPal", async () => {
    const page = await world.signIn("ops");
    await goTo(page, "Sandbox");
    await page.getByRole("button", { name: "Start charges" }).click();
    const feed = page.getByRole("list", { name: "The newest charges" });
    await feed.getByText("Stripe").first().waitFor();

    await goTo(page, "Providers");
    const stripe = page.getByRole("region", { name: "Stripe", exact: true });
    const shareBefore = await shareOf(stripe);
    await stripe.getByRole("button", { name: "Take out Stripe" }).click();
    const dialog = page.getByRole("dialog", { name: "Take out Stripe" });
    await dialog.getByText("no charge is tried at Stripe.").waitFor();
    await dialog.getByText("PayPal takes").waitFor();
    expect(await seriousFaults(page)).toEqual([]);
    await dialog.getByRole("button", { name: "Take out Stripe" }).click();
    await stripe.getByText("Forced: take out.").waitFor();
    await stripe.getByText("gets no charges").waitFor();
    await expect.poll(() => shareOf(stripe), { timeout: PATIENCE_MS }).toBeLessThan(shareBefore);

    await goTo(page, "Overview");
    await page.getByText("Money is flowing, without Stripe.").waitFor();
    await goTo(page, "Sandbox");
    await expect.poll(async () => await feed.getByText("Stripe").count(), { timeout: PATIENCE_MS }).toBe(0);

    await goTo(page, "Providers");
    await stripe.getByRole("button", { name: "End the override" }).click();
    await page.getByRole("button", { name: "Leave Stripe to the router" }).click();
    await stripe.getByText("Forced").waitFor({ state: "detached" });
    await page.context().close();
  });

  it("shows a processor that breaks within moments, and keeps what nobody can take", async () => {
    const page = await world.signIn("ops");
    await goTo(page, "Sandbox");
    for (const name of ["Stripe", "PayPal"]) {
      await page.getByRole("region", { name, exact: true }).getByRole("button", { name: "Down", exact: true }).click();
    }
    await page.getByText("No processor can be used: what comes in is kept.").waitFor();
    await page.getByRole("region", { name: "PayPal", exact: true }).getByRole("button", { name: "Works" }).click();
    await page.getByText(/charges a second go to PayPal|PayPal is being tested/).waitFor();
    await page.getByRole("region", { name: "Stripe", exact: true }).getByRole("button", { name: "Works" }).click();
    await page.getByRole("radio", { name: "Stop" }).click();
    await page.context().close();
  });

  it("fits a phone, and is used there by its menu", async () => {
    const page = await world.signIn("ops", PHONE);
    for (const name of ["Overview", "Providers", "Routing", "Charges", "Queue", "Reconciliation", "Audit", "Sandbox"]) {
      await goTo(page, name);
      expect(await page.evaluate("document.documentElement.scrollWidth"), name).toBeLessThanOrEqual(390);
    }
    await page.context().close();
  });

  it("shuts nobody out: axe finds no serious fault, in light and in dark", async () => {
    const signedOut = await world.open();
    await signedOut.getByRole("heading", { name: "Sign in" }).waitFor();
    expect(await seriousFaults(signedOut)).toEqual([]);
    await signedOut.context().close();

    const page = await world.signIn("ops");
    for (const name of ["Overview", "Providers", "Routing", "Charges", "Queue", "Reconciliation", "Audit", "Sandbox"]) {
      await goTo(page, name);
      if (name === "Sandbox") await page.getByRole("list", { name: "The newest charges" }).waitFor();
      expect(await seriousFaults(page)).toEqual([]);
      await page.emulateMedia({ colorScheme: "dark" });
      // What does not depend on colours was judged above.
      expect(await seriousFaults(page, ["color-contrast"])).toEqual([]);
      await page.emulateMedia({ colorScheme: "light" });
    }
    await page.context().close();
  });

  it("is used by keyboard: past the navigation at once, and a dialog gives the focus back", async () => {
    const page = await world.signIn("ops");
    await goTo(page, "Providers");
    await page.reload();
    await page.getByRole("button", { name: "Drain PayPal" }).waitFor();
    await page.keyboard.press("Tab");
    await expect.poll(() => focused(page), { timeout: PATIENCE_MS }).toBe("To the content");
    await page.keyboard.press("Enter");
    const drain = page.getByRole("button", { name: "Drain PayPal" });
    await drain.focus();
    await page.keyboard.press("Enter");
    await page.getByRole("dialog", { name: "Drain PayPal" }).waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await expect.poll(() => focused(page), { timeout: PATIENCE_MS }).toBe("Drain PayPal");
    await page.context().close();
  });

  it("goes back to the sign-in when its session ends", async () => {
    const page = await world.signIn("finance");
    const [cookie] = await page.context().cookies();
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: "Strict" });
    expect(await page.evaluate("document.cookie")).toBe("");
    await page.context().clearCookies();
    const signIn = page.getByRole("heading", { name: "Sign in" });
    // What the page asks by itself may be refused before the click.
    await Promise.any([page.getByRole("radio", { name: "24 hours" }).click(), signIn.waitFor()]);
    await signIn.waitFor();
    await page.context().close();
    // The browser tells of each refusal by itself.
    expect(world.faults.splice(0).filter((fault) => !fault.includes("401"))).toEqual([]);
  });

  // Last, and with a beginning of their own: they leave the processors down.
  describe("for finance, support and whoever is on call", () => pagesStories(() => world));
  describe("for what only a person can end", () => deskStories(() => world));
});

function pagesOf(page: Page): Promise<string[]> {
  return page.getByRole("navigation", { name: "Pages" }).getByRole("link").allTextContents();
}

/** "61.9%" of a provider's card. */
async function shareOf(card: ReturnType<Page["getByRole"]>): Promise<number> {
  const text = await card.locator("dt", { hasText: "Share of attempts" }).locator("..").locator("strong").textContent();
  return Number.parseFloat(text ?? "");
}

function focused(page: Page): Promise<string> {
  return page.evaluate("document.activeElement.textContent.trim()");
}
