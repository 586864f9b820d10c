import { type CanonicalEvent, chainHash } from "../trail/canonical-event.ts";
import { COUNTED_COLUMNS, countEvents, FLOW_COLUMNS, SEGMENT_COLUMNS, sumsOf } from "./count-events.ts";
import type { Database } from "./database.ts";

export interface UnsealedRow {
  readonly id: bigint;
  readonly canonical: CanonicalEvent;
}

/** False: another sealer is at work. A statement of its own: the next one's snapshot must see what the last holder committed. */
export async function lockHead(query: Database["query"]): Promise<boolean> {
  const rows = await query({ name: "seal_lock", text: "select 1 as locked from trail_head for update skip locked" });
  return rows.length === 1;
}

const ALL_COLUMNS = [...COUNTED_COLUMNS, ...FLOW_COLUMNS];
const SEGMENT = SEGMENT_COLUMNS.join(", ");
const added = (columns: readonly string[]) => columns.map((column) => `${column} = r.${column} + excluded.${column}`).join(", ");

/** Appends `rows`, in their order, to the chain, and adds them to the rollups. Only under the head's lock. */
export async function writeSeals(query: Database["query"], rows: readonly UnsealedRow[], done: string | null, now: Date): Promise<void> {
  const [head] = await query<{ hash: Buffer }>({ name: "seal_head", text: "select hash from trail_head" });
  let hash = head!.hash;
  const hashes = rows.map((row) => {
    hash = chainHash(hash, row.canonical);
    return hash;
  });
  await query({
    name: "seal_write",
    text: `
    with head as (
      select seq from trail_head
    ), sealed as (
      insert into event_seals (seq, event_id, hash, sealed_at)
      select head.seq + i.n, i.event_id, i.hash, $5::timestamptz
      from head cross join unnest($1::bigint[], $2::bytea[]) with ordinality as i(event_id, hash, n)
    ), counted as materialized (
      ${countEvents("(select * from events where id = any($1::bigint[]))")}
    ), rolled as (
      insert into stats_rollups as r (bucket, account_id, provider, currency, ${COUNTED_COLUMNS.join(", ")})
      select bucket, account_id, provider, currency, ${sumsOf(COUNTED_COLUMNS)} from counted group by 1, 2, 3, 4
      on conflict (account_id, bucket, provider, currency) do update set ${added(COUNTED_COLUMNS)}
    ), segmented as (
      insert into stats_segments as r (account_id, grain, bucket, provider, currency, ${SEGMENT}, ${ALL_COLUMNS.join(", ")})
      select account_id, g.grain, date_trunc(g.grain, bucket, 'UTC'), provider, currency, ${SEGMENT}, ${sumsOf(ALL_COLUMNS)}
      from counted cross join (values ('hour'), ('day')) as g(grain) group by 1, 2, 3, 4, 5, 6, 7, 8
      on conflict (account_id, grain, bucket, provider, currency, ${SEGMENT}) do update set ${added(ALL_COLUMNS)}
    )
    update trail_head set seq = seq + cardinality($1::bigint[]), hash = $3, done = coalesce($4::pg_snapshot, done)`,
    values: [rows.map((row) => row.id), hashes, hash, done, now],
  });
}
