import pg from "pg";
import { type Database, openDatabase } from "../../../gateway/store/database.ts";
import { sealEvents } from "../../../gateway/store/seal-events.ts";
import { createTestDatabase } from "../../support/database.ts";

/** The columns of an event that a test cares about; the rest is filled in. */
export interface EventFields {
  at?: Date;
  account?: string;
  type?: string;
  actor?: string;
  charge?: string | null;
  attempt?: string | null;
  provider?: string | null;
  amount?: bigint | null;
  currency?: string | null;
  from?: string | null;
  to?: string | null;
  outcome?: string | null;
  latency?: number | null;
  data?: object;
}

export const AT = new Date("2026-03-01T12:00:30.123Z");

/** Writes one event; answers its id. */
export async function insertEvent(on: pg.Client, event: EventFields = {}): Promise<bigint> {
  const { rows } = await on.query<{ id: string }>(
    `insert into events (at, account_id, type, actor, charge_id, attempt_id, provider, amount, currency, from_status, to_status, outcome, latency_ms, data)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) returning id`,
    [
      event.at ?? AT,
      event.account ?? "acct_default",
      event.type ?? "charge.succeeded",
      event.actor ?? "system:engine",
      event.charge === undefined ? "ch_1" : event.charge,
      event.attempt ?? null,
      event.provider === undefined ? "stripe" : event.provider,
      event.amount === undefined ? 4200n : event.amount,
      event.currency === undefined ? "usd" : event.currency,
      event.from ?? null,
      event.to ?? null,
      event.outcome ?? null,
      event.latency ?? null,
      JSON.stringify(event.data ?? {}),
    ],
  );
  return BigInt(rows[0]!.id);
}

export interface Trail {
  readonly url: string;
  readonly db: Database;
  /** A connection of its own, to hold transactions open on. */
  connect(): Promise<pg.Client>;
  /** Seals until there is nothing left; answers the ids of all sealed events, by number. */
  sealAll(batch?: number): Promise<bigint[]>;
  sealedIds(): Promise<bigint[]>;
  close(): Promise<void>;
}

export async function openTrail(): Promise<Trail> {
  const database = await createTestDatabase();
  const db = openDatabase({ url: database.url, maxConnections: 5, onIdleError: () => {}, connectTimeoutMs: 60_000 });
  const clients: pg.Client[] = [];
  async function sealedIds(): Promise<bigint[]> {
    const rows = await db.query<{ event_id: bigint }>({ name: "test_sealed", text: "select event_id from event_seals order by seq" });
    return rows.map((row) => row.event_id);
  }
  return {
    url: database.url,
    db,
    async connect() {
      const client = new pg.Client({ connectionString: database.url });
      client.on("error", () => {});
      await client.connect();
      clients.push(client);
      return client;
    },
    async sealAll(batch) {
      for (;;) {
        const { more } = await sealEvents(db, AT, batch);
        if (!more) return sealedIds();
      }
    },
    sealedIds,
    async close() {
      await Promise.all(clients.map((client) => client.end()));
      await db.close();
      await database.drop();
    },
  };
}

/** Superuser's work: past the trigger that keeps the trail append-only. */
export async function tamper(on: pg.Client, sql: string): Promise<void> {
  await on.query("set session_replication_role = replica");
  await on.query(sql);
  await on.query("set session_replication_role = origin");
}

/** The seam over one connection, whose transaction the test holds: what it sees can be rolled back. */
export function within(client: pg.Client): Database {
  return {
    query: async (statement) =>
      (await client.query({ text: statement.text, values: [...(statement.values ?? [])], types: BIGINT_TYPES })).rows,
    transaction: (work) => work(within(client).query),
    close: async () => {},
  };
}

const BIGINT_TYPES = new pg.TypeOverrides();
BIGINT_TYPES.setTypeParser(pg.types.builtins.INT8, (text) => BigInt(text));
