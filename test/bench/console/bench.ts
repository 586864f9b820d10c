/**
 * npm run bench:console [-- CHARGES]: how long each page of the console waits for its data, with many charges in the database: over HTTP,
 * the routes as they are, on a PostgreSQL as a local start has it. What was measured: docs/console.md.
 */
import { createScratchPostgres } from "../../../gateway/local/scratch-postgres.ts";
import { migrate } from "../../../gateway/store/migrate.ts";
import { measurePages } from "./measure.ts";
import { seed } from "./seed.ts";

const charges = Number(process.argv[2] ?? 1_000_000);
if (!Number.isInteger(charges) || charges < 20_000) {
  process.stderr.write("usage: npm run bench:console -- [charges, 20000 or more; default 1000000]\n");
  process.exit(64);
}
const say = (line: string): void => void process.stderr.write(`${Math.round(performance.now() / 1_000)} s  ${line}\n`);
const scratch = await createScratchPostgres();
const postgres = await scratch.start();
try {
  await migrate(postgres.url, () => {});
  const seeded = { charges, days: 30, endsAt: new Date() };
  await seed(postgres.url, seeded, say);
  const { text, ok } = await measurePages(postgres.url, seeded);
  process.stdout.write(`${text}\n`);
  if (!ok) process.exitCode = 1;
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
  process.exitCode = 1;
} finally {
  await postgres.stop();
  await scratch.remove();
}
