/** A difference between a processor's records and ours, as `GET /v1/reconciliation` answers it. Amounts in minor units. */
export interface Finding {
  readonly id: string;
  readonly kind: FindingKind;
  readonly provider: string;
  /** The processor's own id of it, or ours where it has none. */
  readonly subject: string;
  readonly charge: string | null;
  readonly our_amount: number | null;
  readonly their_amount: number | null;
  readonly currency: string | null;
  readonly detail: Readonly<Record<string, unknown>>;
  readonly state: "open" | "resolved";
  readonly owner: string | null;
  readonly note: string | null;
  readonly first_seen_at: string;
  readonly last_seen_at: string;
  readonly closed_at: string | null;
  readonly closed_by: string | null;
}

export const FINDING_KINDS = [
  "paid_twice",
  "missing_payment",
  "unknown_payment",
  "amount_differs",
  "orphan_hold",
  "unknown_refund",
  "missing_refund",
  "unknown_dispute",
] as const;
export type FindingKind = (typeof FINDING_KINDS)[number];

interface Words {
  readonly title: string;
  readonly meaning: string;
  readonly todo: string;
}

/** As docs/reconciliation.md says it. `charge`: whether we know which charge it belongs to. */
export function findingWords(kind: FindingKind, charge: boolean): Words {
  const words = WORDS[kind];
  return { ...words, todo: charge && words.withCharge !== undefined ? words.withCharge : words.todo };
}

const WORDS: Readonly<Record<FindingKind, Words & { readonly withCharge?: string }>> = {
  paid_twice: {
    title: "Paid twice",
    meaning: "A charge has two payments. The one named here is the one that we do not count.",
    todo: "It goes back by itself if it belongs to a try that was given up: see the charge's story. If both belong to one try, refund this one in the processor's dashboard.",
  },
  missing_payment: {
    title: "Payment missing",
    meaning: "We count a charge as paid, and the processor firmly says that this payment was not made, was canceled, or is only held.",
    todo: "Do not deliver on it. Ask the processor with its id. Collect it again with a new charge if the customer still owes it.",
  },
  unknown_payment: {
    title: "Unknown payment",
    meaning: "Money was taken at the processor, and no charge counts it.",
    todo: "Another system uses this account, or somebody charged in the dashboard. Find out who; refund it there if nobody should have.",
    withCharge:
      "Usually nothing: Switchyard looks at it, and adopts the money or gives it back within minutes. The next comparison closes this.",
  },
  amount_differs: {
    title: "Amount differs",
    meaning: "The processor has another amount or currency than we have.",
    todo: "Correct the invoice, or refund the difference.",
  },
  orphan_hold: {
    title: "Forgotten hold",
    meaning: "The customer's money is held, and no charge holds it.",
    todo: "Release it in the processor's dashboard. It lapses by itself in the end.",
    withCharge: "Usually nothing: Switchyard releases it by itself.",
  },
  unknown_refund: {
    title: "Unknown refund",
    meaning: "Money went back to a customer that we do not count.",
    todo: "If it was meant: note who did it, and close this. Do not refund the charge again.",
  },
  missing_refund: {
    title: "Refund missing",
    meaning: "We told a customer that a refund was made, and the processor says that it failed.",
    todo: "Refund again, or in another way.",
  },
  unknown_dispute: {
    title: "Unknown dispute",
    meaning: "A dispute about a payment that we do not know.",
    todo: "Answer it in the processor's dashboard.",
  },
};
