import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import axe from "axe-core";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { expect } from "vitest";
import { type ConsoleGateway, startConsoleGateway } from "../gateway/console/console-gateway.ts";
import { launchChromium } from "../support/chromium.ts";

/** One gateway with its simulated processors, its console as it is built, and a browser: for all tests of the console together. */
export interface ConsoleWorld {
  readonly gateway: ConsoleGateway;
  readonly browser: Browser;
  /** A window of its own, with its own cookies. What goes wrong in it is in `faults`. */
  open(options?: BrowserContextOptions): Promise<Page>;
  /** Opens a window and signs in. */
  signIn(role: "billing" | "finance" | "ops", options?: BrowserContextOptions): Promise<Page>;
  /** Console errors, uncaught errors and requests to elsewhere, of all windows; a test takes out what it expects. */
  readonly faults: string[];
  close(): Promise<void>;
}

const BUILD = fileURLToPath(new URL("../../gateway/cli/build-console.mjs", import.meta.url));
export const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
/** The machine may have much else to do. */
export const PATIENCE_MS = 120_000;

export async function openConsole(): Promise<ConsoleWorld> {
  execFileSync(process.execPath, [BUILD]);
  const [gateway, browser] = await Promise.all([startConsoleGateway(), launchChromium()]);
  const faults: string[] = [];

  async function open(options: BrowserContextOptions = {}): Promise<Page> {
    const context = await browser.newContext({ viewport: { width: 1366, height: 850 }, reducedMotion: "reduce", ...options });
    context.setDefaultTimeout(PATIENCE_MS);
    const page = await context.newPage();
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") faults.push(`${page.url()}: ${message.text()}`);
    });
    page.on("pageerror", (error) => faults.push(`${page.url()}: ${error.message}`));
    page.on("request", (request) => {
      const url = request.url();
      if (!url.startsWith(gateway.url) && !/^(data|blob):/.test(url)) faults.push(`${page.url()}: asks ${url}`);
    });
    await page.goto(`${gateway.url}/console`);
    return page;
  }

  return {
    gateway,
    browser,
    open,
    async signIn(role, options) {
      const page = await open(options);
      await page.getByLabel("API key").fill(`sy_test_${role}`);
      await page.getByRole("button", { name: "Sign in" }).click();
      await page.getByRole("heading", { name: "Overview" }).waitFor();
      return page;
    },
    faults,
    async close() {
      await browser.close();
      await gateway.close();
    },
  };
}

/** What axe finds that shuts somebody out: "rule: element". `rules`: only these. */
export async function seriousFaults(page: Page, rules?: readonly string[]): Promise<string[]> {
  await page.evaluate(axe.source);
  const options = { resultTypes: ["violations"], ...(rules ? { runOnly: { type: "rule", values: rules } } : {}) };
  const found = await page.evaluate(`axe.run(document, ${JSON.stringify(options)})`);
  return (found as axe.AxeResults).violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${new URL(page.url()).pathname} ${id}: ${target.join(" ")} (${failureSummary})`),
    );
}

/** Follows a link of the navigation, as a person would, and waits until the page shows what it has. */
export async function goTo(page: Page, name: string): Promise<void> {
  const menu = page.getByRole("button", { name: "Menu" });
  if (await menu.isVisible()) await menu.click();
  await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name, exact: true }).click();
  await page.getByRole("heading", { level: 1, name }).waitFor();
  await expect.poll(() => page.locator(".loading").count(), { timeout: PATIENCE_MS }).toBe(0);
}
