import { type Database, openDatabase } from "../../../../gateway/store/database.ts";
import { createTestDatabase } from "../../../support/database.ts";

/** One connection to the server, spoken to through the product's own seam. */
export interface Session {
  readonly db: Database;
  readonly pid: number;
  /** Closes the connection before the stage does. */
  end(): Promise<void>;
}

/** A transaction that did its work and is not over: its locks, rows and keys are there, and nobody else sees what it wrote. */
export interface Held<T> {
  readonly result: T;
  commit(): Promise<void>;
  rollback(): Promise<void>;
}

/** A database of its own with any number of connections: the order of what they do is forced, and seen in `pg_blocking_pids`. */
export interface Stage {
  /** Looks on, and sets the scene. */
  readonly db: Database;
  session(): Promise<Session>;
  /** Runs `work` in a transaction of `session` and leaves it open. */
  hold<T>(session: Session, work: (db: Database) => Promise<T>): Promise<Held<T>>;
  /** Rolls back what a failed test left open: it would only hide which test failed. */
  rest(): Promise<void>;
  /** Resolves once `session` waits for a lock of `other`; rejects if what it runs ends without having waited. */
  waits(running: Promise<unknown>, session: Session, other: Session): Promise<void>;
  /** What `session` runs, which must not wait for anybody. */
  passes<T>(running: Promise<T>, session: Session): Promise<T>;
  /** Rows of a query of the test's own. */
  rows<R extends object>(text: string, ...values: unknown[]): Promise<R[]>;
  close(): Promise<void>;
}

class RolledBack extends Error {
  override readonly name = "RolledBack";
}

export async function openStage(): Promise<Stage> {
  const database = await createTestDatabase();
  const stage = openStageOn(database.url);
  return {
    ...stage,
    async close() {
      await stage.close();
      await database.drop();
    },
  };
}

/** On a migrated database of the caller's. */
export function openStageOn(url: string): Stage {
  const opened = new Set<Database>();
  const open: Pick<Held<unknown>, "rollback">[] = [];
  function connect(maxConnections: number): Database {
    const db = openDatabase({ url, maxConnections, onIdleError: () => {}, connectTimeoutMs: 60_000 });
    opened.add(db);
    return db;
  }
  const db = connect(2);
  const rows: Stage["rows"] = (text, ...values) => db.query({ name: "", text, values });

  async function blockers({ pid }: Session): Promise<readonly number[]> {
    const [row] = await rows<{ by: number[] }>("select pg_blocking_pids($1) as by", pid);
    return row?.by ?? [];
  }

  return {
    db,
    rows,
    async session() {
      const own = connect(1);
      const [row] = await own.query<{ pid: number }>({ name: "", text: "select pg_backend_pid() as pid" });
      return {
        db: own,
        pid: row?.pid ?? 0,
        async end() {
          opened.delete(own);
          await own.close();
        },
      };
    },
    async hold(session, work) {
      const held = await hold(session, work);
      open.push(held);
      return held;
    },
    async rest() {
      await Promise.all(open.splice(0).map((held) => held.rollback()));
    },
    async waits(running, session, other) {
      const ended = settled(running);
      for (;;) {
        if ((await blockers(session)).includes(other.pid)) return;
        if (ended()) throw new Error("it ended, and should have waited");
      }
    },
    async passes(running, session) {
      const ended = settled(running);
      while (!ended()) {
        const by = await blockers(session);
        if (by.length > 0) throw new Error(`it waits for ${by.join()}, and should have passed`);
      }
      return running;
    },
    async close() {
      await Promise.all([...opened].map((one) => one.close()));
    },
  };
}

async function hold<T>(session: Session, work: (db: Database) => Promise<T>): Promise<Held<T>> {
  const worked = Promise.withResolvers<T>();
  const end = Promise.withResolvers<void>();
  const over = session.db.transaction(async (query) => {
    worked.resolve(await work({ ...session.db, query }));
    await end.promise;
  });
  over.catch(worked.reject);
  return {
    result: await worked.promise,
    commit() {
      end.resolve();
      return over;
    },
    async rollback() {
      // A transaction that is over stays as it ended.
      end.reject(new RolledBack());
      await over.catch((error: unknown) => {
        if (!(error instanceof RolledBack)) throw error;
      });
    },
  };
}

/** Whether it is over, however; a rejection that comes before anybody awaits it is nobody's fault. */
function settled(running: Promise<unknown>): () => boolean {
  let over = false;
  const end = () => {
    over = true;
  };
  running.then(end, end);
  return () => over;
}
