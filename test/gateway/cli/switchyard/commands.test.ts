import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort } from "../../../../gateway/local/processes.ts";
import { ask, type ChargeJson } from "../../../acceptance/client.ts";
import { ADMIN_KEY, startWorld, until, type World } from "../../../acceptance/harness.ts";
import { temporaryDirectory } from "../../../support/temporary-directory.ts";
import { type Ran, switchyard } from "./run.ts";

/** Nothing younger than ten minutes is compared with the processors' records: theirs are from half an hour ago. */
const AGE_MS = 30 * 60_000;

let world: World;
let url: string;
let client: pg.Client;
let charges: { plain: ChargeJson; moved: ChargeJson };
beforeAll(async () => {
  world = await startWorld({ sandbox: { now: () => Date.now() - AGE_MS } });
  // No call of these may be cut short by a busy machine.
  ({ url } = await world.start({ PROVIDER_TIMEOUT_MS: "8000", CHARGE_BUDGET_MS: "20000" }));
  client = new pg.Client({ connectionString: world.env.DATABASE_URL });
  await client.connect();
  const plain = await charge("invoice-1", "stripe");
  world.sandbox.setFault("stripe", { kind: "refuse" });
  const moved = await charge("invoice-2");
  world.sandbox.clearFaults();
  charges = { plain, moved };
});
afterAll(async () => {
  await client?.end();
  await world?.close();
});

const TOKENS = { stripe: { payment_method: "pm_card_visa" }, paypal: { vault_id: "vault-1" } };

async function charge(reference: string, only?: "stripe"): Promise<ChargeJson> {
  const payment_method = { ...(only ? { stripe: TOKENS.stripe } : TOKENS), brand: "visa", country: "US" };
  const body = { amount: 4200, currency: "usd", reference, payment_method };
  return (await ask<ChargeJson>(url, "POST /v1/charges", { key: `key-${reference}`, body })).body;
}

const env = (more: Record<string, string> = {}) => ({ SWITCHYARD_URL: url, SWITCHYARD_API_KEY: ADMIN_KEY, ...more });
const run = (line: string, more: Record<string, string> = {}): Promise<Ran> => switchyard(line.split(" "), { env: env(more) });
const json = async <T>(line: string): Promise<T> => JSON.parse((await run(`${line} --json`)).out) as T;

describe("providers and force", () => {
  it("show each processor, for people and for programs", async () => {
    const { code, out, err } = await run("providers");
    expect([code, err]).toEqual([0, ""]);
    expect(out).toMatch(/^PROVIDER +HEALTH +BREAKER .*\nstripe +(up|testing|unavailable) .*\npaypal +up +closed /);
    const { data } = await json<{ data: { id: string }[] }>("providers");
    expect(data.map(({ id }) => id)).toEqual(["stripe", "paypal"]);
  });

  it("force one down for a while with a reason, and let it go again", async () => {
    const forced = await switchyard(["force", "stripe", "down", "--reason", "incident 4711", "--for", "1h30m"], { env: env() });
    expect(forced).toMatchObject({ code: 0, err: "" });
    expect(forced.out).toMatch(/^stripe is forced down until \S+ \S+ UTC \(in 1 h \d+ min\): it gets no new attempts; .*\n$/);
    expect(await charge("invoice-3")).toMatchObject({ status: "succeeded", provider: "paypal" });
    expect((await run("providers")).out).toMatch(/\nstripe: forced down by key:ADMIN_KEY until .*: incident 4711\n/);
    expect(await run("force stripe clear")).toMatchObject({ code: 0, out: expect.stringContaining("not forced any more") });
  });

  it("say what is wrong with an order, and change nothing", async () => {
    expect(await run("force stripe down")).toMatchObject({ code: 64, err: expect.stringContaining("needs a reason") });
    expect(await run("force stripe sideways --reason x")).toMatchObject({
      code: 64,
      err: expect.stringContaining("down, drain, only, up, clear"),
    });
    expect(await run("force stripe down --reason x --for soon")).toMatchObject({ code: 64, err: expect.stringContaining("90s, 15m") });
    expect(await run("force stripe clear --reason x")).toMatchObject({ code: 64 });
    expect(await run("force adyen down --reason x")).toMatchObject({ code: 1, err: expect.stringContaining("There is no such provider") });
  });
});

describe("charges", () => {
  it("are listed and filtered", async () => {
    expect((await run("charges")).out).toMatch(/^CHARGE +STATUS +AMOUNT .*\nch_\w+ +succeeded +42\.00 USD +\w+ +\d +\S+ \S+ +invoice-\d\n/);
    const { data } = await json<{ data: ChargeJson[] }>("charges list --provider stripe --status succeeded --from 1h --limit 5");
    expect(data.map(({ id }) => id)).toEqual([charges.plain.id]);
    expect(await run("charges --to 2026-01-01")).toMatchObject({ code: 0, out: "No charge matches.\n" });
    expect((await run("charges --limit 1")).err).toBe("There are more: --limit 5 shows further ones.\n");
  });

  it("are found by id, reference and key", async () => {
    for (const text of [charges.moved.id, "invoice-2", "key-invoice-2", charges.moved.attempts[0]!.id, charges.moved.provider_reference!]) {
      const { data } = await json<{ data: ChargeJson[] }>(`charges search ${text}`);
      expect(data.map(({ id }) => id)).toEqual([charges.moved.id]);
    }
    expect(await run("charges search ch_unknown")).toMatchObject({ code: 1, err: expect.stringContaining("no charge has this id") });
  });

  it("are told as a timeline in words, with why each attempt went where it went", async () => {
    const { code, out } = await run(`charges show ${charges.moved.id}`);
    expect(code).toBe(0);
    expect(out).toContain(`${charges.moved.id} succeeded, reference invoice-2, test money\n42.00 USD was collected at paypal (`);
    const lines = out.split("\n").filter((line) => /^ {2}\d/.test(line));
    expect(lines[0]).toMatch(/accepted: 42\.00 USD; attempt 1 begins at (stripe|paypal) {2}by key ADMIN_KEY$/);
    expect(lines.at(-1)).toMatch(/paypal said yes \(after \d+ ms\); the charge is paid/);
    expect(out).toMatch(/because: \w+ was chosen because /);
    expect((await json<{ events: unknown[]; decisions: unknown[] }>(`charges show ${charges.moved.id}`)).decisions).toHaveLength(
      charges.moved.attempts.length,
    );
    expect(await run("charges show ch_unknown")).toMatchObject({ code: 1, err: expect.stringContaining("404 not_found") });
  });

  it("are shown to a billing key too, without what it may not read", async () => {
    const made = await json<{ key: string }>("keys create --name core --role billing");
    const told = await run(`charges show ${charges.plain.id}`, { SWITCHYARD_API_KEY: made.key });
    expect(told).toMatchObject({ code: 0, out: expect.not.stringContaining("because:") });
  });
});

describe("what waits", () => {
  it("is told as revenue at risk, put back to work letter by letter, and collected", async () => {
    for (const id of ["stripe", "paypal"]) await run(`force ${id} drain --reason test`);
    const last = await run("force paypal drain --reason test");
    expect(last.err).toMatch(/^Attention: no processor takes new attempts now: .*Charges are deferred/);
    const waiting = [await charge("invoice-4"), await charge("invoice-5"), await charge("invoice-6")];
    expect(waiting.map(({ status }) => status)).toEqual(["deferred", "deferred", "deferred"]);
    const { rows } = await client.query("update charges set next_action_at = null, tries = 9 where status = 'deferred' returning id");
    for (const { id } of rows)
      await client.query(
        "insert into dead_letters (id, account_id, kind, charge_id, reason, created_at) values ($1, 'acct_default', 'charge', $2, 'out of tries', now())",
        [`dl_${id}`, id],
      );
    expect((await run("deferred")).out).toMatch(/\nUSD +3 +126\.00 USD .* 3\n\n3 charges out of tries: `switchyard dead-letters list`/);
    expect(await run("deferred --charges 2")).toMatchObject({
      out: expect.stringContaining(waiting[2]!.id),
      err: "There are more: --charges 10 shows further ones.\n",
    });
    expect(await json("deferred")).toMatchObject({ object: "deferred_summary", count: 3 });

    const letters = await run("dead-letters");
    expect(letters.out).toMatch(new RegExp(`\\ndl_${waiting[0]!.id} +charge +open +${waiting[0]!.id} .* out of tries\\n`));
    expect(await run("dead-letters replay")).toMatchObject({ code: 64 });
    expect(await run(`dead-letters replay dl_${waiting[0]!.id} dl_unknown`)).toMatchObject({
      code: 1,
      out: "Put back to work: 1 of 2 dead letters.\n",
      err: expect.stringMatching(/^dl_unknown was not replayed: No such resource/),
    });
    for (const id of ["stripe", "paypal"]) await run(`force ${id} clear`);
    const all = await switchyard(["dead-letters", "replay", "--all", "--kind", "charge"], { env: env(), columns: 80 });
    expect(all).toMatchObject({ code: 0, out: "Put back to work: 2 of 2 dead letters.\n" });
    expect(all.err).toContain("\r\u001b[2Kreplaying: 1 of 2");
    expect(await json("dead-letters replay --all")).toEqual({ object: "dead_letter_replays", replayed: 0, refused: 0, data: [] });
    expect((await json<{ data: { state: string }[] }>("dead-letters list --state replayed")).data).toHaveLength(3);
    await until(
      () => json<{ data: ChargeJson[] }>("charges list --status succeeded --from 1h"),
      ({ data }) => waiting.every(({ id }) => data.some((one) => one.id === id)),
    );
    expect(await run("deferred")).toMatchObject({ code: 0, out: "Nothing is deferred.\n" });
  });
});

describe("stats and explain", () => {
  it("give the numbers as a table, as JSON, and as the gateway's own CSV", async () => {
    const out = (await run("stats --group-by provider,currency --from 1h")).out;
    expect(out).toMatch(/^PROVIDER +CURRENCY +ATTEMPTS .*\n(.*\n)*stripe +USD +\d/);
    expect(out).toMatch(/\d+\.00 USD/);
    const csv = await run("stats --group-by provider,currency --from 1h --csv");
    const asked = await ask(url, `GET /v1/routing/stats?from=${new Date(Date.now() - 3_600_000).toISOString()}`, { accept: "text/csv" });
    expect(csv.out).toBe(asked.text);
    expect(await json("stats --interval day")).toMatchObject({ object: "routing_stats", interval: "day" });
    expect(await run("stats --from 2026-01-01 --to 2026-01-02")).toMatchObject({ out: expect.stringContaining("Nothing happened from") });
    expect(await run("stats --group-by colour")).toMatchObject({ code: 64, err: expect.stringContaining("?group_by") });
    expect(await run("stats --csv --json")).toMatchObject({ code: 64 });
  });

  it("say where a charge would go, and why one went where it went", async () => {
    const future = await run("explain --amount 4200 --currency USD --brand visa --country us --providers stripe,paypal");
    expect(future.out).toMatch(/^42\.00 USD would go to (stripe|paypal) now\.\n.* was chosen because .*\n\nCANDIDATE +MAY BE TRIED/);
    expect((await run(`explain ${charges.plain.id}`)).out).toMatch(/^Attempt 1 at stripe, .* UTC: approved\n/);
    expect(await json(`explain ${charges.plain.id}`)).toMatchObject({ charge: charges.plain.id });
    expect(await run("explain")).toMatchObject({ code: 64 });
    expect(await run(`explain ${charges.plain.id} --amount 5`)).toMatchObject({ code: 64 });
  });
});

describe("keys", () => {
  it("are made, kept in a file of their own, used, and revoked", async () => {
    const file = join(await temporaryDirectory(), "ada.key");
    const made = await switchyard(["keys", "create", "--name", "ada", "--role", "finance", "--save", file], { env: env() });
    const [id] = /key_\w+/.exec(made.out)!;
    const key = (await readFile(file, "utf8")).trim();
    expect(made).toMatchObject({ code: 0, out: expect.not.stringContaining(key) });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await run("keys")).out).toMatch(new RegExp(`\\n${id} +finance +valid .* ada\\n`));

    const reader = { SWITCHYARD_API_KEY: "" };
    expect(await run(`providers --key-file ${file}`, reader)).toMatchObject({ code: 0 });
    const denied = await run(`force stripe down --reason x --key-file ${file}`, reader);
    expect(denied).toMatchObject({ code: 77, err: expect.stringContaining("this takes one of: ops, admin") });
    expect(denied.err).toContain("No money moved for this request.");
    expect(await run(`keys create --name x --role ops --save ${file}`)).toMatchObject({
      code: 64,
      err: expect.stringContaining("no key was made"),
    });

    expect(await run(`keys revoke ${id}`)).toMatchObject({ code: 0, out: expect.stringContaining("is revoked") });
    expect(await run(`providers --key-file ${file}`, reader)).toMatchObject({ code: 77, err: expect.stringContaining("401 unauthorized") });
    expect((await run("keys list --all")).out).toMatch(new RegExp(`\\n${id} +finance +revoked `));
  });

  it("what somebody else wrote does not steer the terminal", async () => {
    const hostile = "mended\u001b[2J\u202e";
    const shown = "mended\\u001b[2J\\u202e";
    expect(await switchyard(["force", "paypal", "up", "--reason", hostile], { env: env() })).toMatchObject({ code: 0 });
    expect((await run("providers")).out).toContain(`: ${shown}\n`);
    await run("force paypal clear");
    const made = await switchyard(["keys", "create", "--name", hostile, "--role", "finance", "--json"], { env: env() });
    expect((await run(`keys revoke ${JSON.parse(made.out).id}`)).out).toContain(`(${shown}, finance) is revoked`);
  });
});

describe("reconcile", () => {
  const window = () => `--from ${new Date(Date.now() - 2 * AGE_MS).toISOString()} --to ${new Date().toISOString()}`;

  it("ends with 0 where the books agree, with 3 where they differ, and shows where", async () => {
    expect(await run(`reconcile ${window()} --provider stripe`)).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^Read: .*\nNo differences\n$/),
    });
    const strange = await fetch(`${world.sandbox.stripeUrl}/v1/payment_intents`, {
      method: "POST",
      headers: { authorization: "Bearer sk_test_sandbox", "content-type": "application/x-www-form-urlencoded" },
      body: "amount=999&currency=usd&payment_method=pm_card_visa&confirm=true&off_session=true",
    });
    const { id } = (await strange.json()) as { id: string };
    const differs = await run(`reconcile ${window()}`);
    expect(differs.code).toBe(3);
    expect(differs.out).toMatch(new RegExp(`\\n1 difference, .*\\n(.*\\n)*unknown_payment +stripe +${id} +- +- +9\\.99 USD\\n`));
    const again = await run(`reconcile ${window()} --json`);
    const told = JSON.parse(again.out) as { id: string; findings: unknown[] };
    expect(told).toMatchObject({ state: "finished", findings: [{ kind: "unknown_payment", their_amount: 999 }] });
    expect(await run(`reconcile --run ${told.id}`)).toMatchObject({ code: 3 });
  });

  it("finds an old difference behind any number of newer ones", async () => {
    await client.query(
      `insert into findings (id, account_id, provider, kind, subject, first_seen_at, last_seen_at)
       select 'fd_z' || n, 'acct_default', 'paypal', 'unknown_dispute', 'newer_' || n, '2026-01-01', '2026-01-01' from generate_series(1, 1001) as n`,
    );
    expect(await run(`reconcile ${window()}`)).toMatchObject({ code: 3, out: expect.stringContaining("1 difference, ") });
    await client.query("delete from findings where kind = 'unknown_dispute'");
  });

  it("says in which way it was called wrongly", async () => {
    expect(await run("reconcile")).toMatchObject({ code: 64, err: expect.stringContaining("--from and --to are needed") });
    expect(await run("reconcile --from monday --to 2026-11-01")).toMatchObject({ code: 64, err: expect.stringContaining("2026-11-01") });
    expect(await run("reconcile --from 2026-01-03 --to 2026-01-02")).toMatchObject({
      code: 64,
      err: expect.stringContaining("must be before"),
    });
    expect(await run(`reconcile ${window()} --provider adyen`)).toMatchObject({
      code: 64,
      err: expect.stringContaining("is not configured"),
    });
    expect(await run("reconcile --run rr_1 --from 1d")).toMatchObject({ code: 64 });
  });
});

describe("audit", () => {
  it("lists who did what", async () => {
    const { out, err } = await run("audit list --type override.set --limit 1");
    expect(err).toBe("There are more: --limit 5 shows further ones.\n");
    expect(out).toMatch(/^ *NUMBER +AT \(UTC\) +EVENT +BY +ABOUT\n *\d+ +\S+ \S+ +override\.set +key ADMIN_KEY +paypal, /);
    expect(await json("audit list --actor key:nobody")).toMatchObject({ object: "list", data: [] });
  });

  it("verifies the chain: 0 while it is whole, 3 when somebody changed it", async () => {
    const whole = await run("audit verify --all");
    expect(whole).toMatchObject({ code: 0, out: expect.stringMatching(/^Whole from number 1 to \d+ .*\nHead: \d+ [0-9a-f]{64}\n/) });
    await client.query("set session_replication_role = replica");
    await client.query("update events set actor = 'key:somebody' where type = 'override.set'");
    expect(await run("audit verify --all")).toMatchObject({
      code: 3,
      out: expect.stringMatching(/^The chain is broken at number \d+ .*altered event/),
    });
    expect(await json("audit verify --from 1")).toMatchObject({ whole: false, broken: { kind: "altered_event" } });
  });
});

describe("a gateway that cannot serve", () => {
  it("is told apart: nothing there, something else there, an unknown key, none at all", async () => {
    const closed = { SWITCHYARD_URL: `http://127.0.0.1:${await freePort()}` };
    expect(await run("providers", closed)).toMatchObject({ code: 69, err: expect.stringContaining("does not answer") });
    const change = await run("force stripe up --reason x", closed);
    expect(change.err).toContain("Nothing reached it: nothing was changed.");
    expect(await run(`providers --url ${world.sandbox.stripeUrl}`)).toMatchObject({
      code: 69,
      err: expect.stringContaining("not as a Switchyard gateway does"),
    });
    expect(await run("providers", { SWITCHYARD_API_KEY: "sy_test_unknown" })).toMatchObject({ code: 77 });
    expect(await run("providers", { SWITCHYARD_API_KEY: "" })).toMatchObject({ code: 77, err: expect.stringContaining("no API key") });
    expect(await run("providers", { SWITCHYARD_URL: "gateway:8080" })).toMatchObject({
      code: 64,
      err: expect.stringContaining("SWITCHYARD_URL"),
    });
  });

  it("leaves no half line of progress before what went wrong", async () => {
    const closed = { SWITCHYARD_URL: `http://127.0.0.1:${await freePort()}`, SWITCHYARD_API_KEY: ADMIN_KEY };
    const { err } = await switchyard(["dead-letters", "replay", "dl_1", "dl_2"], { env: closed, columns: 80 });
    expect(err).toContain("replaying: 0 of 2\r\u001b[2K");
  });

  it("is told to programs as JSON on standard error", async () => {
    const { code, out, err } = await run("keys revoke key_unknown --json");
    expect([code, out]).toEqual([1, ""]);
    expect(JSON.parse(err)).toMatchObject({ error: { exit_code: 1, problem: { code: "not_found", money: "none" } } });
    const wrong = await run("charges list --limit many --json");
    expect([wrong.code, wrong.out]).toEqual([64, ""]);
    expect(JSON.parse(wrong.err)).toMatchObject({ error: { exit_code: 64, message: expect.stringContaining("--limit"), problem: null } });
  });
});
