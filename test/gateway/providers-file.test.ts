import { expect, test } from "vitest";
import { type Config, parseConfig } from "../../gateway/config.ts";
import { createProviders } from "../../gateway/registry.ts";
import { systemClock } from "../../providers/contract/clock.ts";

const SECRETS = { STRIPE_US_KEY: "sk_test_us_1", STRIPE_EU_KEY: "sk_test_eu_1", PAYPAL_ID: "client", PAYPAL_KEY: "paypal-secret" };
const US = { id: "stripe-us", adapter: "stripe", secret_key: { env: "STRIPE_US_KEY" } };
const EU = { id: "stripe-eu", adapter: "stripe", secret_key: { env: "STRIPE_EU_KEY" } };
const PAYPAL = {
  id: "paypal",
  adapter: "paypal",
  client_id: { env: "PAYPAL_ID" },
  client_secret: { env: "PAYPAL_KEY" },
  api_base: "https://api-m.sandbox.paypal.com",
};

function parsed(file: unknown, env: Record<string, string> = {}) {
  const text = typeof file === "string" ? file : JSON.stringify(file);
  return parseConfig({ ...SECRETS, PROVIDERS_FILE: "/etc/providers.json", ...env }, () => text);
}

function configOf(file: unknown, env?: Record<string, string>): Config {
  const result = parsed(file, env);
  if (!result.ok) throw new Error(result.faults.join("; "));
  return result.config;
}

function faultsOf(file: unknown, env?: Record<string, string>): readonly string[] {
  const result = parsed(file, env);
  return result.ok ? [] : result.faults;
}

test("several accounts of one processor are several providers, in the file's order", () => {
  const config = configOf([US, EU, PAYPAL]);
  expect(config).toMatchObject({ livemode: false, sandbox: null });
  expect(config.providers.map(({ id, adapter }) => `${id} ${adapter}`)).toEqual(["stripe-us stripe", "stripe-eu stripe", "paypal paypal"]);
  const providers = createProviders(config.providers, systemClock);
  expect(providers.map(({ id, kind }) => `${id} ${kind}`)).toEqual(["stripe-us stripe", "stripe-eu stripe", "paypal paypal"]);
  for (const provider of providers) provider.close();
});

test("secrets come from the environment, webhooks without one are noted", () => {
  const config = configOf([{ ...US, webhook_secret: { env: "WH" } }, EU], { WH: "whsec_1" });
  expect(config.providers[0]).toMatchObject({ secretKey: "sk_test_us_1", webhookSecret: "whsec_1", apiBase: null });
  expect(config.notes).toEqual([expect.stringContaining("PROVIDERS_FILE /1/webhook_secret is not set: the webhooks of stripe-eu")]);
});

test("fees and limits are plain data, with every number filled in", () => {
  const [first, second] = configOf([
    { ...US, fees: { usd: { percent: 2.9, fixed: 30 }, "*": {} }, limits: { per_second: 80 } },
    EU,
  ]).providers;
  expect(first?.fees).toEqual({
    usd: { percent: 2.9, fixed: 30, per_attempt: 0 },
    "*": { percent: 0, fixed: 0, per_attempt: 0 },
  });
  expect(first?.limits).toEqual({ per_second: 80, share: null });
  expect(second).toMatchObject({ fees: {}, limits: { per_second: null, share: null } });
});

test("all faults are reported at once, with other settings' faults, each with its pointer", () => {
  const faults = faultsOf(
    [
      { ...US, id: "Stripe", surprise: 1 },
      { id: "brand", adapter: "stripe" },
      { ...EU, fees: { USD: {}, usd: { percent: 101, tax: 1 } }, limits: { share: 2, per_second: 0 } },
      { id: "x", adapter: "adyen" },
      7,
      { ...PAYPAL, client_secret: { env: "NOT_THERE" }, api_base: "ftp://x" },
      { ...EU, id: "paypal" },
    ],
    { PORT: "http" },
  );
  const places = faults.map((fault) => /^PROVIDERS_FILE ([^ :]+)/.exec(fault)?.[1] ?? fault.split(" ")[0]);
  expect(places.sort()).toEqual([
    "/0/id",
    "/0/surprise",
    "/1/id",
    "/1/secret_key",
    "/2/fees/USD",
    "/2/fees/usd/percent",
    "/2/fees/usd/tax",
    "/2/limits/per_second",
    "/2/limits/share",
    "/3/adapter",
    "/4",
    "/5/api_base",
    "/5/client_secret",
    "/6/id",
    "PORT",
  ]);
  expect(faults).toContain("PROVIDERS_FILE /6/id is the id of PROVIDERS_FILE /5 as well: each provider needs its own");
  expect(faults).toContain("PROVIDERS_FILE /5/client_secret: the environment has no NOT_THERE");
});

test.each(["type", "brand", "country", "9lives", "-a", "a_b", "a".repeat(33), ""])("the id %j is refused", (id) => {
  expect(faultsOf([{ ...US, id }])).toEqual([expect.stringMatching(/^PROVIDERS_FILE \/0\/id must/)]);
});

test("an adapter's name is an id of that adapter only", () => {
  expect(faultsOf([{ ...EU, id: "paypal" }])).toEqual(["PROVIDERS_FILE /0/id must not be paypal: that is another adapter's name"]);
});

test("a secret in the file is refused, and never repeated", () => {
  const secret = "sk_live_hunter2hunter2";
  for (const literal of [secret, { env: secret }, { env: "STRIPE_US_KEY", value: secret }, [secret]]) {
    const faults = faultsOf([{ ...US, secret_key: literal }]);
    expect(faults.length).toBeGreaterThan(0);
    expect(faults[0]).toMatch(/^PROVIDERS_FILE \/0\/secret_key/);
    expect(faults.join()).not.toContain("hunter2");
  }
  const broken = faultsOf(`[{"secret_key": "${secret}" "id"}]`);
  expect(broken).toEqual([expect.stringMatching(/^PROVIDERS_FILE is not valid JSON/)]);
  expect(broken.join()).not.toContain("hunter2");
  expect(faultsOf([US], { STRIPE_US_KEY: `${secret} x` }).join()).not.toContain("hunter2");
});

test("a file that is no array of 1 to 32 providers", () => {
  for (const file of [{}, [], Array.from({ length: 33 }, () => US), "", `"${"x".repeat(300_000)}"`]) {
    expect(faultsOf(file)).toEqual([expect.stringMatching(/^PROVIDERS_FILE (must|is not|has more)/)]);
  }
});

test("a file that cannot be read", () => {
  expect(parseConfig({ PROVIDERS_FILE: "/nowhere/providers.json" })).toEqual({
    ok: false,
    faults: ["PROVIDERS_FILE cannot be read: ENOENT (/nowhere/providers.json)"],
  });
});

test("the file names all providers: other provider settings beside it are a fault, unless it refers to them", () => {
  const both = { STRIPE_SECRET_KEY: "sk_test_1", PAYPAL_API_BASE: "https://x" };
  expect(faultsOf([US], both)).toEqual([expect.stringContaining("STRIPE_SECRET_KEY, PAYPAL_API_BASE")]);
  expect(faultsOf([{ ...US, secret_key: { env: "STRIPE_SECRET_KEY" } }], { STRIPE_SECRET_KEY: "sk_test_1" })).toEqual([]);
});

test("law 12 holds over all of them", () => {
  expect(faultsOf([US, EU, PAYPAL], { STRIPE_EU_KEY: "sk_live_eu_1" })).toEqual([
    expect.stringContaining("stripe-eu in live mode, stripe-us, paypal in test mode"),
  ]);
  const { api_base: _, ...livePaypal } = PAYPAL;
  expect(faultsOf([US, livePaypal])).toEqual([expect.stringContaining("paypal in live mode, stripe-us in test mode")]);
  expect(faultsOf([{ ...US, api_base: "http://127.0.0.1:8082" }, EU], { SANDBOX: "on" })).toEqual([
    expect.stringContaining("set PROVIDERS_FILE /1/api_base"),
  ]);
});

test("the same credentials under two ids are a fault", () => {
  expect(faultsOf([US, EU], { STRIPE_EU_KEY: SECRETS.STRIPE_US_KEY })).toEqual([
    "PROVIDERS_FILE /1/secret_key is that of stripe-us as well: two providers must be two accounts at the processor",
  ]);
});
