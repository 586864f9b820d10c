import { describe, expect, test } from "vitest";
import { type Config, parseConfig, printFaults } from "../../gateway/config.ts";
import type { Env } from "../../gateway/config-readers.ts";

const DATABASE_URL = "postgres://u:p@db/switchyard";
const STRIPE = { STRIPE_SECRET_KEY: "sk_test_1" };
const PAYPAL = { PAYPAL_CLIENT_ID: "id", PAYPAL_CLIENT_SECRET: "very-secret" };
const PAYPAL_TEST = { ...PAYPAL, PAYPAL_API_BASE: "https://api-m.sandbox.paypal.com" };

function configOf(env: Env): Config {
  const parsed = parseConfig(env);
  if (!parsed.ok) throw new Error(parsed.faults.join("; "));
  return parsed.config;
}

function faultsOf(env: Env): readonly string[] {
  const parsed = parseConfig(env);
  return parsed.ok ? [] : parsed.faults;
}

describe("defaults", () => {
  test("an empty environment is a local start with simulated processors", () => {
    expect(configOf({})).toMatchObject({
      port: 8080,
      host: "127.0.0.1",
      databaseUrl: null,
      databaseReplicaUrl: null,
      dataDir: ".data",
      redisUrl: null,
      role: "all",
      adminKey: null,
      providers: [],
      sandbox: { port: 8081 },
      providerTimeoutMs: 10_000,
      chargeBudgetMs: 25_000,
      logLevel: "info",
      livemode: false,
      notes: [],
    });
  });

  test("a blank setting is an unset one, and values are trimmed", () => {
    expect(configOf({ PORT: " ", REDIS_URL: "", HOST: " ::1 " })).toMatchObject({ port: 8080, redisUrl: null, host: "::1" });
  });

  test("the sandbox is off as soon as a processor or a database is set, unless it is asked for", () => {
    expect(configOf(STRIPE).sandbox).toBeNull();
    expect(configOf(PAYPAL_TEST).sandbox).toBeNull();
    expect(configOf({ DATABASE_URL, SANDBOX: "on", SANDBOX_PORT: "9000" }).sandbox).toEqual({ port: 9000 });
    expect(configOf({ SANDBOX: "off" }).sandbox).toBeNull();
  });
});

describe("faults", () => {
  test("all are listed at once", () => {
    const faults = faultsOf({
      PORT: "http",
      ROLE: "boss",
      ADMIN_KEY: "short",
      CHARGE_BUDGET_MS: "900",
      PROVIDER_TIMEOUT_MS: "1000",
      SANDBOX: "maybe",
    });
    expect(faults.map((fault) => fault.split(" ")[0]).sort()).toEqual(["ADMIN_KEY", "CHARGE_BUDGET_MS", "PORT", "ROLE", "SANDBOX"]);
  });

  test.each([
    ["PORT", "65536"],
    ["PORT", "-1"],
    ["PORT", "80.5"],
    ["PORT", "0x50"],
    ["PROVIDER_TIMEOUT_MS", "99"],
    ["CHARGE_BUDGET_MS", "300001"],
    ["CHARGE_BUDGET_MS", "Infinity"],
    ["LOG_LEVEL", "loud"],
    ["SANDBOX", "yes"],
    ["DATABASE_URL", "mysql://u:p@db/x"],
    ["REDIS_URL", "redis://a:1,b:2"],
    ["REDIS_URL", "redis+sentinel://a:1,b:2"],
    ["REDIS_URL", "localhost:6379"],
    ["STRIPE_API_BASE", "ftp://x"],
  ])("%s=%s", (name, value) => {
    expect(faultsOf({ ...STRIPE, SANDBOX: "off", [name]: value }).join()).toContain(name);
  });

  test("a budget that holds no whole call", () => {
    expect(faultsOf({ PROVIDER_TIMEOUT_MS: "5000", CHARGE_BUDGET_MS: "5000" })).toEqual([
      expect.stringContaining("must be greater than PROVIDER_TIMEOUT_MS (5000)"),
    ]);
  });

  test("half a PayPal credential", () => {
    expect(faultsOf({ PAYPAL_CLIENT_ID: "id" })).toEqual([expect.stringContaining("PAYPAL_CLIENT_SECRET is missing")]);
    expect(faultsOf({ PAYPAL_CLIENT_SECRET: "s" })).toEqual([expect.stringContaining("PAYPAL_CLIENT_ID is missing")]);
    expect(faultsOf({ PAYPAL_WEBHOOK_ID: "w" })).toHaveLength(2);
  });

  test("Stripe's publishable key, and its other settings without a key", () => {
    expect(faultsOf({ STRIPE_SECRET_KEY: "pk_test_1" })).toEqual([expect.stringContaining("publishable")]);
    expect(faultsOf({ STRIPE_WEBHOOK_SECRET: "whsec_1" })).toEqual([expect.stringContaining("STRIPE_SECRET_KEY is missing")]);
  });

  test("a webhook secret of Stripe's that is none; two are fine while it is rolled", () => {
    const withSecret = (secret: string) => ({
      SANDBOX: "off",
      DATABASE_URL,
      STRIPE_SECRET_KEY: "sk_test_1",
      STRIPE_WEBHOOK_SECRET: secret,
    });
    const fault = [expect.stringContaining("STRIPE_WEBHOOK_SECRET must be the signing secret")];
    for (const secret of ["we_1", "whsec_", "whsec_1,", "whsec_1,we_2"]) expect(faultsOf(withSecret(secret)), secret).toEqual(fault);
    expect(configOf(withSecret("whsec_old,whsec_new")).providers[0]).toMatchObject({ webhookSecret: "whsec_old,whsec_new" });
  });

  test("a way to check PayPal's webhooks that there is not", () => {
    const checkedBy = (way: string) => ({
      SANDBOX: "off",
      DATABASE_URL,
      PAYPAL_CLIENT_ID: "c",
      PAYPAL_CLIENT_SECRET: "s",
      PAYPAL_WEBHOOK_VERIFICATION: way,
    });
    expect(faultsOf(checkedBy("never"))).toEqual(["PAYPAL_WEBHOOK_VERIFICATION must be offline or api"]);
    expect(configOf(checkedBy("api")).providers[0]).toMatchObject({ webhookVerification: "api" });
  });

  test("a database without any processor", () => {
    expect(faultsOf({ DATABASE_URL })).toEqual([expect.stringContaining("no processor is set")]);
    expect(faultsOf({ DATABASE_URL, SANDBOX: "off" })).toEqual([]);
  });

  test("a replica of the embedded database", () => {
    expect(faultsOf({ DATABASE_REPLICA_URL: DATABASE_URL })).toEqual([expect.stringContaining("DATABASE_REPLICA_URL")]);
  });

  test("no fault repeats a secret", () => {
    const secret = "hunter2hunter2";
    const faults = faultsOf({
      DATABASE_URL: `mysql://u:${secret}@db/x`,
      REDIS_URL: `redis://:${secret}@a,b`,
      STRIPE_API_BASE: `https://u:${secret}@stripe`,
      STRIPE_SECRET_KEY: `pk_${secret}`,
      ADMIN_KEY: secret,
      PAYPAL_CLIENT_SECRET: `${secret} x`,
    });
    expect(faults.length).toBeGreaterThanOrEqual(6);
    expect(faults.join()).not.toContain(secret);
  });
});

describe("law 12: simulated, test and live never mix", () => {
  test("the sandbox together with a real processor", () => {
    expect(faultsOf({ ...STRIPE, SANDBOX: "on" })).toEqual([expect.stringContaining("STRIPE_API_BASE")]);
    expect(faultsOf({ ...PAYPAL, SANDBOX: "on" })).toEqual([expect.stringContaining("PAYPAL_API_BASE")]);
    expect(faultsOf({ ...STRIPE, SANDBOX: "on", STRIPE_API_BASE: "http://127.0.0.1:9" })).toEqual([]);
  });

  test("Stripe live with PayPal test, and the other way round", () => {
    expect(faultsOf({ STRIPE_SECRET_KEY: "sk_live_1", ...PAYPAL_TEST })).toEqual([
      expect.stringContaining("all providers must be in the same"),
    ]);
    expect(faultsOf({ ...STRIPE, ...PAYPAL })).toEqual([expect.stringContaining("all providers must be in the same")]);
    expect(configOf({ ...STRIPE, ...PAYPAL_TEST }).livemode).toBe(false);
  });

  test.each(["sk_live_1", "rk_live_1"])("%s is live, and takes no plain http", (key) => {
    expect(configOf({ STRIPE_SECRET_KEY: key })).toMatchObject({ livemode: true, providers: [{ id: "stripe", live: true }] });
    expect(faultsOf({ STRIPE_SECRET_KEY: key, STRIPE_API_BASE: "http://proxy" })).toEqual([expect.stringContaining("https")]);
  });

  test("PayPal without an address, or with its live one, is live", () => {
    expect(configOf(PAYPAL).livemode).toBe(true);
    expect(configOf({ ...PAYPAL, PAYPAL_API_BASE: "https://api-m.paypal.com/" })).toMatchObject({
      livemode: true,
      providers: [{ id: "paypal", apiBase: "https://api-m.paypal.com" }],
    });
    expect(faultsOf({ ...PAYPAL, PAYPAL_API_BASE: "http://api-m.paypal.com" })).toEqual([expect.stringContaining("https")]);
    expect(configOf({ ...PAYPAL, PAYPAL_API_BASE: "http://sandbox:8083" }).livemode).toBe(false);
  });
});

test.each([
  "redis://localhost",
  "rediss://user:p%40ss@cache.example:6380/2",
  "redis+sentinel://:pw@a:26379,b:26379/mymaster",
  "redis+cluster://a:7000,b:7001,[::1]:7002",
  "rediss+cluster://a",
])("REDIS_URL takes %s", (url) => {
  expect(configOf({ REDIS_URL: url }).redisUrl).toBe(url);
});

test("what is allowed but should be known is noted", () => {
  expect(configOf({ HOST: "0.0.0.0" }).notes).toEqual([expect.stringContaining("ready-made keys")]);
  expect(configOf({ HOST: "0.0.0.0", DATABASE_URL, ...STRIPE, STRIPE_WEBHOOK_SECRET: "whsec_1" }).notes).toEqual([]);
  expect(configOf({ STRIPE_SECRET_KEY: "sk_live_1" }).notes).toEqual([
    expect.stringContaining("embedded database"),
    expect.stringContaining("STRIPE_WEBHOOK_SECRET"),
  ]);
});

test("webhooks may go to private addresses on a trial's own machine, or where it is asked for, which is noted", () => {
  expect(configOf({}).webhookAllowPrivate).toBe(true);
  expect(configOf({ WEBHOOK_ALLOW_PRIVATE: "off" }).webhookAllowPrivate).toBe(false);
  expect(configOf({ SANDBOX: "off" }).webhookAllowPrivate).toBe(false);
  expect(configOf(STRIPE).webhookAllowPrivate).toBe(false);
  expect(configOf({ DATABASE_URL, SANDBOX: "on" }).webhookAllowPrivate).toBe(false);
  const asked = configOf({ DATABASE_URL, SANDBOX: "on", WEBHOOK_ALLOW_PRIVATE: "on" });
  expect(asked).toMatchObject({ webhookAllowPrivate: true, notes: [expect.stringContaining("WEBHOOK_ALLOW_PRIVATE")] });
});

test("the faults are printed one per line", () => {
  let printed = "";
  printFaults(["A is wrong", "B as well"], (text) => {
    printed += text;
  });
  expect(printed).toBe("switchyard cannot start: 2 settings are wrong\n  - A is wrong\n  - B as well\n");
});

describe("who is told", () => {
  const MAIL = {
    NOTIFY_SMTP_URL: "smtp://switchyard:p%40ss@mail.example.com",
    NOTIFY_EMAIL_FROM: "Switchyard <switchyard@example.com>",
    NOTIFY_EMAIL_TO: "ops@example.com, oncall@example.com, ops@example.com",
  };

  test("nobody, unless it is set", () => {
    expect(configOf({}).notify).toEqual({ slackUrl: null, slackFinanceUrl: null, email: null });
  });

  test("chats and mail", () => {
    const slack = { NOTIFY_SLACK_URL: "https://hooks.slack.com/services/T/B/x", NOTIFY_SLACK_FINANCE_URL: "https://chat.internal/hooks/y" };
    expect(configOf({ ...slack, ...MAIL }).notify).toEqual({
      slackUrl: slack.NOTIFY_SLACK_URL,
      slackFinanceUrl: slack.NOTIFY_SLACK_FINANCE_URL,
      email: {
        smtp: { host: "mail.example.com", port: 587, tls: false, local: false, auth: { user: "switchyard", password: "p@ss" } },
        from: MAIL.NOTIFY_EMAIL_FROM,
        to: ["ops@example.com", "oncall@example.com"],
        finance: [],
      },
    });
  });

  test.each([
    ["smtps://mail.example.com", { port: 465, tls: true, local: false, auth: null }],
    ["smtp://127.0.0.1:2525", { host: "127.0.0.1", port: 2525, tls: false, local: true }],
    ["smtp://[::1]", { host: "::1", port: 587, local: true }],
    ["smtps://localhost", { tls: true, local: false }],
  ])("%s", (url, smtp) => {
    expect(configOf({ ...MAIL, NOTIFY_SMTP_URL: url }).notify.email?.smtp).toMatchObject(smtp);
  });

  test.each([
    ["NOTIFY_SLACK_URL", "http://chat.example.com/secret"],
    ["NOTIFY_SLACK_URL", "hooks.slack.com/secret"],
    ["NOTIFY_SMTP_URL", "mail.example.com/secret"],
    ["NOTIFY_SMTP_URL", "smtp://u:secret@mail.example.com?tls.rejectUnauthorized=false"],
    ["NOTIFY_SMTP_URL", "smtp://u:secr%zzet@mail.example.com"],
    ["NOTIFY_SMTP_URL", "smtp://secret@mail.example.com"],
    ["NOTIFY_EMAIL_FROM", "Switchyard\u0000 <secret@example.com>"],
    ["NOTIFY_EMAIL_FROM", "a@example.com\nBcc: secret@example.com"],
    ["NOTIFY_EMAIL_TO", "ops@example.com; secret@example.com"],
    ["NOTIFY_EMAIL_TO", Array.from({ length: 21 }, (_, i) => `secret${i}@example.com`).join()],
  ])("%s does not take %s, and is not quoted", (name, value) => {
    const faults = faultsOf({ DATABASE_URL, ...STRIPE, ...MAIL, [name]: value });
    expect(faults).toEqual([expect.stringContaining(name)]);
    expect(faults.join()).not.toContain("secret");
  });

  test("mail needs a server, a sender and a receiver", () => {
    expect(faultsOf({ NOTIFY_EMAIL_TO: "ops@example.com" }).map((fault) => fault.split(" ")[0])).toEqual([
      "NOTIFY_SMTP_URL",
      "NOTIFY_EMAIL_FROM",
    ]);
    expect(faultsOf({ NOTIFY_SMTP_URL: "smtps://mail", NOTIFY_EMAIL_FROM: "a@example.com" })).toEqual([
      expect.stringMatching(/^NOTIFY_EMAIL_TO or NOTIFY_EMAIL_FINANCE_TO is missing/),
    ]);
  });
});
