import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startSandbox } from "../../../providers/sandbox/sandbox.ts";
import { captureOrder, createOrder, moves, paypalAt, prepareIntent, stripeAt } from "./sdk-clients.ts";

let folder: string;
let stateFile: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sandbox-"));
  stateFile = join(folder, "new", "state.jsonl");
});
afterEach(() => rm(folder, { recursive: true }));

/** One payment at each processor, and what to ask about them later. */
async function pay(): Promise<{ intent: string; order: string; before: string[] }> {
  const sandbox = await startSandbox({ stateFile });
  const stripe = stripeAt(sandbox.stripeUrl);
  const intent = (await prepareIntent(stripe)).id;
  await stripe.paymentIntents.confirm(intent, {}, { idempotencyKey: "commit" });
  const paypal = paypalAt(sandbox.paypalUrl);
  const order = await createOrder(paypal);
  await captureOrder(paypal, order, "8kk845");
  const before = moves(sandbox);
  await sandbox.close();
  return { intent, order, before };
}

describe("the state file", () => {
  it("keeps objects, keys and the ledger over a restart", async () => {
    const { intent, order, before } = await pay();
    const sandbox = await startSandbox({ stateFile });
    expect(moves(sandbox)).toEqual(before);
    const stripe = stripeAt(sandbox.stripeUrl);
    const replay = await stripe.paymentIntents.confirm(intent, {}, { idempotencyKey: "commit" });
    expect(replay.lastResponse.headers).toMatchObject({ "idempotent-replayed": "true" });
    expect((await captureOrder(paypalAt(sandbox.paypalUrl), order, "8kk845")).status).toBe(200);
    await stripe.refunds.create({ payment_intent: intent });
    expect(moves(sandbox)).toEqual([...before, "stripe refund 4200 usd"]);
    await sandbox.close();
  });

  it("knows everything that was answered, even when the process is killed", async () => {
    const sandbox = await startSandbox({ stateFile });
    const stripe = stripeAt(sandbox.stripeUrl);
    const { id } = await prepareIntent(stripe);
    await stripe.paymentIntents.confirm(id);
    const killed = join(folder, "killed.jsonl");
    await writeFile(killed, await readFile(stateFile));
    await sandbox.close();
    const second = await startSandbox({ stateFile: killed });
    expect(moves(second)).toEqual(["stripe capture 4200 usd"]);
    await second.close();
  });

  it("may end in the middle of a line, and nowhere else", async () => {
    const { before } = await pay();
    await appendFile(stateFile, '["stripe.intents","pi_x",{"id"');
    const sandbox = await startSandbox({ stateFile });
    expect(moves(sandbox)).toEqual(before);
    await sandbox.close();
    await writeFile(stateFile, 'garbage\n["ledger","0",{}]\n');
    await expect(startSandbox({ stateFile })).rejects.toThrow(/line 1 is damaged/);
  });

  it("is empty after a reset", async () => {
    await pay();
    const sandbox = await startSandbox({ stateFile });
    sandbox.reset();
    await sandbox.close();
    expect((await readFile(stateFile, "utf8")).trim()).toBe("");
  });
});
