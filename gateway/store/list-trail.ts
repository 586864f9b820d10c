import { UNSEALED_EVENTS } from "./count-events.ts";
import type { Database } from "./database.ts";

/** Numbers that one page looks at, however few match: it bounds the cost of a rare actor. The next page goes on from there. */
const MAX_LOOKED_AT = 20_000;

export interface TrailFilter {
  readonly accountId: string;
  readonly charge: string | null;
  readonly actor: string | null;
  readonly type: string | null;
  /** By the event's own time: from <= at < to. */
  readonly from: Date | null;
  readonly to: Date | null;
}

export interface TrailRow {
  readonly seq: bigint | null;
  readonly hash: Buffer | null;
  readonly sealed_at: Date | null;
  readonly id: bigint;
  readonly at: Date;
  readonly type: string;
  readonly actor: string;
  readonly charge_id: string | null;
  readonly attempt_id: string | null;
  readonly provider: string | null;
  readonly amount: bigint | null;
  readonly currency: string | null;
  readonly from_status: string | null;
  readonly to_status: string | null;
  readonly outcome: string | null;
  readonly latency_ms: number | null;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface TrailPage {
  readonly rows: TrailRow[];
  /** Where the next page starts; null: this was the last. */
  readonly next: bigint | null;
}

const COLUMNS = `e.id, e.at, e.type, e.actor, e.charge_id, e.attempt_id, e.provider, e.amount, e.currency, e.from_status, e.to_status,
  e.outcome, e.latency_ms, e.data`;
const MATCHES = `e.account_id = $1 and ($2::text is null or e.charge_id = $2) and ($3::text is null or e.actor = $3)
  and ($4::text is null or e.type = $4) and ($5::timestamptz is null or e.at >= $5) and ($6::timestamptz is null or e.at < $6)`;

/** Nothing is sealed before it happens, but for clocks that differ: where a search from $5 on may start. */
const EARLIEST = `case when $5::timestamptz is null then 0 else coalesce((select f.seq from event_seals f
  where f.sealed_at >= $5 - interval '1 minute' order by f.sealed_at, f.seq limit 1), 9223372036854775807) end`;

function valuesOf(filter: TrailFilter): unknown[] {
  return [filter.accountId, filter.charge, filter.actor, filter.type, filter.from, filter.to];
}

/** Sealed events by number; `after` is exclusive. */
export async function listSealed(
  db: Database,
  filter: TrailFilter,
  page: { after: bigint | null; order: "asc" | "desc"; limit: number },
): Promise<TrailPage> {
  const down = page.order === "desc";
  const after = page.after ?? (down ? 2n ** 63n - 1n : 0n);
  const range = `s.seq ${down ? "<" : ">"} $7 and s.seq >= ${EARLIEST} order by s.seq ${page.order}`;
  const ofCharge = filter.charge !== null;
  const rows = await db.query<TrailRow & { last: bigint | null }>({
    name: `trail_list_${page.order}${ofCharge ? "_charge" : ""}`,
    text: ofCharge
      ? `select s.seq, s.hash, s.sealed_at, ${COLUMNS}, null::bigint as last from events e join event_seals s on s.event_id = e.id
         where e.charge_id = $2 and ${MATCHES} and ${range} limit $8::integer + 1`
      : `with looked as materialized (select s.* from event_seals s where ${range} limit ${MAX_LOOKED_AT}),
         looked_last as (select case when count(*) = ${MAX_LOOKED_AT} then ${down ? "min" : "max"}(seq) end as last from looked)
         select m.*, l.last from looked_last l left join lateral (
           select s.seq, s.hash, s.sealed_at, ${COLUMNS} from looked s
             cross join lateral (select * from events where id = s.event_id offset 0) e
           where ${MATCHES} order by s.seq ${page.order} limit $8::integer + 1) m on true`,
    values: [...valuesOf(filter), after, page.limit],
  });
  const found = rows.filter((row) => row.seq !== null);
  const shown = found.slice(0, page.limit);
  const next = found.length > page.limit ? shown.at(-1)!.seq : (rows[0]?.last ?? null);
  return { rows: shown.map(({ last, ...row }) => row), next };
}

/** Events that wait for their number, the newest first. */
export async function listUnsealed(db: Database, filter: TrailFilter, limit: number): Promise<TrailRow[]> {
  return db.query<TrailRow>({
    name: "trail_list_unsealed",
    text: `select null::bigint as seq, null::bytea as hash, null::timestamptz as sealed_at, ${COLUMNS}
      from ${UNSEALED_EVENTS} e where ${MATCHES} order by e.id desc limit $7`,
    values: [...valuesOf(filter), limit],
  });
}
