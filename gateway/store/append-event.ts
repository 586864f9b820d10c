import type { Database } from "./database.ts";
import { EVENT_COLUMNS, EVENT_RECORD, type TrailEvent } from "./event.ts";

/** An event that belongs to no row: a provider's gate that opened, an instance that started. */
export async function appendEvent(db: Pick<Database, "query">, event: TrailEvent): Promise<void> {
  await db.query({
    name: "append_event",
    text: `insert into events (${EVENT_COLUMNS}) select * from jsonb_to_record($1::jsonb) as e(${EVENT_RECORD})`,
    values: [JSON.stringify(event)],
  });
}

export function systemEvent(at: Date, type: string, provider: string | null, data: Readonly<Record<string, unknown>>): TrailEvent {
  return {
    at: at.toISOString(),
    account_id: DEFAULT_ACCOUNT,
    type,
    actor: "system:health",
    charge_id: null,
    attempt_id: null,
    provider,
    amount: null,
    currency: null,
    from_status: null,
    to_status: null,
    outcome: null,
    latency_ms: null,
    data,
  };
}

/** The account that exists from the start (migration 000001). */
export const DEFAULT_ACCOUNT = "acct_default";
