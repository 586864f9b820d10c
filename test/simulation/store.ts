import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import pg from "pg";
import type { Statement } from "../../gateway/store/database.ts";
import { MIGRATIONS_DIR } from "../../gateway/store/migrate.ts";

const INT8 = 20;
const BYTEA = 17;

/** A real PostgreSQL in this process, migrated once and emptied between seeds. One connection: statements never overlap. */
export class Store {
  readonly #pglite: PGlite;
  #tables: readonly string[] = [];
  #seeds = 0;
  readonly #prepared = new Map<string, string>();
  statements = 0;

  private constructor(pglite: PGlite) {
    this.#pglite = pglite;
  }

  static async open(): Promise<Store> {
    const pglite = await PGlite.create({
      parsers: { [INT8]: (text: string) => BigInt(text), [BYTEA]: (text: string) => Buffer.from(text.slice(2), "hex") },
    });
    const store = new Store(pglite);
    const migrations = readdirSync(MIGRATIONS_DIR)
      .filter((file) => /^\d{6}_.*\.sql$/.test(file))
      .sort();
    for (const file of migrations) await pglite.exec(readFileSync(join(MIGRATIONS_DIR, file), "utf8"));
    const { rows } = await pglite.query<{ name: string }>(
      "select relname as name from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace order by relname",
    );
    store.#tables = rows.map(({ name }) => name).filter((name) => !KEPT.has(name));
    await pglite.exec("set plan_cache_mode = force_generic_plan; set jit = off; set enable_seqscan = off");
    return store;
  }

  /**
   * As it was after the migrations. Rows are deleted, because a truncate throws all plans away; now and then the files are emptied too.
   * What a seed sees is the same either way: `sql.ts` puts into order what the product does not order itself.
   */
  async empty(): Promise<void> {
    this.#seeds += 1;
    const empty =
      this.#seeds % SEEDS_PER_TRUNCATE === 1
        ? `truncate ${this.#tables.join(", ")}`
        : this.#tables.map((table) => `delete from ${table}`).join("; ");
    await this.#pglite.exec(`set session_replication_role = replica; ${empty};
      alter sequence events_id_seq restart;
      update drain_pace set granted_at = 'epoch', state = '{}';
      set session_replication_role = origin`);
  }

  /** Prepared once per text, and executed by the simple protocol: five times as fast as PGlite's own way with parameters. */
  async query<R extends object>(statement: Statement): Promise<R[]> {
    this.statements += 1;
    const values = statement.values ?? [];
    try {
      let prepared = this.#prepared.get(statement.text);
      if (prepared === undefined) {
        prepared = `s${this.#prepared.size}`;
        await this.#pglite.exec(`prepare ${prepared} as ${statement.text}`);
        this.#prepared.set(statement.text, prepared);
      }
      const [result] = await this.#pglite.exec(`execute ${prepared}${values.length > 0 ? `(${values.map(literal).join(", ")})` : ""}`);
      return (result?.rows ?? []) as R[];
    } catch (error) {
      throw serverError(error);
    }
  }

  close(): Promise<void> {
    return this.#pglite.close();
  }
}

const SEEDS_PER_TRUNCATE = 20;

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

function literal(value: unknown): string {
  if (value === null || value === undefined) return "null";
  if (typeof value === "number" || typeof value === "bigint" || typeof value === "boolean") return `${value}`;
  if (value instanceof Date) return quoted(value.toISOString());
  if (Buffer.isBuffer(value)) return quoted(`\\x${value.toString("hex")}`);
  if (Array.isArray(value)) return quoted(`{${value.map((one) => `"${String(one).replace(/["\\]/g, "\\$&")}"`).join(",")}}`);
  return quoted(typeof value === "string" ? value : JSON.stringify(value));
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
