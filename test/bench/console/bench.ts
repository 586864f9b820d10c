/**
 * npm run bench:console: how long each page of the console waits for its data, with many charges in the database. Every request goes
 * over HTTP to the routes as they are, on a PostgreSQL as a local start has it. What was measured: docs/console.md.
 */

import type { AddressInfo } from "node:net";
import { availableParallelism, cpus } from "node:os";
import type { Principal } from "../../../gateway/http/route.ts";
import { createHttpApp } from "../../../gateway/http/server.ts";
import { createScratchPostgres } from "../../../gateway/local/scratch-postgres.ts";
import { openDatabase } from "../../../gateway/store/database.ts";
import { migrate } from "../../../gateway/store/migrate.ts";
import { explained } from "./explained.ts";
import { consoleReads, pageRequests, sampleCharge } from "./pages.ts";
import { seed } from "./seed.ts";

const DAYS = 30;
/** The first is cold in the database's cache and plans its statements; the sixth is where a generic plan may set in. */
const REPEATS = 12;
const LIMIT_MS = 300;

const charges = Number(process.argv[2] ?? 1_000_000);
if (!Number.isInteger(charges) || charges < 20_000) {
  process.stderr.write("usage: npm run bench:console -- [charges, 20000 or more; default 1000000]\n");
  process.exit(64);
}
const say = (line: string): void => void process.stderr.write(`${Math.round(performance.now() / 1_000)} s  ${line}\n`);
const scratch = await createScratchPostgres();
const postgres = await scratch.start();
try {
  process.exitCode = await measure(postgres.url);
} finally {
  await postgres.stop();
  await scratch.remove();
}

async function measure(url: string): Promise<number> {
  await migrate(url, () => {});
  const now = new Date();
  await seed(url, { charges, days: DAYS, endsAt: now }, say);
  const db = openDatabase({ url, maxConnections: 4, onIdleError: () => {} });
  const [size] = await db.query<{ size: string }>({
    name: "size",
    text: "select pg_size_pretty(pg_database_size(current_database())) as size",
  });
  const requests = pageRequests(now, DAYS, await sampleCharge(db));

  const watched = explained(db, url);
  const checking = serve(watched.db, now);
  for (const { path } of requests) await checking.get(path);
  checking.close();
  await watched.close();

  const { get, close } = serve(db, now);
  const times = new Map<string, number[]>();
  for (let round = 0; round < REPEATS; round++) {
    for (const { page, path } of requests) {
      const began = performance.now();
      await get(path);
      const key = `${page}\t${shown(path)}`;
      times.set(key, [...(times.get(key) ?? []), performance.now() - began]);
    }
  }
  close();
  await db.close();
  const [cpu] = cpus();
  process.stdout.write(
    `${charges} charges over ${DAYS} days, ${size?.size}; ${cpu?.model}, ${availableParallelism()} cores; Node ${process.version}\n\n`,
  );
  process.stdout.write("| page | request | median ms | slowest ms |\n| --- | --- | --- | --- |\n");
  for (const [key, of] of times) {
    const sorted = of.toSorted((a, b) => a - b);
    const [page, path] = key.split("\t");
    process.stdout.write(`| ${page} | \`${path}\` | ${sorted[Math.floor(of.length / 2)]?.toFixed(1)} | ${sorted.at(-1)?.toFixed(1)} |\n`);
  }
  for (const fault of [...watched.scans, ...watched.excesses]) process.stdout.write(`\n${fault}\n`);
  const slow = [...times.values()].some((of) => Math.max(...of) > LIMIT_MS);
  return slow || watched.scans.length + watched.excesses.length > 0 ? 1 : 0;
}

function serve(db: Parameters<typeof consoleReads>[0], now: Date) {
  const app = createHttpApp({
    routes: consoleReads(db, now),
    authenticate: async (): Promise<Principal> => ({ accountId: "acct_default", keyId: "1", role: "ops", actor: "key:1" }),
    log: { info: () => {}, error: () => {} },
    metrics: { observeRequest: () => {} },
    clock: { monotonic: () => 0 },
    newRequestId: () => "req_1",
    version: "bench",
  });
  const server = app.listen(0, "127.0.0.1");
  return {
    async get(path: string): Promise<void> {
      const { port } = server.address() as AddressInfo;
      const answer = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { Authorization: "Bearer ops" } });
      const text = await answer.text();
      if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${text.slice(0, 500)}`);
    },
    close: () => void server.close(),
  };
}

/** Without the times and ids of this run. */
function shown(path: string): string {
  return decodeURIComponent(path)
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "…")
    .replace(/(ch|at|pi)_[0-9a-z]+/g, "$1_…")
    .replace(/invoice-\d+/, "invoice-…");
}
