import { request } from "node:http";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Fault, ProviderName } from "../../../providers/sandbox/fault.ts";
import { type Sandbox, startSandbox } from "../../../providers/sandbox/sandbox.ts";
import { createOrder, moves, paypalAt, prepareIntent, stripeAt } from "./sdk-clients.ts";

const PATIENCE = { timeout: 30_000 };

let sandbox: Sandbox;

beforeAll(async () => {
  sandbox = await startSandbox({ seed: 1 });
});
beforeEach(async () => {
  sandbox.reset();
  await sandbox.listening();
});
afterAll(() => sandbox.close());

const NEVER = new Promise(() => {});
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

interface Seen {
  readonly status: number | null;
  readonly body: string;
  /** Why the connection or the answer ended early. */
  readonly error: string | null;
  readonly elapsedMs: number;
}

/** One POST on a connection of its own, with nothing between us and the wire; given up once `enough` resolves. */
function post(url: string, headers: Record<string, string>, body: string, enough: Promise<unknown> = NEVER): Promise<Seen> {
  const started = performance.now();
  return new Promise((resolve) => {
    let status: number | null = null;
    let text = "";
    const done = (error: string | null): void => {
      req.destroy();
      resolve({ status, body: text, error, elapsedMs: performance.now() - started });
    };
    const req = request(url, { method: "POST", headers, agent: false }, (res) => {
      status = res.statusCode ?? null;
      res.on("data", (chunk: Buffer) => {
        text += chunk.toString();
      });
      res.on("end", () => done(null));
      res.on("error", (error: NodeJS.ErrnoException) => done(error.code ?? error.message));
    });
    req.on("error", (error: NodeJS.ErrnoException) => done(error.code ?? error.message));
    void enough.then(() => done("given up"));
    req.end(body);
  });
}

/** Prepares a payment at the processor and returns the call that commits it. */
async function prepared(provider: ProviderName): Promise<(enough?: Promise<unknown>) => Promise<Seen>> {
  if (provider === "stripe") {
    const { id } = await prepareIntent(stripeAt(sandbox.stripeUrl), "pm_card_visa");
    const headers = {
      authorization: "Bearer sk_test_sandbox",
      "content-type": "application/x-www-form-urlencoded",
      "idempotency-key": `commit-${id}`,
    };
    return (enough) => post(`${sandbox.stripeUrl}/v1/payment_intents/${id}/confirm`, headers, "off_session=true", enough);
  }
  const basic = { authorization: `Basic ${Buffer.from("client:secret").toString("base64")}` };
  const granted = await fetch(`${sandbox.paypalUrl}/v1/oauth2/token`, { method: "POST", headers: basic });
  const { access_token } = (await granted.json()) as { access_token: string };
  const id = await createOrder(paypalAt(sandbox.paypalUrl));
  const headers = {
    authorization: `Bearer ${access_token}`,
    "content-type": "application/json",
    "paypal-request-id": `commit-${id}`,
    prefer: "return=representation",
  };
  const body = JSON.stringify({ payment_source: { card: { vault_id: "8kk845" } } });
  return (enough) => post(`${sandbox.paypalUrl}/v2/checkout/orders/${id}/capture`, headers, body, enough);
}

/** The processor has the commit, and has executed it or not; and then for `ms` more. */
async function arrived(executed: boolean, ms = 0): Promise<void> {
  await expect.poll(() => sandbox.requests().at(-1), PATIENCE).toMatchObject({ operation: "commit", executed });
  await wait(ms);
}

const both = (["stripe", "paypal"] as const).map((provider) => ({ provider }));

describe.each(both)("at $provider, the fault", ({ provider }) => {
  const strike = (fault: Fault) => sandbox.setFault(provider, { operation: "commit", count: 1, ...fault });

  it.each([
    ["reset_before", 0],
    ["reset_after", 1],
  ] as const)("%s breaks the connection, with %i movements", async (kind, movements) => {
    const commit = await prepared(provider);
    strike({ kind });
    expect(await commit()).toMatchObject({ status: null, error: "ECONNRESET" });
    expect(moves(sandbox)).toHaveLength(movements);
    expect(sandbox.requests().at(-1)).toMatchObject({ operation: "commit", executed: movements === 1 });
    expect((await commit()).status).toBeLessThan(300);
    expect(moves(sandbox)).toHaveLength(1);
  });

  it.each([
    ["hang_before", 0],
    ["hang_after", 1],
  ] as const)("%s says nothing until the client goes, with %i movements", async (kind, movements) => {
    const commit = await prepared(provider);
    strike({ kind });
    expect(await commit(arrived(movements === 1, 150))).toMatchObject({ status: null, error: "given up" });
    expect(moves(sandbox)).toHaveLength(movements);
    await expect.poll(async () => (await commit()).status, PATIENCE).toBeLessThan(300);
    expect(moves(sandbox)).toHaveLength(1);
  });

  it.each(["hang_before", "hang_after"] as const)("%s ends when the faults are cleared", async (kind) => {
    const commit = await prepared(provider);
    strike({ kind });
    const hanging = commit();
    await expect.poll(() => sandbox.requests().at(-1)?.operation).toBe("commit");
    sandbox.clearFaults(provider);
    expect(await hanging).toMatchObject({ status: null, error: "ECONNRESET" });
    expect(moves(sandbox)).toHaveLength(kind === "hang_after" ? 1 : 0);
  });

  it.each([
    ["500_before", 0],
    ["500_after", 1],
  ] as const)("%s answers 500 with %i movements", async (kind, movements) => {
    const commit = await prepared(provider);
    strike({ kind });
    expect((await commit()).status).toBe(500);
    expect(moves(sandbox)).toHaveLength(movements);
  });

  it("503_html answers a page that is not JSON, and executes nothing", async () => {
    const commit = await prepared(provider);
    strike({ kind: "503_html" });
    const seen = await commit();
    expect(seen.status).toBe(503);
    expect(seen.body).toMatch(/^<html>/);
    expect(moves(sandbox)).toEqual([]);
  });

  it("429 executes nothing", async () => {
    const commit = await prepared(provider);
    strike({ kind: "429" });
    expect((await commit()).status).toBe(429);
    expect(moves(sandbox)).toEqual([]);
    expect((await commit()).status).toBeLessThan(300);
  });

  it("slow answers correctly, late", async () => {
    const commit = await prepared(provider);
    strike({ kind: "slow", delayMs: 300 });
    const seen = await commit();
    expect(seen.status).toBeLessThan(300);
    expect(seen.elapsedMs).toBeGreaterThan(290);
  });

  it("slow executes though the client has given up", async () => {
    const commit = await prepared(provider);
    const begun = performance.now();
    strike({ kind: "slow", delayMs: 1000 });
    expect((await commit(arrived(false))).error).toBe("given up");
    const sofar = moves(sandbox);
    // A machine that stood still may have come to it by now.
    if (performance.now() - begun < 1_000) expect(sofar).toEqual([]);
    await expect.poll(() => moves(sandbox), PATIENCE).toHaveLength(1);
  });

  it("trickle executes, then answers byte by byte", async () => {
    const commit = await prepared(provider);
    strike({ kind: "trickle", delayMs: 400 });
    const seen = await commit();
    expect(seen.status).toBeLessThan(300);
    expect(JSON.parse(seen.body)).toHaveProperty("id");
    expect(seen.elapsedMs).toBeGreaterThan(380);
    const other = await prepared(provider);
    strike({ kind: "trickle" });
    expect(await other(arrived(true, 100))).toMatchObject({ error: "given up" });
    expect(moves(sandbox)).toHaveLength(2);
  });

  it("decline declines the next commit", async () => {
    const commit = await prepared(provider);
    strike({ kind: "decline", code: provider === "stripe" ? "insufficient_funds" : "PAYER_CANNOT_PAY" });
    const seen = await commit();
    expect(seen.status).toBe(provider === "stripe" ? 402 : 422);
    expect(seen.body).toContain(provider === "stripe" ? "insufficient_funds" : "PAYER_CANNOT_PAY");
    expect(moves(sandbox)).toEqual([]);
  });

  it("refuse refuses every connection, cuts the open ones, and ends when cleared", async () => {
    const commit = await prepared(provider);
    sandbox.setFault(provider, { kind: "hang_before" });
    const open = commit();
    await expect.poll(() => sandbox.requests().at(-1)?.operation).toBe("commit");
    sandbox.setFault(provider, { kind: "refuse" });
    expect(await open).toMatchObject({ error: "ECONNRESET" });
    expect(await commit()).toMatchObject({ error: "ECONNREFUSED" });
    sandbox.clearFaults(provider);
    expect((await commit()).status).toBeLessThan(300);
    expect(moves(sandbox)).toHaveLength(1);
  });

  it("refuse for a time ends by itself", async () => {
    const commit = await prepared(provider);
    sandbox.setFault(provider, { kind: "refuse", delayMs: 500 });
    expect(await commit()).toMatchObject({ error: "ECONNREFUSED" });
    await expect.poll(async () => (await commit()).status, PATIENCE).toBeLessThan(300);
    expect(sandbox.faults(provider)).toEqual([]);
  });

  it("refuse of the commit lets the prepare through and refuses what follows it", async () => {
    strike({ kind: "refuse", delayMs: 60_000 });
    const commit = await prepared(provider);
    expect(await commit()).toMatchObject({ error: "ECONNREFUSED" });
    sandbox.clearFaults(provider);
    await sandbox.listening();
    expect((await commit()).status).toBeLessThan(300);
    // By itself, after its time.
    strike({ kind: "refuse", delayMs: 500 });
    const again = await prepared(provider);
    await expect.poll(async () => (await again()).status, PATIENCE).toBeLessThan(300);
    const next = await prepared(provider);
    expect((await next()).status).toBeLessThan(300);
  });
});

describe("faults", () => {
  it("strike other operations too, and leave the rest alone", async () => {
    sandbox.setFault("stripe", { kind: "500_before", operation: "lookup" });
    sandbox.setFault("paypal", { kind: "503_html", operation: "token" });
    const stripe = stripeAt(sandbox.stripeUrl);
    const intent = await prepareIntent(stripe);
    await expect(stripe.paymentIntents.retrieve(intent.id)).rejects.toMatchObject({ statusCode: 500 });
    await expect(createOrder(paypalAt(sandbox.paypalUrl))).rejects.toMatchObject({ statusCode: 503 });
  });

  it("strike by chance the same requests for the same seed", async () => {
    const rounds = await Promise.all(
      [7, 7, 8].map(async (seed) => {
        const seeded = await startSandbox({ seed });
        seeded.setFault("stripe", { kind: "429", probability: 0.5 });
        const stripe = stripeAt(seeded.stripeUrl);
        const struck: boolean[] = [];
        for (let call = 0; call < 40; call += 1) {
          struck.push(
            await stripe.balance.retrieve().then(
              () => false,
              () => true,
            ),
          );
        }
        await seeded.close();
        return struck;
      }),
    );
    expect(rounds[0]).toEqual(rounds[1]);
    expect(rounds[0]).not.toEqual(rounds[2]);
    expect(rounds[0]!.filter(Boolean).length).toBeGreaterThan(5);
  });

  it("that make no sense are refused with a sentence", () => {
    const wrong = { kind: "refuse", count: 3 } as const;
    expect(() => sandbox.setFault("stripe", wrong)).toThrow(/"refuse" takes "count" and "probability" for the operation "commit" only/);
  });
});
