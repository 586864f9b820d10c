import pg from "pg";

/**
 * The SQL seam: the product above it knows named, parameterised statements and two kinds of trouble.
 * `bigint` columns arrive as BigInt, `timestamptz` as Date, `jsonb` parsed.
 */
export interface Database {
  query<R extends object>(statement: Statement): Promise<R[]>;
  /** Several statements in one transaction. Never holds a network call (law 2). */
  transaction<T>(work: (query: Database["query"]) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export interface Statement {
  /** Prepared under this name, once per connection: one name, one text. */
  readonly name: string;
  readonly text: string;
  readonly values?: readonly unknown[];
  /** Planned anew each time, under no name: for a text with more shapes than a connection should keep plans of. */
  readonly unprepared?: true;
}

/** The statement was never sent: nothing happened. */
export class DatabaseUnavailable extends Error {
  override readonly name = "DatabaseUnavailable";
}

/** The connection was lost, or the server was stopped, during the statement: it may have been committed, or not. */
export class DatabaseAmbiguous extends Error {
  override readonly name = "DatabaseAmbiguous";
}

/** Milliseconds to wait for a free connection: beyond it the caller is told 503 and may come again. */
const CONNECT_TIMEOUT_MS = 5_000;
/** Milliseconds after which a statement's answer is given up (the connection is destroyed): ambiguous. */
const QUERY_TIMEOUT_MS = 15_000;

const types = new pg.TypeOverrides();
types.setTypeParser(pg.types.builtins.INT8, (text) => BigInt(text));

export function openDatabase(options: {
  url: string;
  maxConnections: number;
  onIdleError: (error: Error) => void;
  /** Milliseconds to wait for a free connection; default `CONNECT_TIMEOUT_MS`. */
  connectTimeoutMs?: number;
}): Database {
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.maxConnections,
    connectionTimeoutMillis: options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
    idleTimeoutMillis: 60_000,
    query_timeout: QUERY_TIMEOUT_MS,
    application_name: "switchyard",
    types,
  });
  pool.on("error", options.onIdleError);
  // The pool listens to idle connections only: one that is lost while it is lent out, between two statements of a transaction,
  // would end the process. Its next statement fails, which is all that anybody has to know.
  pool.on("connect", (client) => client.on("error", () => {}));

  async function connect(): Promise<pg.PoolClient> {
    try {
      return await pool.connect();
    } catch (cause) {
      throw new DatabaseUnavailable("no database connection", { cause });
    }
  }

  async function run<R extends object>(client: pg.PoolClient, statement: Statement): Promise<R[]> {
    try {
      const { name, text, values = [], unprepared } = statement;
      const result = await client.query<R>({ ...(unprepared ? {} : { name }), text, values: [...values] });
      return result.rows;
    } catch (error) {
      throw isDefinite(error) ? error : new DatabaseAmbiguous(`connection lost during ${statement.name}`, { cause: error });
    }
  }

  return {
    async query(statement) {
      const client = await connect();
      let broken: Error | undefined;
      try {
        return await run(client, statement);
      } catch (error) {
        if (error instanceof DatabaseAmbiguous) broken = error;
        throw error;
      } finally {
        client.release(broken);
      }
    },
    async transaction(work) {
      const client = await connect();
      let broken: Error | undefined;
      try {
        await run(client, { name: "begin", text: "begin" });
        const result = await work((statement) => run(client, statement));
        await run(client, { name: "commit", text: "commit" });
        return result;
      } catch (error) {
        if (error instanceof DatabaseAmbiguous) broken = error;
        else await client.query("rollback").catch((lost: Error) => (broken = lost));
        throw error;
      } finally {
        client.release(broken);
      }
    },
    close: () => pool.end(),
  };
}

/**
 * A server's own error with an SQLSTATE is definite: the statement rolled back. Not so class 08 (connection), 57P0x
 * (the server is being stopped, which may hit after the commit record) and 40003 (completion unknown).
 */
export function isDefinite(error: unknown): boolean {
  const code = sqlState(error);
  return code !== null && !code.startsWith("08") && !code.startsWith("57P") && code !== "40003";
}

/** The five-character SQLSTATE of a server error, or null. */
export function sqlState(error: unknown): string | null {
  return error instanceof pg.DatabaseError && error.code?.length === 5 ? error.code : null;
}

/** The constraint that a definite error names, or null. */
export function violatedConstraint(error: unknown): string | null {
  return error instanceof pg.DatabaseError ? (error.constraint ?? null) : null;
}
