import { Gauge, type Registry } from "prom-client";
import type { Clock } from "../providers/contract/clock.ts";
import type { Database } from "./store/database.ts";
import { DEAD_LETTER_KINDS } from "./store/read-dead-letters.ts";
import { readOpenLetters, readWaiting, type Waiting } from "./store/waiting.ts";

type Read = (waiting: Waiting, nowMs: number) => number;

const GAUGES: readonly { readonly name: string; readonly help: string; readonly read: Read }[] = [
  { name: "charges", help: "Charges that are deferred or in doubt now, the same on every worker.", read: ({ count }) => Number(count) },
  { name: "amount", help: "What they come to, in the currency's smallest unit.", read: ({ amount }) => Number(amount) },
  {
    name: "oldest_seconds",
    help: "Age of the oldest of them.",
    read: ({ oldest }, nowMs) => Math.max(0, (nowMs - oldest.getTime()) / 1_000),
  },
];

/**
 * Revenue at risk and what waits for a person, read from the database at each scrape. Every worker says the same: take the maximum
 * over instances, not the sum. No values while the database cannot be asked, so that the other metrics still come.
 */
export function registerWaitingMetrics(registry: Registry, db: Database, clock: Pick<Clock, "now">): void {
  const registers = [registry];
  let reading: Promise<readonly Waiting[]> | null = null;
  // A scrape asks all gauges at once: one statement for the three.
  const read = (): Promise<readonly Waiting[]> => {
    reading ??= readWaiting(db, null)
      .catch(() => [])
      .finally(() => {
        reading = null;
      });
    return reading;
  };
  for (const { name, help, read: number } of GAUGES) {
    new Gauge({
      name: `switchyard_waiting_${name}`,
      help,
      labelNames: ["status", "currency"],
      registers,
      async collect() {
        const rows = await read();
        this.reset();
        for (const row of rows) this.set({ status: row.status, currency: row.currency }, number(row, clock.now()));
      },
    });
  }
  new Gauge({
    name: "switchyard_dead_letters_open",
    help: "What the machine gave up on and nobody has replayed or settled, the same on every worker.",
    labelNames: ["kind"],
    registers,
    async collect() {
      const rows = await readOpenLetters(db, null).catch(() => null);
      this.reset();
      if (rows === null) return;
      for (const kind of DEAD_LETTER_KINDS) this.set({ kind }, Number(rows.find((row) => row.kind === kind)?.count ?? 0n));
    },
  });
}
