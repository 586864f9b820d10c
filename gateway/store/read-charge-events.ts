import type { Database } from "./database.ts";

export interface ChargeEvent {
  readonly type: string;
  readonly at: Date;
  readonly actor: string;
  readonly attempt_id: string | null;
  readonly provider: string | null;
  readonly from_status: string | null;
  readonly to_status: string | null;
  readonly outcome: string | null;
  readonly latency_ms: number | null;
  readonly data: Readonly<Record<string, unknown>>;
}

/** A charge in doubt is looked at hourly and may wait for days: enough for its story, too few to hurt. The newest stay. */
const MAX_EVENTS = 500;

/** The trail of one charge, oldest first. */
export function readChargeEvents(db: Pick<Database, "query">, by: { accountId: string; chargeId: string }): Promise<ChargeEvent[]> {
  return db.query<ChargeEvent>({
    name: "read_charge_events",
    text: `select type, at, actor, attempt_id, provider, from_status, to_status, outcome, latency_ms, data from (
        select * from events where charge_id = $1 and account_id = $2 order by id desc limit ${MAX_EVENTS}
      ) newest order by id`,
    values: [by.chargeId, by.accountId],
  });
}
