import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { databaseUrl, SERVER_URL_VARIABLE } from "../../support/database.ts";
import { both, chargeInput, type Engine, startEngine } from "../../support/engine.ts";

const PROGRAM = join(import.meta.dirname, "../../../gateway/cli/reconcile.ts");

let engine: Engine;
let env: Record<string, string>;
beforeAll(async () => {
  engine = await startEngine({ providerTimeoutMs: 4_000, chargeBudgetMs: 15_000 });
  const [row] = await engine.db.query<{ name: string }>({ name: "t_name", text: "select current_database() as name" });
  await engine.db.query({ name: "t_in", text: "insert into installation (id, livemode, created_at) values ('in_1', false, now())" });
  env = {
    DATABASE_URL: databaseUrl(process.env[SERVER_URL_VARIABLE] as string, row!.name),
    STRIPE_SECRET_KEY: "sk_test_sandbox",
    STRIPE_API_BASE: engine.sandbox.stripeUrl,
    PAYPAL_CLIENT_ID: "sandbox",
    PAYPAL_CLIENT_SECRET: "sandbox",
    PAYPAL_API_BASE: engine.sandbox.paypalUrl,
  };
});
afterAll(() => engine.close());

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function reconcile(args: string[], more: Record<string, string> = {}): Promise<Ran> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [PROGRAM, ...args], { env: { ...env, ...more } }, (_, out, err) =>
      resolve({ code: child.exitCode, out, err }),
    );
  });
}

/** From an hour ago until now. */
const window = () => ["--from", new Date(Date.now() - 3_600_000).toISOString(), "--to", new Date().toISOString()];

describe("npm run reconcile", () => {
  it("says in which way it was called wrongly", async () => {
    expect(await reconcile([])).toMatchObject({ code: 64, err: expect.stringContaining("--from and --to are needed") });
    expect(await reconcile(["--from", "monday", "--to", "2026-11-01"])).toMatchObject({
      code: 64,
      err: expect.stringContaining("--from is not a date"),
    });
    expect(await reconcile(["--from", "2026-01-03", "--to", "2026-01-02"])).toMatchObject({
      code: 64,
      err: expect.stringContaining("must be before"),
    });
    expect(await reconcile([...window(), "--everything"])).toMatchObject({ code: 64 });
    expect(await reconcile([...window(), "--provider", "adyen"])).toMatchObject({
      code: 1,
      err: expect.stringContaining("adyen is not configured"),
    });
  });

  it("ends with 0 where the books agree, with 3 where they differ, and shows where", async () => {
    const { charge } = await engine.charges.create(chargeInput({ tokens: { stripe: both().stripe } }));
    const agreed = await reconcile(window());
    expect(agreed).toMatchObject({ code: 0, err: "" });
    expect(agreed.out).toMatch(/^read: .*stripe payments 1.*\nno differences\n$/);

    const change = "update charges set amount_captured = 4100, updated_at = now() - interval '1 hour' where id = $1";
    await engine.db.query({ name: "t_change", text: change, values: [charge.id] });
    await engine.db.query({ name: "t_old", text: "update attempts set finished_at = now() - interval '1 hour'" });
    const differs = await reconcile(window());
    expect(differs.code).toBe(3);
    expect(differs.out).toMatch(new RegExp(`amount_differs +stripe +${charge.providerReference} +${charge.id} +4100 +4200 +usd`));

    const asJson = await reconcile([...window(), "--json"]);
    expect(asJson.code).toBe(3);
    expect(JSON.parse(asJson.out)).toMatchObject({
      state: "finished",
      report: { findings: { seen: 1, new: 0 } },
      findings: [{ kind: "amount_differs", our_amount: 4100, their_amount: 4200 }],
    });
    expect(await reconcile([...window(), "--provider", "paypal"])).toMatchObject({ code: 0 });
  });

  it("ends with 1 where it could not be done: a provider that is down, no database", async () => {
    engine.sandbox.setFault("paypal", { kind: "500_before" });
    const down = await reconcile([...window(), "--provider", "paypal"], { PROVIDER_TIMEOUT_MS: "500" });
    expect(down).toMatchObject({ code: 1, err: expect.stringContaining("it could not be compared") });
    engine.sandbox.clearFaults();
    const empty = await mkdtemp(join(tmpdir(), "switchyard-"));
    const { DATABASE_URL: _, ...rest } = env;
    env = rest;
    expect(await reconcile(window(), { DATA_DIR: empty })).toMatchObject({ code: 1, err: expect.stringContaining("there is no database") });
    await rm(empty, { recursive: true });
  });
});
