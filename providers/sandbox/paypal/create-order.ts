import type { Answer } from "../processor.ts";
import { parseAmount } from "./amount.ts";
import { badRequest } from "./error.ts";
import { type Json, jsonOf, textOf } from "./json.ts";
import type { Order, Source } from "./order.ts";
import type { PaypalStore } from "./store.ts";

const MAX_INVOICE_ID = 127;
const MAX_CUSTOM_ID = 255;
const MAX_DESCRIPTION = 127;

/** Checks the body of POST /v2/checkout/orders. The order is not stored yet. */
export function newOrder(store: PaypalStore, account: string, body: Json): { order: Order } | { problem: Answer } {
  const { intent, purchase_units: units } = body;
  if (intent === undefined) return { problem: badRequest("MISSING_REQUIRED_PARAMETER", "/intent") };
  if (intent !== "CAPTURE" && intent !== "AUTHORIZE") return { problem: badRequest("INVALID_PARAMETER_VALUE", "/intent") };
  if (!Array.isArray(units)) return { problem: badRequest("MISSING_REQUIRED_PARAMETER", "/purchase_units") };
  if (units.length !== 1) {
    return { problem: badRequest("INVALID_ARRAY_MAX_ITEMS", "/purchase_units", "The sandbox takes exactly one purchase unit.") };
  }
  const unit = jsonOf(units[0]);
  const parsed = parseAmount(unit.amount, "/purchase_units/@reference_id=='default'/amount");
  if ("problem" in parsed) return parsed;
  const problem =
    textProblem(unit, "invoice_id", MAX_INVOICE_ID) ??
    textProblem(unit, "custom_id", MAX_CUSTOM_ID) ??
    textProblem(unit, "description", MAX_DESCRIPTION);
  if (problem) return { problem };
  const now = store.world.now();
  const order: Order = {
    id: store.world.ids.paypal(),
    account,
    intent,
    amount: parsed.amount,
    invoiceId: textOf(unit.invoice_id),
    customId: textOf(unit.custom_id),
    description: textOf(unit.description),
    referenceId: textOf(unit.reference_id) ?? "default",
    created: now,
    updated: now,
    status: "CREATED",
    source: null,
    payer: "unasked",
    captures: [],
    authorizations: [],
    refunds: [],
  };
  return { order };
}

/** The vaulted source in `payment_source`, or null when there is none. */
export function sourceOf(body: Json): Source | null {
  const source = jsonOf(body.payment_source);
  for (const kind of ["card", "paypal"] as const) {
    const vaultId = textOf(jsonOf(source[kind]).vault_id);
    if (vaultId !== null) return { kind, vaultId };
  }
  const token = textOf(jsonOf(source.token).id);
  return token === null ? null : { kind: "paypal", vaultId: token };
}

function textProblem(unit: Json, name: string, max: number): Answer | null {
  const value = unit[name];
  const field = `/purchase_units/@reference_id=='default'/${name}`;
  if (value === undefined) return null;
  if (typeof value !== "string") return badRequest("INVALID_PARAMETER_SYNTAX", field);
  return value.length > max ? badRequest("INVALID_STRING_MAX_LENGTH", field) : null;
}
