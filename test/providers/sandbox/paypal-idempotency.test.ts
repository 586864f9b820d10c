import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Sandbox, startSandbox } from "../../../providers/sandbox/sandbox.ts";
import { captureOrder, createOrder, issueOf, moves, type PaypalClients, paypalAt, rejection } from "./sdk-clients.ts";

const HOUR_MS = 3_600_000;

let sandbox: Sandbox;
let paypal: PaypalClients;
let nowMs = Date.now();

beforeAll(async () => {
  sandbox = await startSandbox({ now: () => nowMs });
});
beforeEach(() => {
  sandbox.reset();
  paypal = paypalAt(sandbox.paypalUrl);
});
afterAll(() => sandbox.close());

describe("a PayPal request id", () => {
  it("charges once however often it is sent, and answers the latest state with 200 instead of 201", async () => {
    const id = await createOrder(paypal);
    const first = await captureOrder(paypal, id, "8kk845");
    const again = await captureOrder(paypal, id, "8kk845");
    expect([first.status, again.status]).toEqual([201, 200]);
    expect(again.order.purchaseUnits![0]!.payments!.captures![0]!.id).toBe(first.order.purchaseUnits![0]!.payments!.captures![0]!.id);
    expect(moves(sandbox)).toHaveLength(1);
  });

  it("of a create shows the order as it is now", async () => {
    const id = await createOrder(paypal, { key: "prepare" });
    await captureOrder(paypal, id, "8kk845");
    expect(await createOrder(paypal, { key: "prepare" })).toBe(id);
  });

  it("replays a decline, while a new one tries again", async () => {
    const id = await createOrder(paypal);
    const declined = { status: 422, issue: "INSTRUMENT_DECLINED" };
    expect(await issueOf(captureOrder(paypal, id, "decline_INSTRUMENT_DECLINED", "k"))).toEqual(declined);
    expect(await issueOf(captureOrder(paypal, id, "8kk845", "k"))).toEqual(declined);
    expect((await captureOrder(paypal, id, "8kk845", "new")).order.status).toBe("COMPLETED");
  });

  it("is in progress while the first request runs, and replays when that one has ended", async () => {
    const id = await createOrder(paypal);
    sandbox.setFault("paypal", { kind: "hang_after", operation: "commit", count: 1 });
    const hanging = rejection(captureOrder(paypal, id, "8kk845", "k"));
    await expect.poll(() => moves(sandbox)).toHaveLength(1);
    expect(await issueOf(captureOrder(paypal, id, "8kk845", "k"))).toEqual({ status: 409, issue: "PREVIOUS_REQUEST_IN_PROGRESS" });
    sandbox.clearFaults("paypal");
    await hanging;
    expect((await captureOrder(paypal, id, "8kk845", "k")).status).toBe(200);
    expect(moves(sandbox)).toHaveLength(1);
  });

  it("keeps the money, not the 500 that hid it", async () => {
    for (const [kind, statusOfReplay] of [["500_before", 201] as const, ["500_after", 200] as const]) {
      const id = await createOrder(paypal);
      sandbox.setFault("paypal", { kind, operation: "commit", count: 1 });
      expect(await issueOf(captureOrder(paypal, id, "8kk845"))).toEqual({ status: 500, issue: "INTERNAL_SERVER_ERROR" });
      expect((await captureOrder(paypal, id, "8kk845")).status).toBe(statusOfReplay);
    }
    expect(moves(sandbox)).toHaveLength(2);
  });

  it("is kept six hours for an order and 45 days for a capture", async () => {
    const id = await createOrder(paypal, { key: "prepare" });
    await captureOrder(paypal, id, "8kk845");
    nowMs += 6 * HOUR_MS - 1;
    expect(await createOrder(paypal, { key: "prepare" })).toBe(id);
    nowMs += 1;
    expect(await createOrder(paypal, { key: "prepare" })).not.toBe(id);
    nowMs += 44 * 24 * HOUR_MS;
    paypal = paypalAt(sandbox.paypalUrl);
    expect((await captureOrder(paypal, id, "8kk845")).status).toBe(200);
    expect(moves(sandbox)).toHaveLength(1);
  });
});
