/**
 * npm run schema: writes migrations/schema.sql from a freshly migrated database.
 * With --check: compares instead, prints what differs, and exits 1.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readIfThere } from "../local/data-dir.ts";
import { createScratchPostgres } from "../local/scratch-postgres.ts";
import { MIGRATIONS_DIR, migrate } from "../store/migrate.ts";
import { diffLines } from "./diff-lines.ts";
import { dumpSchema } from "./schema-dump.ts";

const SCHEMA_FILE = join(MIGRATIONS_DIR, "schema.sql");

const expected = await freshSchema();
if (!process.argv.includes("--check")) {
  await writeFile(SCHEMA_FILE, expected);
  console.log(`${SCHEMA_FILE}: ${expected.split("\n").length} lines`);
} else {
  const differences = diffLines((await readIfThere(SCHEMA_FILE)) ?? "", expected);
  if (differences.length > 0) {
    console.error(`migrations/schema.sql is not what the migrations make (npm run schema writes it anew):\n${differences.join("\n")}`);
    process.exitCode = 1;
  }
}

async function freshSchema(): Promise<string> {
  const scratch = await createScratchPostgres();
  try {
    const server = await scratch.start();
    await migrate(server.url, () => {});
    const schema = await dumpSchema(server.url);
    await server.stop();
    return schema;
  } finally {
    await scratch.remove();
  }
}
