import { isCurrency, toDecimal } from "../../providers/contract/money.ts";
import type { Sum } from "./digest.ts";
import type { Notification, Risk } from "./notification.ts";
import type { Condition, HappeningTopic } from "./topics.ts";

/** A message for people: one line that says all that matters, then the particulars. */
export interface Words {
  readonly title: string;
  readonly lines: readonly string[];
}

type ConditionNotice = Extract<Notification, { topic: Condition }>;

export function wordsOf(notification: Notification, livemode: boolean): Words {
  const words = notification.what === "happened" ? happenedWords(notification) : conditionWords(notification);
  return livemode ? words : { ...words, title: `[test mode] ${words.title}` };
}

const TITLES: Readonly<Record<Condition, Readonly<Record<ConditionNotice["what"], string>>>> = {
  all_down: {
    begun: "No processor can be used: charges are kept and collected later",
    lasting: "Still no processor can be used: charges are kept and collected later",
    ended: "Processors can be used again: kept charges are being collected",
  },
  provider_down: {
    begun: "A processor cannot be used: the others take over",
    lasting: "A processor still cannot be used: the others take over",
    ended: "All processors can be used again",
  },
  revenue_at_risk: {
    begun: "Revenue at risk: charges wait to be collected",
    lasting: "Revenue still at risk: charges wait to be collected",
    ended: "Revenue no longer at risk: no charge waits for long",
  },
};

const WHAT_TO_DO: Readonly<Record<Condition, string>> = {
  all_down:
    "Nothing has to be done for the charges: they are collected when a processor is back. GET /v1/providers says why each is out of use; the runbook has a page for it (All processors are down).",
  provider_down: "GET /v1/providers says why. The runbook: A processor is in trouble.",
  revenue_at_risk:
    "GET /v1/routing/deferred shows what is deferred; GET /v1/charges?status=in_doubt what is in doubt. What is deferred ends as failed at its defer.until.",
};

function conditionWords({ topic, what, since, until, times, at_risk, providers }: ConditionNotice): Words {
  const often = times > 1 ? [`It came and went: ${times} times so far, told as one.`] : [];
  const when = until === null ? `Since ${time(since)}.` : `From ${time(since)} to ${time(until)}.`;
  const down = providers.length > 0 ? [`Out of use: ${providers.join(", ")}.`] : [];
  const risk = topic === "provider_down" ? [] : riskLines(at_risk);
  const advice = what === "ended" ? [] : [WHAT_TO_DO[topic]];
  return { title: TITLES[topic][what], lines: [when, ...often, ...down, ...risk, ...advice] };
}

/** One line per state of a charge. */
function riskLines(risks: readonly Risk[]): string[] {
  const lines = (["deferred", "in_doubt"] as const).flatMap((status) => {
    const sums = risks.filter((risk) => risk.status === status);
    if (sums.length === 0) return [];
    const oldest = sums.map((risk) => risk.oldest).sort()[0] as string;
    const count = sums.reduce((total, risk) => total + risk.count, 0);
    const amounts = sums.map(({ amount, currency }) => money(amount, currency)).join(", ");
    const state = status === "deferred" ? "Deferred" : "In doubt";
    return [`${state}: ${charges(count)}, ${amounts}; the oldest from ${time(oldest)}.`];
  });
  return lines.length > 0 ? lines : ["Deferred or in doubt now: nothing."];
}

const HAPPENED: Readonly<Record<HappeningTopic, { readonly one: string; readonly many: string; readonly advice: string }>> = {
  dead_letters: {
    one: "thing that the machine gave up on (dead letter)",
    many: "things that the machine gave up on (dead letters)",
    advice: "GET /v1/dead-letters?state=open lists them; each can be replayed. The runbook: A dead letter.",
  },
  late_successes: {
    one: "payment succeeded after it had been given up",
    many: "payments succeeded after they had been given up",
    advice:
      "Adopted: the charge is paid now, tell whoever was told that it failed. Sent back: the money returns. The runbook: A late success.",
  },
  findings: {
    one: "difference between a processor's records and ours",
    many: "differences between the processors' records and ours",
    advice: "GET /v1/reconciliation?state=open lists them, and docs/reconciliation.md says what each kind asks for.",
  },
  disputes: {
    one: "new dispute",
    many: "new disputes",
    advice: "GET /v1/disputes?status=open has the day until which evidence is wanted.",
  },
  failed_refunds: {
    one: "refund failed after it had succeeded: the customer does not have the money",
    many: "refunds failed after they had succeeded: the customers do not have the money",
    advice: "GET /v1/refunds lists them. Refund again, or by another way.",
  },
  expiring_authorizations: {
    one: "authorization lapses within a day",
    many: "authorizations lapse within a day",
    advice: "Capture or cancel: GET /v1/charges?status=authorized.",
  },
  reconciliation_failed: {
    one: "reconciliation run failed",
    many: "reconciliation runs failed",
    advice: "A processor's records could not be read; the next night compares those days again.",
  },
  disabled_endpoints: {
    one: "webhook endpoint answered 410 Gone and is disabled",
    many: "webhook endpoints answered 410 Gone and are disabled",
    advice: "GET /v1/webhook-endpoints; PUT enables it again.",
  },
  broken_trail: {
    one: "break in the audit trail",
    many: "breaks in the audit trail",
    advice: "Somebody or something changed a sealed event: GET /v1/audit/verify says where.",
  },
};

const LABELS: Readonly<Record<string, string>> = { adopted: "adopted", sent_back: "sent back" };

function happenedWords({ topic, since, happened }: Extract<Notification, { what: "happened" }>): Words {
  const { one, many, advice } = HAPPENED[topic];
  const kinds = Object.entries(happened).sort(([a], [b]) => (a < b ? -1 : 1));
  const count = kinds.reduce((total, [, sum]) => total + sum.count, 0);
  const lines = kinds.flatMap(([label, sum]) => {
    const amounts = amountsOf(sum);
    if (label === "") return amounts === "" ? [] : [`Together ${amounts}.`];
    return [`${LABELS[label] ?? label}: ${sum.count}${amounts === "" ? "" : `, ${amounts}`}.`];
  });
  return { title: `${count} ${count === 1 ? one : many}`, lines: [`Since ${time(since)}.`, ...lines, advice] };
}

function amountsOf({ amounts }: Sum): string {
  const sums = Object.entries(amounts).sort(([a], [b]) => (a < b ? -1 : 1));
  return sums.map(([currency, amount]) => money(amount, currency)).join(", ");
}

function charges(count: number): string {
  return count === 1 ? "1 charge" : `${count} charges`;
}

function money(amount: string, currency: string): string {
  const decimal = isCurrency(currency) ? toDecimal({ amount: BigInt(amount), currency }) : amount;
  return `${decimal} ${currency.toUpperCase()}`;
}

/** `2026-11-22 13:05 UTC`. */
function time(rfc3339: string): string {
  return `${rfc3339.slice(0, 10)} ${rfc3339.slice(11, 16)} UTC`;
}
