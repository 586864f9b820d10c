import { afterAll, beforeAll, expect, it } from "vitest";
import { createFleet, type Fleet } from "../../gateway/health/fleet.ts";
import { Identities, IdentityMismatch } from "../../gateway/identities.ts";
import { type Database, openDatabase } from "../../gateway/store/database.ts";
import { systemClock } from "../../providers/contract/clock.ts";
import { type Sandbox, startSandbox } from "../../providers/sandbox/sandbox.ts";
import { createStripeProvider } from "../../providers/stripe/stripe.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { eventually } from "../support/engine.ts";

let database: TestDatabase;
let db: Database;
/** Two addresses of one Stripe: whose account it is depends on the key alone. */
let here: Sandbox;
let there: Sandbox;
const closers: (() => void)[] = [];
beforeAll(async () => {
  [database, here, there] = await Promise.all([createTestDatabase(), startSandbox(), startSandbox()]);
  db = openDatabase({ url: database.url, maxConnections: 4, onIdleError: () => {}, connectTimeoutMs: 60_000 });
});
afterAll(async () => {
  for (const close of closers.splice(0)) close();
  await Promise.all([db.close(), here.close(), there.close()]);
  await database.drop();
});

const stripe = (id: string, secretKey: string, sandbox: Sandbox = here) =>
  createStripeProvider({ id, secretKey, apiBase: sandbox.stripeUrl, clock: systemClock });

function start(...providers: ReturnType<typeof stripe>[]): { identities: Identities; fleet: Fleet; warnings: object[] } {
  const overrides = { current: () => new Map(), modeOf: () => null };
  const fleet = createFleet({
    providers,
    clock: systemClock,
    random: Math.random,
    overrides,
    instance: "test",
    documents: null,
    onBug: () => {},
  });
  const warnings: object[] = [];
  const log = { info() {}, warn: (fields: object) => void warnings.push(fields), error() {} };
  const identities = new Identities({ db, clock: systemClock, fleet, providers, livemode: false, log });
  closers.push(() => {
    identities.stop();
    fleet.close();
    for (const provider of providers) provider.close();
  });
  return { identities, fleet, warnings };
}

it("knows two accounts of one processor by two ids", async () => {
  const { identities, fleet } = start(stripe("stripe-us", "sk_test_us_1"), stripe("stripe-eu", "sk_test_eu_1"));
  await identities.start();
  expect(identities.accountOf("stripe-us")).toBe("acct_sandbox_us");
  expect(identities.accountOf("stripe-eu")).toBe("acct_sandbox_eu");
  expect(fleet.available()).toEqual(["stripe-us", "stripe-eu"]);
});

it("refuses one account under two ids, also where its keys differ", async () => {
  const { identities } = start(stripe("stripe-one", "sk_test_same_1"), stripe("stripe-two", "sk_test_same_2"));
  const refused = await identities.start().catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(IdentityMismatch);
  expect(String(refused)).toMatch(/stripe-(one|two) and stripe-(one|two) are one account, acct_sandbox_same/);
});

it("refuses the second one also when it was silent at the start: it gets no attempts", async () => {
  there.setFault("stripe", { kind: "refuse" });
  const { identities, fleet } = start(stripe("stripe-a", "sk_test_late_1"), stripe("stripe-b", "sk_test_late_2", there));
  await identities.start();
  expect(fleet.available()).toEqual(["stripe-a"]);
  there.clearFaults("stripe");
  const why = () => fleet.status().find(({ provider }) => provider === "stripe-b")?.why ?? "";
  await eventually(why, (text) => text.includes("are one account, acct_sandbox_late"));
  expect(identities.accountOf("stripe-b")).toBeNull();
  expect(fleet.available()).toEqual(["stripe-a"]);
});

it("warns of an account that was known by another id, and starts", async () => {
  const { identities, warnings } = start(stripe("stripe-renamed", "sk_test_us_1"));
  await identities.start();
  expect(identities.accountOf("stripe-renamed")).toBe("acct_sandbox_us");
  expect(warnings).toEqual([{ provider: "stripe-renamed", former: ["stripe-us"] }]);
});
