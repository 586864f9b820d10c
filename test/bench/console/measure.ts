import { availableParallelism, cpus } from "node:os";
import { listen } from "../../../gateway/http/listen.ts";
import type { Principal } from "../../../gateway/http/route.ts";
import { createHttpApp } from "../../../gateway/http/server.ts";
import { type Database, openDatabase } from "../../../gateway/store/database.ts";
import { explained } from "./explained.ts";
import { consoleReads, type PageRequest, pageRequests, sampleCharge } from "./pages.ts";

/** The first is cold in the database's cache and plans its statements; from the sixth on a generic plan may set in. */
const REPEATS = 12;
const LIMIT_MS = 300;
/** What waits is added up one by one, and of the charges of seed.ts half a percent waits. */
const MOST_ROWS_SHARE = 0.006;

export interface Measured {
  /** Markdown. */
  readonly text: string;
  /** Every request below the limit, and nothing read whole. */
  readonly ok: boolean;
}

/** Times each request of each page, over HTTP and one after another, on a seeded database. */
export async function measurePages(url: string, seeded: { charges: number; days: number; endsAt: Date }): Promise<Measured> {
  const db = openDatabase({ url, maxConnections: 4, onIdleError: () => {} });
  try {
    const requests = pageRequests(seeded.endsAt, seeded.days, await sampleCharge(db));
    const times = await timesOf(db, requests, seeded.endsAt);
    const faults = await faultsOf(db, { url, requests, ...seeded });
    const [size] = await db.query<{ size: string }>({
      name: "size",
      text: "select pg_size_pretty(pg_database_size(current_database())) as size",
    });
    const [cpu] = cpus();
    const machine = `${cpu?.model}, ${availableParallelism()} cores, Node ${process.version}`;
    const rows = [...times].map(([request, of]) => rowOf(request, of));
    const text = [
      `${seeded.charges} charges over ${seeded.days} days, ${size?.size}; ${machine}`,
      "",
      "| page | request | median ms | slowest ms |",
      "| --- | --- | --- | --- |",
      ...rows,
      ...faults.map((fault) => `\n${fault}`),
    ];
    const slow = [...times.values()].some((of) => Math.max(...of) > LIMIT_MS);
    return { text: text.join("\n"), ok: !slow && faults.length === 0 };
  } finally {
    await db.close();
  }
}

async function timesOf(db: Database, requests: readonly PageRequest[], now: Date): Promise<Map<PageRequest, number[]>> {
  const { get, close } = await serve(db, now);
  const times = new Map<PageRequest, number[]>(requests.map((request) => [request, []]));
  for (let round = 0; round < REPEATS; round++) {
    for (const [request, of] of times) {
      const began = performance.now();
      await get(request.path);
      of.push(performance.now() - began);
    }
  }
  await close();
  return times;
}

async function faultsOf(
  db: Database,
  { url, requests, charges, endsAt }: { url: string; requests: readonly PageRequest[]; charges: number; endsAt: Date },
): Promise<string[]> {
  const watched = explained(db, url, charges * MOST_ROWS_SHARE);
  const { get, close } = await serve(watched.db, endsAt);
  for (const { path } of requests) await get(path);
  await close();
  await watched.close();
  return [...watched.scans, ...watched.excesses];
}

function rowOf({ page, path }: PageRequest, of: readonly number[]): string {
  const sorted = of.toSorted((a, b) => a - b);
  return `| ${page} | \`${shown(path)}\` | ${sorted[Math.floor(of.length / 2)]?.toFixed(1)} | ${sorted.at(-1)?.toFixed(1)} |`;
}

async function serve(db: Database, now: Date) {
  const app = createHttpApp({
    routes: consoleReads(db, now),
    authenticate: async (): Promise<Principal> => ({ accountId: "acct_default", keyId: "1", role: "ops", actor: "key:1" }),
    log: { info: () => {}, error: () => {} },
    metrics: { observeRequest: () => {} },
    clock: { monotonic: () => 0 },
    newRequestId: () => "req_1",
    version: "bench",
  });
  const server = await listen(app, { host: "127.0.0.1", port: 0 });
  return {
    async get(path: string): Promise<void> {
      const answer = await fetch(`http://127.0.0.1:${server.port}${path}`, { headers: { Authorization: "Bearer ops" } });
      const text = await answer.text();
      if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${text.slice(0, 500)}`);
    },
    close: () => server.close(0),
  };
}

/** Without the times and ids of this run. */
function shown(path: string): string {
  return decodeURIComponent(path)
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "…")
    .replace(/(ch|at|pi)_[0-9a-z]+/g, "$1_…")
    .replace(/invoice-\d+/, "invoice-…");
}
