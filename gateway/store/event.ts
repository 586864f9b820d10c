import type { AttemptOutcome, ChargeStatus } from "../charges/charge.ts";

/** A row of the trail, written in the same statement as the change that it tells. */
export interface TrailEvent {
  readonly at: string;
  readonly account_id: string;
  readonly type: string;
  /** `key:<id>`, `system:engine`, `system:worker`. */
  readonly actor: string;
  readonly charge_id: string | null;
  readonly attempt_id: string | null;
  readonly provider: string | null;
  /** Minor units, decimal. */
  readonly amount: string | null;
  readonly currency: string | null;
  readonly from_status: ChargeStatus | null;
  readonly to_status: ChargeStatus | null;
  readonly outcome: AttemptOutcome | null;
  readonly latency_ms: number | null;
  readonly data: Readonly<Record<string, unknown>>;
}

/** The columns of `events` as `jsonb_to_recordset` reads a `TrailEvent`. */
export const EVENT_COLUMNS =
  "at, account_id, type, actor, charge_id, attempt_id, provider, amount, currency, from_status, to_status, outcome, latency_ms, data";
export const EVENT_RECORD = `at timestamptz, account_id text, type text, actor text, charge_id text, attempt_id text, provider text, amount bigint,
  currency text, from_status text, to_status text, outcome text, latency_ms integer, data jsonb`;
