import type { ProviderEvent } from "../../providers/contract/webhook.ts";
import type { AttemptId, ChargeId } from "../ids.ts";

/** An event of a provider on its way into the inbox. */
export interface Incoming {
  readonly provider: string;
  readonly event: ProviderEvent;
  readonly receivedAt: Date;
  /** When it is matched again, if it names nothing that we know. */
  readonly lookAt: Date;
  /** For a dispute that we have not heard of. */
  readonly newId: (prefix: string) => string;
}

export interface Recorded {
  /** By this call; false: it was there before, or (again) it is still unknown. */
  readonly stored: boolean;
  /** It names something of ours, and nothing that we do not know. */
  readonly known: boolean;
  /** What it names in part, at least. */
  readonly charge_id: ChargeId | null;
  readonly attempt_id: AttemptId | null;
  readonly account_id: string | null;
}

/** The columns of `input`, as JSON. */
export function inputOf({ provider, event, receivedAt, lookAt }: Incoming): string {
  const { subject } = event;
  const base = {
    provider,
    event: event.id,
    type: event.type,
    subject,
    occurred_at: new Date(event.createdAtMs),
    received_at: receivedAt,
    look_at: lookAt,
    evidence: false,
  };
  const names = (...all: (string | null)[]) => all.filter((name) => name !== null);
  switch (subject.kind) {
    case "payment": {
      const { attemptId, chargeId, object, reference, money } = subject;
      return asStored({ ...base, attempt: attemptId, charge: chargeId, object, names: names(object, reference), evidence: isSome(money) });
    }
    case "dispute": {
      const { attemptId, chargeId, object, payment } = subject;
      return asStored({ ...base, attempt: attemptId, charge: chargeId, object, names: names(object, payment), evidence: true });
    }
    case "refund":
      return asStored({ ...base, key: subject.key, refund: subject.refund, names: names(subject.payment) });
    case "instrument":
    case "other":
      return asStored(base);
  }
}

/** A provider may tell of nothing as of an amount. */
export function isSome<Money extends { readonly amount: bigint }>(money: Money | null): money is Money {
  return money !== null && money.amount > 0n;
}

/** Amounts as decimal text. What PostgreSQL's jsonb cannot hold is taken out: an event must not come again and again because of it. */
function asStored(input: object): string {
  return JSON.stringify(input, (_key, value: unknown) =>
    typeof value === "bigint" ? value.toString() : typeof value === "string" ? value.replaceAll("\0", "").toWellFormed() : value,
  );
}
