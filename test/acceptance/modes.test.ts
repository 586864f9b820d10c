import { afterAll, beforeAll, expect, it } from "vitest";
import { ask } from "./client.ts";
import { type Gateway, launchGateway } from "./gateway-process.ts";
import { startWorld, type World } from "./harness.ts";
import { StartRefused } from "./node-process.ts";
import { goodBody } from "./storm.ts";

/** EX_CONFIG of sysexits.h: whoever restarts it need not try again. */
const BAD_CONFIGURATION = 78;

let world: World;
let first: Gateway;
beforeAll(async () => {
  world = await startWorld();
  first = await world.start();
  const { status } = await ask(first.url, "POST /v1/charges", { key: "before", body: goodBody(1) });
  expect(status).toBe(201);
});
afterAll(() => world.close());

/** Starts a gateway that must refuse, with the world's settings and others instead; "" unsets one. */
async function refusal(env: Record<string, string>): Promise<StartRefused> {
  const started = await launchGateway({ ...world.env, ...env }).catch((error: unknown) => error);
  if (started instanceof StartRefused) return started;
  await (started as Gateway).kill9?.();
  throw new Error("it started");
}

const LIVE_STRIPE = { STRIPE_SECRET_KEY: "sk_live_0123456789abcdef", STRIPE_API_BASE: "https://127.0.0.1:9" };
const NO_PAYPAL = { PAYPAL_CLIENT_ID: "", PAYPAL_CLIENT_SECRET: "", PAYPAL_API_BASE: "" };

it.each<[string, Record<string, string>, RegExp]>([
  ["live keys on a test database", { ...LIVE_STRIPE, ...NO_PAYPAL }, /holds test charges.*live mode/],
  ["one live and one test processor", LIVE_STRIPE, /stripe in live mode, paypal in test mode/],
  ["live keys over plain http", { STRIPE_SECRET_KEY: LIVE_STRIPE.STRIPE_SECRET_KEY, ...NO_PAYPAL }, /STRIPE_API_BASE must be https/],
  ["another Stripe account", { STRIPE_SECRET_KEY: "sk_test_other_1" }, /stripe is the account acct_sandbox_other.*acct_sandbox /],
  ["another PayPal account", { PAYPAL_CLIENT_ID: "somebody" }, /paypal is the account/],
])("refuses to start with %s", { timeout: 300_000 }, async (_, env, reason) => {
  const { code, stderr } = await refusal(env);
  expect({ code, stderr }).toEqual({ code: BAD_CONFIGURATION, stderr: expect.stringMatching(reason) });
  expect(stderr).not.toContain("sk_live_");
});

it("starts again with a new key of the same account, and says test on every charge", { timeout: 300_000 }, async () => {
  const again = await world.start({ STRIPE_SECRET_KEY: "sk_test_rotated" });
  const { status, body } = await ask(again.url, "POST /v1/charges", { key: "after", body: goodBody(2) });
  expect({ status, body }).toMatchObject({ status: 201, body: { livemode: false, status: "succeeded" } });
});
