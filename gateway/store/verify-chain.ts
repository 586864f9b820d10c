import { CANONICAL_SQL, type CanonicalEvent, chainHash, GENESIS } from "../trail/canonical-event.ts";
import { UNSEALED_EVENTS } from "./count-events.ts";
import type { Database } from "./database.ts";

/** Seals that one statement reads: about 100 ms and a few MB. */
const BATCH = 5_000;

/**
 * altered_event   the event is not what was hashed
 * altered_hash    the stored hash is not the one that the next link, the head or an earlier check knows
 * missing_event   a number whose event is gone
 * gap             a number is missing
 * passed_by       an event without a number, though the head says that all like it are sealed: inserted behind its back
 * altered_head    the head does not fit the chain
 */
export type BreakKind = "altered_event" | "altered_hash" | "missing_event" | "gap" | "passed_by" | "altered_head";

export interface ChainBreak {
  readonly seq: bigint;
  readonly kind: BreakKind;
  readonly eventId: bigint | null;
}

export interface TrailStatus {
  readonly head: { readonly seq: bigint; readonly hash: Buffer };
  readonly unsealed: { readonly count: bigint; readonly oldestAt: Date | null };
}

export interface ChainReport extends TrailStatus {
  /** First and last number that were checked; `to` is `from - 1` when there was nothing to check. */
  readonly from: bigint;
  readonly to: bigint;
  /** The hash of `to`, as stored. */
  readonly toHash: Buffer;
  /** The head was reached. */
  readonly complete: boolean;
  readonly broken: ChainBreak | null;
}

export interface VerifyOptions {
  /** The first number to check; default 1. */
  readonly from?: bigint;
  /** Stop after this many. Default: none. */
  readonly limit?: number;
  /** What an earlier check saw as the hash of `from - 1`. */
  readonly expected?: Buffer;
}

/** The head of the chain and what is not sealed yet, of one moment. */
export async function readTrailStatus(db: Database): Promise<TrailStatus> {
  const [row] = await db.query<{ seq: bigint; hash: Buffer; count: bigint; oldest: Date | null }>({
    name: "trail_status",
    text: `select h.seq, h.hash, u.count, u.oldest from trail_head h cross join (select count(*) as count, min(at) as oldest from ${UNSEALED_EVENTS} e) u`,
  });
  return { head: { seq: row!.seq, hash: row!.hash }, unsealed: { count: row!.count, oldestAt: row!.oldest } };
}

interface LinkRow {
  readonly seq: bigint;
  readonly event_id: bigint;
  readonly hash: Buffer;
  readonly found: boolean;
  readonly canonical: CanonicalEvent;
}

/**
 * Recomputes the chain in batches up to the head as it was at the beginning, and stops at the first break. A chain that
 * somebody rewrote whole is consistent: only a hash kept elsewhere (`expected`, the hourly log line) tells.
 */
export async function verifyChain(db: Database, options: VerifyOptions = {}): Promise<ChainReport> {
  const { from = 1n, limit = Number.POSITIVE_INFINITY, expected } = options;
  const status = await readTrailStatus(db);
  const start = await hashBefore(db, from);
  let to = from - 1n;
  let toHash = start ?? GENESIS;
  let highestId: bigint | null = null;
  const report = (broken: ChainBreak | null): ChainReport => ({ ...status, from, to, toHash, complete: to >= status.head.seq, broken });
  if (to > status.head.seq) return report({ seq: from, kind: "altered_head", eventId: null });
  if (start === null) return report({ seq: from - 1n, kind: "gap", eventId: null });
  if (expected && !start.equals(expected)) return report({ seq: from - 1n, kind: "altered_hash", eventId: null });

  while (to < status.head.seq && Number(to - from + 1n) < limit) {
    const size = Math.min(BATCH, limit - Number(to - from + 1n), Number(status.head.seq - to));
    // One more than is checked: the link after the last tells an altered event from an altered hash.
    const links = await readLinks(db, to + 1n, size + 1);
    for (const [i, link] of links.slice(0, size).entries()) {
      const broken = checkLink(toHash, to + 1n, link, links[i + 1], status);
      if (broken) return report(broken);
      to = link.seq;
      toHash = link.hash;
    }
    if (links.length === 0) return report({ seq: to + 1n, kind: "gap", eventId: null });
    const ids = links.slice(0, size).map((link) => link.event_id);
    const highest = ids.sort((a, b) => (a < b ? -1 : 1)).at(-1)!;
    const passedBy = await findPassedBy(db, highestId ?? (from > 1n ? ids[0]! : MIN_ID), highest);
    if (passedBy !== null) return report({ seq: to, kind: "passed_by", eventId: passedBy });
    if (highestId === null || highest > highestId) highestId = highest;
  }
  if (to < status.head.seq) return report(null);
  if (!toHash.equals(status.head.hash)) return report({ seq: to, kind: "altered_head", eventId: null });
  if (await isPastHead(db, to + 1n)) return report({ seq: to + 1n, kind: "altered_head", eventId: null });
  const passedBy = await findPassedBy(db, await highestSealedId(db), MAX_ID);
  return report(passedBy === null ? null : { seq: to, kind: "passed_by", eventId: passedBy });
}

function checkLink(previous: Buffer, seq: bigint, link: LinkRow, next: LinkRow | undefined, status: TrailStatus): ChainBreak | null {
  const broken = (kind: BreakKind): ChainBreak => ({ seq, kind, eventId: kind === "gap" ? null : link.event_id });
  if (link.seq !== seq) return broken("gap");
  if (!link.found) return broken("missing_event");
  const hash = chainHash(previous, link.canonical);
  if (hash.equals(link.hash)) return null;
  // Whoever comes after was hashed upon the true hash: if that is not the stored one, the stored one was altered.
  const nextSays = next?.found && next.seq === seq + 1n && chainHash(hash, next.canonical).equals(next.hash);
  const headSays = status.head.seq === seq && status.head.hash.equals(hash);
  return broken(nextSays || headSays ? "altered_hash" : "altered_event");
}

/** null: that number is missing. */
async function hashBefore(db: Database, seq: bigint): Promise<Buffer | null> {
  if (seq <= 1n) return GENESIS;
  const [row] = await db.query<{ hash: Buffer }>({
    name: "verify_before",
    text: "select hash from event_seals where seq = $1",
    values: [seq - 1n],
  });
  return row?.hash ?? null;
}

// Event by event through the primary key: without `offset 0`, PostgreSQL plans for any $2, and reads all events for each batch.
function readLinks(db: Database, from: bigint, count: number): Promise<LinkRow[]> {
  return db.query<LinkRow>({
    name: "verify_links",
    text: `select s.seq, s.event_id, s.hash, e.id is not null as found, ${CANONICAL_SQL} as canonical
      from (select * from event_seals where seq >= $1 order by seq limit $2) s
      left join lateral (select * from events where id = s.event_id offset 0) e on true order by s.seq`,
    values: [from, count],
  });
}

/** A number above the head, by a statement that sees both at one moment: the sealer goes on meanwhile. */
async function isPastHead(db: Database, seq: bigint): Promise<boolean> {
  const rows = await db.query({
    name: "verify_past_head",
    text: "select from trail_head h join event_seals s on s.seq > h.seq where s.seq >= $1 limit 1",
    values: [seq],
  });
  return rows.length > 0;
}

const MIN_ID = -(2n ** 63n);
const MAX_ID = 2n ** 63n - 1n;

async function highestSealedId(db: Database): Promise<bigint> {
  const [row] = await db.query<{ id: bigint }>({
    name: "verify_highest",
    text: "select coalesce(max(event_id), 0) as id from event_seals",
  });
  return row!.id;
}

/** An event with an id in (after, upTo] that has no number and is not waiting for one. */
async function findPassedBy(db: Database, after: bigint, upTo: bigint): Promise<bigint | null> {
  if (upTo <= after) return null;
  const [row] = await db.query<{ id: bigint }>({
    name: "verify_passed_by",
    text: `select e.id from (select * from events where id > $1 and id <= $2 order by id offset 0) e cross join trail_head h
      where not exists (select from event_seals s where s.event_id = e.id)
        and (e.epoch <> h.epoch or pg_visible_in_snapshot(e.xid, h.done))
      limit 1`,
    values: [after, upTo],
  });
  return row?.id ?? null;
}
