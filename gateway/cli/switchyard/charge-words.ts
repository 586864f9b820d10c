import type { Cell } from "./table.ts";
import type { Style } from "./terminal.ts";
import { moneyText, timeText } from "./words.ts";

/** A charge as /v1/charges shows it; the fields that are used here. */
export interface ChargeJson {
  readonly id: string;
  readonly livemode: boolean;
  readonly status: string;
  readonly amount: number;
  readonly amount_captured: number;
  readonly amount_refunded: number;
  readonly currency: string;
  readonly disputed: boolean;
  readonly reference: string | null;
  readonly provider: string | null;
  readonly provider_reference: string | null;
  readonly failure: { readonly code: string; readonly message: string; readonly advice: string | null } | null;
  readonly deferred: { readonly reason: string; readonly until: string } | null;
  readonly authorized_until: string | null;
  readonly attempts: readonly AttemptJson[];
  readonly created_at: string;
}

export interface AttemptJson {
  readonly id: string;
  readonly provider: string;
  readonly outcome: string | null;
  readonly reason: string | null;
  readonly latency_ms: number | null;
  readonly provider_reference: string | null;
}

const STATUS_STYLE: Readonly<Record<string, Style>> = {
  succeeded: "green",
  authorized: "green",
  failed: "red",
  canceled: "dim",
  in_doubt: "yellow",
  deferred: "yellow",
  pending: "yellow",
  requires_action: "yellow",
  processing: "cyan",
};

export const CHARGE_COLUMNS = [
  { head: "CHARGE" },
  { head: "STATUS" },
  { head: "AMOUNT", right: true },
  { head: "PROVIDER" },
  { head: "ATTEMPTS", right: true },
  { head: "CREATED (UTC)" },
  { head: "REFERENCE" },
];

export function chargeRow(charge: ChargeJson): Cell[] {
  return [
    charge.id,
    statusCell(charge.status),
    moneyText(charge.amount, charge.currency),
    charge.provider ?? "-",
    String(charge.attempts.length),
    timeText(charge.created_at),
    charge.reference ?? "-",
  ];
}

export function statusCell(status: string): Cell {
  const style = STATUS_STYLE[status];
  return style ? { text: status, style } : status;
}

/** What the charge has come to, in a sentence or two. */
export function chargeSentence(charge: ChargeJson): string {
  const { currency, status, provider, failure } = charge;
  const asked = moneyText(charge.amount, currency);
  const at = provider ? ` at ${provider}` : "";
  switch (status) {
    case "succeeded": {
      const reference = charge.provider_reference ? ` (${charge.provider_reference})` : "";
      return `${moneyText(charge.amount_captured, currency)} was collected${at}${reference}.${afterwards(charge)}`;
    }
    case "authorized":
      return `${asked} is held${at}, and not taken yet; the hold lapses ${timeText(charge.authorized_until)} UTC.`;
    case "failed":
      return `It failed, and no money was kept: ${failure?.message.replace(/\.$/, "") ?? "no reason is recorded"} (${failure?.code ?? "-"}${failure?.advice ? `, advice ${failure.advice}` : ""}).`;
    case "canceled":
      return `${asked} was withdrawn; no money was kept.`;
    case "deferred":
      return `${asked} is kept, and collected when a processor can take it, until ${timeText(charge.deferred?.until)} UTC (${charge.deferred?.reason ?? "-"}).`;
    case "in_doubt":
      return `${asked} was sent${at}, and nobody knows yet whether it moved. It is looked up there, and never sent elsewhere meanwhile.`;
    case "pending":
      return `${asked} is under way${at}: the processor itself waits.`;
    case "requires_action":
      return `${asked} waits${at} for the customer to authenticate.`;
    default:
      return `${asked} is being collected${at} at this moment.`;
  }
}

function afterwards({ amount, amount_captured, amount_refunded, currency, disputed }: ChargeJson): string {
  return [
    amount_captured < amount ? ` ${moneyText(amount, currency)} was asked for.` : "",
    amount_refunded > 0 ? ` ${moneyText(amount_refunded, currency)} of it went back.` : "",
    disputed ? " A dispute about it is open, or was lost." : "",
  ].join("");
}
