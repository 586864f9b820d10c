import type { ApiResponse, Order } from "@paypal/paypal-server-sdk";
import type { Call } from "../contract/call.ts";
import type { Finding, Outcome, Prepared, Unknown } from "../contract/outcome.ts";
import { type AttemptRequest, type LookupQuery, stepKey } from "../contract/provider.ts";
import { type PayPalAmount, toPayPalAmount } from "./amounts.ts";
import { doubtOf, notSent, outcomeOf, sticky, unknown, unknownOf } from "./classify.ts";
import { WORTH_A_LOOK } from "./issues.ts";
import { commitOutcome, judgeCaptureAgain, judgeOrder, type Unclear } from "./judge.ts";
import { captureOf, orderOf, REPRESENTATION } from "./requests.ts";
import { readVaultToken, type VaultToken } from "./vault-token.ts";
import type { Api, Wire } from "./wire.ts";

/** What a single-step attempt has instead of an order's id: its order comes to be in the commit. */
export const SINGLE_STEP = "single_step";

/** Creates the order, without a payment source: no money can move. */
export async function prepare(wire: Wire, request: AttemptRequest, call: Call): Promise<Prepared | Outcome> {
  const parts = readRequest(request);
  if ("refused" in parts) return notSent("rejected", false, parts.refused);
  const answer = await wire.execute(call, createOrder(request, parts.amount));
  if (answer.kind !== "ok") return outcomeOf(answer, false);
  const object = ordersId(answer.result, request);
  return object === null ? unknown("unexpected", "PayPal answered with another order") : { kind: "prepared", object };
}

/** Captures the order (or authorizes it) with the saved instrument; in single-step mode also creates it. */
export async function commit(wire: Wire, request: AttemptRequest, object: string, call: Call, replay: boolean): Promise<Outcome> {
  const parts = readRequest(request);
  if ("refused" in parts) return sticky(notSent("rejected", false, parts.refused), replay);
  const single = object === SINGLE_STEP;
  const answer = await wire.execute(
    call,
    single ? createOrder(request, parts.amount, parts.token) : payOrder(request, object, parts.token),
  );
  if (answer.kind === "ok") {
    const order = answer.result;
    const id = single ? (order.id ?? null) : object;
    return commitOutcome(await clear(wire, judgeOrder(order, id, request), id, request, call));
  }
  const outcome = outcomeOf(answer, replay);
  if (single || answer.kind !== "refused" || outcome.kind !== "unknown" || !WORTH_A_LOOK.has(outcome.cause)) return outcome;
  return decideByLooking(wire, request, object, call, outcome, doubtOf(answer) === "conflict");
}

export async function lookup(
  wire: Wire,
  query: LookupQuery,
  call: Call,
  singleStep: boolean,
): Promise<{ object: string | null; finding: Finding }> {
  let { object } = query;
  if (object === null && query.replayPrepare && !singleStep) {
    const prepared = await prepare(wire, query.request, call);
    if (prepared.kind !== "prepared") return { object: null, finding: unknown("unexpected", `no order id: ${evidence(prepared)}`) };
    object = prepared.object;
  }
  // PayPal has no list of orders.
  if (object === null || object === SINGLE_STEP) return { object, finding: unknown("unexpected", "no order id is known") };
  return { object, finding: await look(wire, object, query.request, call) };
}

/**
 * PayPal says that another request has this order. What our order shows as paid or waiting is this attempt's doing. An
 * unpaid one proves nothing, nor does a declined capture while another request may still run.
 */
async function decideByLooking(
  wire: Wire,
  request: AttemptRequest,
  object: string,
  call: Call,
  doubt: Unknown,
  finished: boolean,
): Promise<Outcome> {
  const finding = await look(wire, object, request, call);
  const decides = finding.kind === "approved" || finding.kind === "pending" || (finding.kind === "declined" && finished);
  return decides ? commitOutcome(finding) : doubt;
}

async function look(wire: Wire, object: string, request: AttemptRequest, call: Call): Promise<Finding> {
  const answer = await wire.read(call, getOrder(object));
  if (answer.kind !== "ok") return unknownOf(answer);
  const finding = judgeOrder(answer.result, object, request);
  if (finding.kind !== "unclear") return finding;
  if (finding.capture === null) return unknown("unexpected", "a completed order without captures");
  return lookAtCapture(wire, finding.capture, request, call);
}

/** Asks once more where the answer to the commit left it open. */
async function clear(wire: Wire, finding: Finding | Unclear, id: string | null, request: AttemptRequest, call: Call): Promise<Finding> {
  if (finding.kind !== "unclear") return finding;
  if (finding.capture !== null) return lookAtCapture(wire, finding.capture, request, call);
  if (id === null) return unknown("unexpected", "an answer without an order id");
  return look(wire, id, request, call);
}

async function lookAtCapture(wire: Wire, captureId: string, request: AttemptRequest, call: Call): Promise<Finding> {
  const answer = await wire.read(call, ({ payments }) => payments.getCapturedPayment({ captureId }));
  if (answer.kind !== "ok") return unknownOf(answer);
  if (answer.result.id !== captureId) return unknown("unexpected", "PayPal answered with another capture");
  return judgeCaptureAgain(answer.result, request, request.capture === "manual" ? "any" : "all");
}

export function getOrder(id: string): (api: Api) => Promise<ApiResponse<Order>> {
  return ({ orders }) => orders.getOrder({ id });
}

function createOrder(
  request: AttemptRequest,
  amount: PayPalAmount,
  source: VaultToken | null = null,
): (api: Api) => Promise<ApiResponse<Order>> {
  const paypalRequestId = stepKey(request.attemptId, source ? "commit" : "prepare");
  return ({ orders }) => orders.createOrder({ body: orderOf(request, amount, source), paypalRequestId, prefer: REPRESENTATION });
}

function payOrder(request: AttemptRequest, id: string, source: VaultToken): (api: Api) => Promise<ApiResponse<Order>> {
  const pay = { id, paypalRequestId: stepKey(request.attemptId, "commit"), prefer: REPRESENTATION, body: captureOf(source) };
  return ({ orders }) => (request.capture === "manual" ? orders.authorizeOrder(pay) : orders.captureOrder(pay));
}

function readRequest(request: AttemptRequest): { amount: PayPalAmount; token: VaultToken } | { refused: string } {
  const amount = toPayPalAmount(request.money);
  if ("refused" in amount) return amount;
  const token = readVaultToken(request.token);
  return "message" in token ? { refused: `the token: ${token.message}` } : { amount, token };
}

/** The id of an order that is ours, or null. A replayed key answers with the order as it is now, which may be paid. */
function ordersId(order: Order, { attemptId }: AttemptRequest): string | null {
  const customId = order.purchaseUnits?.[0]?.customId;
  if (customId !== undefined && customId !== attemptId) return null;
  return order.id !== undefined && /^[\w-]{1,64}$/.test(order.id) ? order.id : null;
}

function evidence(outcome: Outcome): string {
  return "detail" in outcome ? outcome.detail : outcome.kind;
}
