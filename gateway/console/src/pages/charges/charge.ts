import type { ChargeStatus, ChargeWithEvents } from "../../../../client/wire.ts";

/** As the API answers them: the client has their types from its schemas. Amounts in minor units. */
export type { Attempt, Charge, Dispute, Refund } from "../../../../client/wire.ts";
/** One charge, as `GET /v1/charges/{id}` answers it; events oldest first. */
export type ChargeInFull = ChargeWithEvents;
export type ChargeEvent = ChargeInFull["events"][number];

export const CHARGE_STATUSES = [
  "processing",
  "requires_action",
  "pending",
  "in_doubt",
  "deferred",
  "authorized",
  "succeeded",
  "failed",
  "canceled",
] as const satisfies readonly ChargeStatus[];

/** What `GET /v1/routing/decisions/{charge}` says of one attempt. */
export interface AttemptDecision {
  readonly attempt: string;
  readonly decision: {
    readonly reason: string;
    readonly rule: string | null;
    readonly candidates: readonly { readonly provider: string; readonly eligible: boolean; readonly words: string }[];
  } | null;
}
