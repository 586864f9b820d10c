import { CheckoutPaymentIntent, TransactionSearchController } from "@paypal/paypal-server-sdk";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Sandbox, startSandbox } from "../../../providers/sandbox/sandbox.ts";
import { captureOrder, clientAt, createOrder, issueOf, type PaypalClients, paypalAt, vaulted } from "./sdk-clients.ts";

const DAY_MS = 86_400_000;

let sandbox: Sandbox;
let paypal: PaypalClients;
let reports: TransactionSearchController;
let nowMs = Date.now();

beforeAll(async () => {
  sandbox = await startSandbox({ now: () => nowMs });
});
beforeEach(() => {
  sandbox.reset();
  paypal = paypalAt(sandbox.paypalUrl);
  reports = new TransactionSearchController(clientAt(sandbox.paypalUrl));
});
afterAll(() => sandbox.close());

type Search = Parameters<TransactionSearchController["searchTransactions"]>[0];

function search(more: Partial<Search> = {}) {
  const startDate = new Date(nowMs - DAY_MS).toISOString();
  return reports.searchTransactions({ startDate, endDate: new Date(nowMs + DAY_MS).toISOString(), ...more });
}

async function listed(more: Partial<Search> = {}): Promise<string[]> {
  const { result } = await search(more);
  return (result.transactionDetails ?? []).map(({ transactionInfo: info }) =>
    [info?.transactionEventCode, info?.transactionStatus, info?.transactionAmount?.value].join(" "),
  );
}

async function captureOf(vaultId: string, invoiceId: string): Promise<string> {
  const { order } = await captureOrder(paypal, await createOrder(paypal, { invoiceId }), vaultId);
  return order.purchaseUnits![0]!.payments!.captures![0]!.id!;
}

describe("PayPal's transaction search", () => {
  it("lists what moved a balance, with its ids, and a refund with its capture", async () => {
    const captureId = await captureOf("8kk845", "ch_1");
    await captureOf("pending", "ch_2");
    await captureOf("processor_5120", "ch_3");
    const body = { amount: { currencyCode: "USD", value: "10.00" }, customId: "op_1" };
    const { result: refund } = await paypal.payments.refundCapturedPayment({
      captureId,
      paypalRequestId: "r",
      prefer: "return=representation",
      body,
    });
    const { result } = await search();
    expect(result.transactionDetails?.map(({ transactionInfo }) => transactionInfo)).toMatchObject([
      { transactionId: captureId, transactionEventCode: "T0006", transactionStatus: "S", invoiceId: "ch_1" },
      {
        transactionId: refund.id,
        transactionEventCode: "T1107",
        customField: "op_1",
        paypalReferenceId: captureId,
        paypalReferenceIdType: "TXN",
      },
    ]);
    expect(await listed()).toEqual(["T0006 S 42.00", "T1107 S -10.00"]);
  });

  it("lists also what waits, was denied or is held, when asked for", async () => {
    await captureOf("8kk845", "ch_1");
    await captureOf("pending", "ch_2");
    await captureOf("processor_5120", "ch_3");
    const id = await createOrder(paypal, { intent: CheckoutPaymentIntent.Authorize });
    await paypal.orders.authorizeOrder({ id, paypalRequestId: "h", body: vaulted("8kk845") });
    const balanceAffectingRecordsOnly = "N";
    expect((await listed({ balanceAffectingRecordsOnly })).sort()).toEqual([
      "T0006 D 42.00",
      "T0006 P 42.00",
      "T0006 S 42.00",
      "T1300 S 42.00",
    ]);
    expect(await listed({ balanceAffectingRecordsOnly, transactionType: "T1300" })).toEqual(["T1300 S 42.00"]);
  });

  it("says that a payment was given back in full", async () => {
    const captureId = await captureOf("8kk845", "ch_1");
    await paypal.payments.refundCapturedPayment({ captureId, paypalRequestId: "r", body: {} });
    expect(await listed()).toEqual(["T0006 V 42.00", "T1107 S -42.00"]);
  });

  it("goes by time, page by page, and knows no other account's", async () => {
    for (let nth = 1; nth <= 3; nth += 1) {
      await captureOf("8kk845", `ch_${nth}`);
      nowMs += 1_000;
    }
    await captureOrder(paypalAt(sandbox.paypalUrl, "another"), await createOrder(paypalAt(sandbox.paypalUrl, "another")), "8kk845");
    const invoices = async (more: Partial<Search>) => {
      const { result } = await search(more);
      return [
        result.totalItems,
        result.totalPages,
        ...(result.transactionDetails ?? []).map(({ transactionInfo: info }) => info?.invoiceId),
      ];
    };
    expect(await invoices({ pageSize: 2 })).toEqual([3, 2, "ch_1", "ch_2"]);
    expect(await invoices({ pageSize: 2, page: 2 })).toEqual([3, 2, "ch_3"]);
    expect(await invoices({ endDate: new Date(nowMs - 2_000).toISOString() })).toEqual([2, 1, "ch_1", "ch_2"]);
  });

  it.each<[string, () => Partial<Search>, string]>([
    ["more than 31 days", () => ({ startDate: new Date(nowMs - 32 * DAY_MS).toISOString() }), "INVALID_DATE_RANGE"],
    ["a date that is none", () => ({ startDate: "yesterday" }), "INVALID_PARAMETER_SYNTAX"],
    ["too large a page", () => ({ pageSize: 501 }), "INVALID_PARAMETER_VALUE"],
    ["page 0", () => ({ page: 0 }), "INVALID_PARAMETER_VALUE"],
  ])("refuses %s", async (_name, more, issue) => {
    expect(await issueOf(search(more()))).toEqual({ status: 400, issue });
  });
});
