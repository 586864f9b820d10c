import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Statement } from "../../gateway/store/database.ts";
import { MIGRATIONS_DIR } from "../../gateway/store/migrate.ts";
import { Backend } from "./backend.ts";

/** A real PostgreSQL in this process, migrated once and emptied between seeds. One connection: statements never overlap. */
export class Store {
  readonly #backend: Backend;
  #seeds = 0;
  statements = 0;

  private constructor(backend: Backend) {
    this.#backend = backend;
  }

  static async open(): Promise<Store> {
    const backend = await Backend.start();
    const store = new Store(backend);
    const migrations = readdirSync(MIGRATIONS_DIR)
      .filter((file) => /^\d{6}_.*\.sql$/.test(file))
      .sort();
    // Nothing of it outlives the process: no log.
    for (const file of migrations)
      await backend.script(readFileSync(join(MIGRATIONS_DIR, file), "utf8").replace(/^create table /gm, "create unlogged table "));
    // They keep the product from changing its trail; here the seeds before have to go.
    await backend.script("alter table events disable trigger user");
    await backend.script("set plan_cache_mode = force_generic_plan; set jit = off; set enable_seqscan = off; set synchronous_commit = off");
    return store;
  }

  /**
   * As it was after the migrations. Rows are deleted, because a truncate throws all plans away; now and then the files are emptied too.
   * What a seed sees is the same either way: `sql.ts` puts into order what the product does not order itself.
   */
  async empty(): Promise<void> {
    this.#seeds += 1;
    const empty =
      this.#seeds % SEEDS_PER_TRUNCATE === 0
        ? `truncate ${FILLED.join(", ")} cascade`
        : FILLED.map((table) => `delete from ${table}`).join("; ");
    await this.#backend.script(`${empty};
      alter sequence events_id_seq restart;
      update drain_pace set granted_at = 'epoch', state = '{}'`);
  }

  async query<R extends object>(statement: Statement): Promise<R[]> {
    this.statements += 1;
    return this.#backend.query(statement.text, statement.values ?? []) as R[];
  }

  close(): Promise<void> {
    return this.#backend.close();
  }
}

const SEEDS_PER_TRUNCATE = 50;

/** What a seed can leave, each before what it refers to. */
const FILLED = [
  "declined_attempts",
  "events",
  "dead_letters",
  "idempotency_keys",
  "operations",
  "attempts",
  "charges",
  "provider_overrides",
  "provider_accounts",
];
