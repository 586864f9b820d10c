import type { Database } from "./database.ts";

/** Numbers that one turn looks at. */
const MAX_LOOKED_AT = 5_000;

/** A sealed event, as jobs are made of it. */
export interface SealedEvent {
  readonly seq: bigint;
  readonly at: Date;
  readonly account_id: string;
  readonly type: string;
  readonly actor: string;
  readonly charge_id: string | null;
  readonly attempt_id: string | null;
  readonly provider: string | null;
  readonly amount: bigint | null;
  readonly currency: string | null;
  readonly to_status: string | null;
  readonly data: Readonly<Record<string, unknown>>;
}

export async function ensureCursor(db: Database, consumer: string): Promise<void> {
  await db.query({
    name: "dispatch_ensure",
    text: "insert into dispatch_cursors (consumer, seq) values ($1, 0) on conflict do nothing",
    values: [consumer],
  });
}

/** As `ensureCursor`, for one to whom what was before its first start is history. */
export async function ensureCursorAtHead(db: Database, consumer: string): Promise<void> {
  await db.query({
    name: "dispatch_ensure_at_head",
    text: "insert into dispatch_cursors (consumer, seq) select $1, seq from trail_head on conflict do nothing",
    values: [consumer],
  });
}

/**
 * Hands the next sealed events whose type is like one of `types` to `handOver`, in their order, and moves the consumer's
 * cursor in the same transaction: what `handOver` writes with its `query` happens exactly once per event, or not at all.
 * Answers whether there is more. One instance at a time: the others skip the cursor's lock.
 */
export async function dispatchEvents(
  db: Database,
  consumer: string,
  types: readonly string[],
  handOver: (query: Database["query"], events: readonly SealedEvent[]) => Promise<void>,
): Promise<boolean> {
  const [probe] = await db.query<{ work: boolean }>({
    name: "dispatch_probe",
    text: "select c.seq < h.seq as work from dispatch_cursors c cross join trail_head h where c.consumer = $1",
    values: [consumer],
  });
  if (!probe?.work) return false;
  return db.transaction(async (query) => {
    const [cursor] = await query<{ seq: bigint }>({
      name: "dispatch_lock",
      text: "select seq from dispatch_cursors where consumer = $1 for update skip locked",
      values: [consumer],
    });
    if (!cursor) return false;
    const rows = await query<SealedEvent & { head: bigint; seq: bigint | null }>({
      name: "dispatch_read",
      text: `select h.seq as head, e.* from trail_head h left join lateral (
          select s.seq, e.at, e.account_id, e.type, e.actor, e.charge_id, e.attempt_id, e.provider, e.amount, e.currency,
            e.to_status, e.data
          from event_seals s cross join lateral (select * from events where id = s.event_id offset 0) e
          where s.seq > $1 and s.seq <= least(h.seq, $1::bigint + ${MAX_LOOKED_AT}) and e.type like any($2::text[])
        ) e on true order by e.seq`,
      values: [cursor.seq, types],
    });
    const head = rows[0]?.head ?? cursor.seq;
    const upTo = head < cursor.seq + BigInt(MAX_LOOKED_AT) ? head : cursor.seq + BigInt(MAX_LOOKED_AT);
    const events = rows.filter((row) => row.seq !== null);
    if (events.length > 0) await handOver(query, events);
    await query({ name: "dispatch_move", text: "update dispatch_cursors set seq = $2 where consumer = $1", values: [consumer, upTo] });
    return upTo < head;
  });
}
