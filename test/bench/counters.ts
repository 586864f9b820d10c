import pg from "pg";

/** What PostgreSQL counts, since its start. */
export interface Counters {
  /**
   * Transactions that got a number, which are those that write: exact and at once. Each is one commit record, and waits for the
   * disk unless another one's flush took it along.
   */
  readonly writes: number;
  /** pg_stat_database.xact_commit, reading transactions included. Sessions report with a delay of up to 10 s. */
  readonly commits: number;
  /** Flushes of the write-ahead log; the same delay. */
  readonly walFsyncs: number;
  readonly walBytes: number;
}

export interface DatabaseSettings {
  readonly version: string;
  readonly fsync: string;
  readonly synchronous_commit: string;
  readonly wal_sync_method: string;
}

/** Sessions that are idle report at the latest after PGSTAT_IDLE_INTERVAL. */
export const REPORTING_DELAY_MS = 10_000;

export interface Inspector {
  counters(): Promise<Counters>;
  settings(): Promise<DatabaseSettings>;
  /** Charges by status: how many, and what they captured. */
  charges(): Promise<{ status: string; count: number; captured: number }[]>;
  /** Intents (or outcomes) that shared a commit, of the commits from `from` on; every transition writes an event with its transaction's number. */
  batches(type: "attempt.started" | "charge.succeeded", from: number): Promise<Batches>;
  close(): Promise<void>;
}

/** Over the commits: how many rows each one carried. */
export interface Batches {
  readonly commits: number;
  readonly mean: number;
  readonly p50: number;
  readonly p95: number;
  readonly max: number;
}

/** A connection of the benchmark's own. What it reads costs a few transactions per round. */
export async function inspect(url: string): Promise<Inspector> {
  const client = new pg.Client({ connectionString: url, application_name: "bench" });
  await client.connect();
  const read = async <R extends object>(sql: string, values: unknown[] = []): Promise<R[]> => (await client.query<R>(sql, values)).rows;
  return {
    async counters() {
      const [row] = await read<Counters>(`
        select pg_snapshot_xmax(pg_current_snapshot())::text::float8 as writes,
          (select sum(xact_commit)::float8 from pg_stat_database) as commits,
          (select sum(fsyncs)::float8 from pg_stat_io where object = 'wal') as "walFsyncs",
          (pg_current_wal_insert_lsn() - '0/0')::float8 as "walBytes"`);
      return row!;
    },
    async settings() {
      const names = ["fsync", "synchronous_commit", "wal_sync_method"];
      const columns = names.map((name) => `current_setting('${name}') as ${name}`).join(", ");
      const [row] = await read<DatabaseSettings>(`select current_setting('server_version') as version, ${columns}`);
      return row!;
    },
    charges: () =>
      read(
        "select status, count(*)::integer as count, sum(amount_captured)::float8 as captured from charges group by status order by status",
      ),
    async batches(type, from) {
      const [row] = await read<Batches>(
        `select count(*)::integer as commits, avg(n)::float8 as mean, percentile_disc(0.5) within group (order by n)::integer as p50,
           percentile_disc(0.95) within group (order by n)::integer as p95, max(n)::integer as max
         from (select count(*) as n from events where type = $1 and xid::text::float8 >= $2 group by xid) b`,
        [type, from],
      );
      return row!;
    },
    close: () => client.end(),
  };
}

export function difference(before: Counters, after: Counters): Counters {
  return {
    writes: after.writes - before.writes,
    commits: after.commits - before.commits,
    walFsyncs: after.walFsyncs - before.walFsyncs,
    walBytes: after.walBytes - before.walBytes,
  };
}
