import pg from "pg";
import type { Database } from "../../../gateway/store/database.ts";

/** Tables that grow with the charges: nothing that a page reads may go through one of them. */
const GROWING = new Set(["charges", "attempts", "events", "event_seals", "idempotency_keys", "operations"]);

export interface Explained {
  /** Passes every statement on, after it was explained. */
  readonly db: Database;
  /** Whole scans of growing tables so far, with the statements that have them. */
  readonly scans: string[];
  /** Statements that looked at more rows of charges or attempts than they may. */
  readonly excesses: string[];
  /** Texts of the statements that were explained. */
  readonly seen: Set<string>;
  close(): Promise<void>;
}

/** `mostRows`: of charges or attempts that one part of a plan may look at. Each statement's plan is read twice: for its values, and the generic one that PostgreSQL may take after some uses (16 and later). */
export function explained(inner: Database, url: string, mostRows: number): Explained {
  const pool = new pg.Pool({ connectionString: url, max: 2 });
  // Its statements fail, which is all that anybody has to know.
  pool.on("error", () => {});
  const scans: string[] = [];
  const excesses: string[] = [];
  const seen = new Set<string>();

  const partial = pool
    .query<{ name: string }>("select indexrelid::regclass::text as name from pg_index where indpred is not null")
    .then(({ rows }) => new Set(rows.map(({ name }) => name)));

  async function explain(name: string, text: string, values: readonly unknown[]): Promise<void> {
    if (seen.has(text)) return;
    seen.add(text);
    const custom = await pool.query({ text: `explain (analyze, timing off, format json) ${text}`, values: [...values] });
    for (const [table, rows] of visited(custom.rows[0]["QUERY PLAN"])) {
      if (rows > mostRows) excesses.push(`${name} looks at ${rows} rows of ${table}`);
    }
    const generic = await pool.query(`explain (generic_plan, format json) ${text}`);
    for (const [kind, { rows }] of [
      ["with its values", custom],
      ["generic", generic],
    ] as const) {
      for (const table of wholeScans(rows[0]["QUERY PLAN"], await partial)) scans.push(`${name} (${kind}) reads all of ${table}`);
    }
  }

  return {
    db: {
      async query(statement) {
        await explain(statement.name, statement.text, statement.values ?? []);
        return inner.query(statement);
      },
      transaction: (work) => inner.transaction(work),
      close: () => inner.close(),
    },
    scans,
    excesses,
    seen,
    close: () => pool.end(),
  };
}

/**
 * Sequential scans, and scans of an index over all rows without a condition, unless they stop at a limit. An index that holds few rows by
 * its own condition may be read whole.
 */
function* wholeScans(plan: unknown, partial: ReadonlySet<string>, limited = false): Generator<string> {
  if (Array.isArray(plan)) {
    for (const inner of plan) yield* wholeScans(inner, partial, limited);
    return;
  }
  if (typeof plan !== "object" || plan === null) return;
  const node = plan as { "Node Type"?: string; "Relation Name"?: string; "Index Cond"?: string; "Index Name"?: string };
  const type = node["Node Type"] ?? "";
  const table = node["Relation Name"] ?? "";
  if (GROWING.has(table)) {
    const unbounded =
      /^Index (Only )?Scan$/.test(type) && node["Index Cond"] === undefined && !limited && !partial.has(node["Index Name"] ?? "");
    if (type === "Seq Scan" || unbounded) yield table;
  }
  // What is sorted or added up first is read to its end.
  const stops = type === "Limit" || (limited && !/^(Sort|Incremental Sort|Aggregate|Hash|HashAggregate|WindowAgg|Materialize)$/.test(type));
  for (const [name, inner] of Object.entries(node)) if (name === "Plan" || name === "Plans") yield* wholeScans(inner, partial, stops);
}

/** Rows of charges and attempts that each part of an analysed plan looked at, kept or not. */
function* visited(plan: unknown): Generator<[table: string, rows: number]> {
  if (Array.isArray(plan)) {
    for (const inner of plan) yield* visited(inner);
    return;
  }
  if (typeof plan !== "object" || plan === null) return;
  const node = plan as Record<string, unknown>;
  const table = node["Relation Name"];
  const count = (name: string): number => (typeof node[name] === "number" ? (node[name] as number) : 0);
  const rows = (count("Actual Rows") + count("Rows Removed by Filter") + count("Rows Removed by Index Recheck")) * count("Actual Loops");
  if (table === "charges" || table === "attempts") yield [table, Math.round(rows)];
  for (const [name, inner] of Object.entries(node)) if (name === "Plan" || name === "Plans") yield* visited(inner);
}
