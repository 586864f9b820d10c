import { type BanRule, type DeclinedAttempt, RETRY_MEMORY_MS } from "../../routing/retry-limits.ts";
import type { Database } from "./database.ts";

/** A declined attempt as the outcome statement writes it, once for each instrument. */
export interface NewDecline {
  /** Hex digests: gateway/charges/instrument.ts. */
  readonly instruments: readonly string[];
  readonly attempt_id: string;
  readonly amount: string;
  readonly currency: string;
  readonly counted: boolean;
  readonly forbidden_until: string | null;
  readonly rule: BanRule | null;
  readonly network_code: string | null;
}

/** Of one instrument, the newest: twice the highest limit, and what many at the same moment could add. */
export const MAX_DECLINES_READ = 100;

interface Row {
  readonly attempt_id: string;
  readonly amount: bigint;
  readonly currency: string;
  readonly counted: boolean;
  readonly forbidden_until: Date | null;
  readonly rule: BanRule | null;
  readonly network_code: string | null;
  readonly declined_at: Date;
}

/** The declined attempts with any of these instruments that still matter, each once. */
export async function readDeclines(db: Pick<Database, "query">, instruments: readonly string[], now: Date): Promise<DeclinedAttempt[]> {
  const rows = await db.query<Row>({
    name: "read_declines",
    text: `select t.attempt_id, t.amount, t.currency, t.counted, t.forbidden_until, t.rule, t.network_code, t.declined_at
      from unnest($1::text[]) as d(instrument) cross join lateral (
        select * from declined_attempts n where n.instrument = decode(d.instrument, 'hex') and n.declined_at > $2
        order by n.declined_at desc limit ${MAX_DECLINES_READ}) t`,
    values: [instruments, new Date(now.getTime() - RETRY_MEMORY_MS)],
  });
  const byAttempt = new Map(rows.map((row) => [row.attempt_id, row]));
  return [...byAttempt.values()].map((row) => ({
    atMs: row.declined_at.getTime(),
    amount: row.amount,
    currency: row.currency,
    counted: row.counted,
    ban: row.forbidden_until && row.rule ? { rule: row.rule, untilMs: row.forbidden_until.getTime() } : null,
    networkCode: row.network_code,
  }));
}

/** Deletes what no rule needs any more, oldest first and at most `limit`; how many it were. Rows are numbered as time goes, so it needs no index on it. */
export async function forgetDeclines(db: Pick<Database, "query">, now: Date, limit: number): Promise<number> {
  const rows = await db.query<{ id: bigint }>({
    name: "forget_declines",
    text: `delete from declined_attempts where declined_at < $1 and id in (select id from declined_attempts order by id limit $2) returning id`,
    values: [new Date(now.getTime() - RETRY_MEMORY_MS), limit],
  });
  return rows.length;
}
