import type { Database } from "./database.ts";
import type { SealedEvent } from "./dispatch-events.ts";

/** Numbers that one page looks at, however few match: it bounds the cost of a rare type. */
const MAX_LOOKED_AT = 20_000;

/** What a caller knows a charge by; it never changes. */
export interface ChargeLabels {
  readonly id: string;
  readonly reference: string | null;
  readonly metadata: Readonly<Record<string, string>>;
}

/** By charge id. */
export async function readChargeLabels(query: Database["query"], ids: readonly string[]): Promise<ReadonlyMap<string, ChargeLabels>> {
  if (ids.length === 0) return new Map();
  const rows = await query<ChargeLabels>({
    name: "read_charge_labels",
    text: "select id, reference, metadata from charges where id = any($1::text[])",
    values: [ids],
  });
  return new Map(rows.map((row) => [row.id, row]));
}

export interface EventPage {
  readonly events: readonly SealedEvent[];
  /** Where the next page starts, also when there is nothing more now. */
  readonly next: bigint;
  readonly more: boolean;
  /** The last sealed number of the installation. */
  readonly head: bigint;
}

/** An account's sealed events of these types after a number, in their order; head and page are of the same moment. */
export async function listSealedEvents(
  db: Pick<Database, "query">,
  by: { accountId: string; types: readonly string[]; after: bigint; limit: number },
): Promise<EventPage> {
  const rows = await db.query<SealedEvent & { head: bigint; seq: bigint | null }>({
    name: "list_sealed_events",
    text: `select h.seq as head, m.* from trail_head h left join lateral (
        select s.seq, e.at, e.account_id, e.type, e.actor, e.charge_id, e.attempt_id, e.provider, e.amount, e.currency, e.to_status, e.data
        from event_seals s cross join lateral (select * from events where id = s.event_id offset 0) e
        where s.seq > $1 and s.seq <= least(h.seq, $1::bigint + ${MAX_LOOKED_AT}) and e.account_id = $2 and e.type = any($3::text[])
        order by s.seq limit $4::integer + 1) m on true
      order by m.seq`,
    values: [by.after, by.accountId, by.types, by.limit],
  });
  const head = rows[0]?.head ?? 0n;
  const found = rows.filter((row) => row.seq !== null);
  const events = found.slice(0, by.limit);
  const looked = by.after + BigInt(MAX_LOOKED_AT);
  const upTo = head < looked ? head : looked;
  const next = found.length > by.limit ? (events.at(-1)?.seq as bigint) : upTo > by.after ? upTo : by.after;
  return { events, next, more: next < head, head };
}
