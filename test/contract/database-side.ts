import { type AddressInfo, createConnection, createServer } from "node:net";
import { type Database, openDatabase, type Statement } from "../../gateway/store/database.ts";
import { Coverage } from "../simulation/coverage.ts";
import { connect, Server } from "../simulation/sql.ts";
import { Store } from "../simulation/store.ts";
import type { SqlFault } from "../simulation/weather.ts";
import { createTestDatabase } from "../support/database.ts";
import { VirtualTime } from "./virtual-time.ts";

/** One side of the SQL seam, and how to get it into trouble. */
export interface DatabaseSide {
  readonly db: Database;
  /** Meets a connection that does not come up. */
  unavailable(statement: Statement): Promise<unknown>;
  /** Meets the end of its connection while it runs; it is not executed. */
  lost(): Promise<unknown>;
  /** Meets the end of its connection when it is committed, and before that is known. */
  lostAfter(statement: Statement): Promise<unknown>;
  /** Is rolled back because of what others do at the same time. */
  conflict(): Promise<unknown>;
  close(): Promise<void>;
}

/** The product's pool on a real server. */
export async function realDatabase(): Promise<DatabaseSide> {
  const { url, drop } = await createTestDatabase();
  const open = (to: string) => openDatabase({ url: to, maxConnections: 2, onIdleError: () => {} });
  const db = open(url);
  const nowhere = new URL(url);
  nowhere.port = "9";
  const dead = open(nowhere.href);
  const wire = await cuttable(new URL(url));
  const far = open(wire.url);
  const conflict = "do $$ begin raise exception 'could not serialize' using errcode = '40001'; end $$";
  return {
    db,
    unavailable: (statement) => dead.query(statement),
    lost: () => db.query({ name: "end_own_session", text: "select pg_terminate_backend(pg_backend_pid())" }),
    async lostAfter(statement) {
      await far.query({ name: "connects", text: "select 1" });
      wire.cutNextAnswer();
      return far.query(statement);
    },
    conflict: () => db.query({ name: "conflict", text: conflict }),
    async close() {
      await Promise.all([db.close(), dead.close(), far.close()]);
      wire.close();
      await drop();
    },
  };
}

/** The way to a server, which can be cut when an answer is on it: PostgreSQL answers after it has committed. */
async function cuttable(server: URL): Promise<{ url: string; cutNextAnswer(): void; close(): void }> {
  let cut = false;
  const listener = createServer((near) => {
    const far = createConnection(Number(server.port), server.hostname);
    near.on("data", (bytes) => far.write(bytes));
    far.on("data", (bytes) => {
      if (!cut) near.write(bytes);
      else near.destroy();
    });
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const)
      one.on("error", () => {}).on("close", () => other.destroy());
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const url = new URL(server);
  url.host = `127.0.0.1:${(listener.address() as AddressInfo).port}`;
  return {
    url: url.href,
    cutNextAnswer() {
      cut = true;
    },
    close: () => listener.close(),
  };
}

/** The simulator's connection, on virtual time. */
export async function simulatedDatabase(): Promise<DatabaseSide> {
  const store = await Store.open();
  const time = new VirtualTime();
  const { world, weather, machine } = time;
  const server = new Server({ world, weather, coverage: new Coverage(), store, watcher: { applied() {} } });
  const connection = connect(server, machine, (statement) => statement);
  const db: Database = { ...connection, query: (statement) => time.settled(connection.query(statement)) };
  const struck = async (fault: SqlFault, statement: Statement): Promise<unknown> => {
    weather.sql = fault;
    try {
      return await db.query(statement);
    } finally {
      weather.sql = null;
    }
  };
  const any = { name: "any", text: "select 1 as one" };
  return {
    db,
    unavailable: (statement) => struck("unavailable", statement),
    lost: () => struck("lost_before", any),
    lostAfter: (statement) => struck("lost_after", statement),
    conflict: () => struck("conflict", any),
    close: () => store.close(),
  };
}
