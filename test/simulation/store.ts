import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import pg from "pg";
import { MIGRATIONS_DIR } from "../../gateway/store/migrate.ts";
import type { Statement } from "../../gateway/store/database.ts";

const INT8 = 20;
const BYTEA = 17;

/** A real PostgreSQL in this process, migrated once and emptied between seeds. One connection: statements never overlap. */
export class Store {
  readonly #pglite: PGlite;
  #tables = "";
  statements = 0;

  private constructor(pglite: PGlite) {
    this.#pglite = pglite;
  }

  static async open(): Promise<Store> {
    const pglite = await PGlite.create({
      parsers: { [INT8]: (text: string) => BigInt(text), [BYTEA]: (text: string) => Buffer.from(text.slice(2), "hex") },
    });
    const store = new Store(pglite);
    const migrations = readdirSync(MIGRATIONS_DIR).filter((file) => /^\d{6}_.*\.sql$/.test(file)).sort();
    for (const file of migrations) await pglite.exec(readFileSync(join(MIGRATIONS_DIR, file), "utf8"));
    const { rows } = await pglite.query<{ name: string }>(
      "select relname as name from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace order by relname",
    );
    store.#tables = rows.map(({ name }) => name).filter((name) => !KEPT.has(name)).join(", ");
    return store;
  }

  /** As it was after the migrations: also the tables' files, so that plans, and with them the order of rows, are the same for each seed. */
  async empty(): Promise<void> {
    await this.#pglite.exec(`set session_replication_role = replica;
      truncate ${this.#tables} restart identity;
      update drain_pace set granted_at = 'epoch', state = '{}';
      set session_replication_role = origin`);
  }

  async query<R extends object>(statement: Statement): Promise<R[]> {
    this.statements += 1;
    try {
      return (await this.#pglite.query<R>(statement.text, [...(statement.values ?? [])])).rows;
    } catch (error) {
      throw serverError(error);
    }
  }

  close(): Promise<void> {
    return this.#pglite.close();
  }
}

/** Filled by the migrations. */
const KEPT = new Set(["accounts", "drain_pace", "trail_head", "trail_checks"]);

/** As `pg` throws it: that is what the product looks at. */
function serverError(error: unknown): unknown {
  const { code, constraint, message } = error as { code?: string; constraint?: string; message?: string };
  return code === undefined ? error : databaseError(code, message ?? code, constraint);
}

export function databaseError(code: string, message: string, constraint?: string): pg.DatabaseError {
  const error = new pg.DatabaseError(message, message.length, "error");
  error.code = code;
  error.constraint = constraint;
  return error;
}
