import { closeSync, createReadStream, existsSync, mkdirSync, openSync, renameSync, rmSync, statSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { createInterface } from "node:readline";

const COMPACT_FLOOR_BYTES = 32 * 1024 * 1024; // below this, rewriting costs more than it saves
const COMPACT_GROWTH = 2;
const WRITE_BYTES = 1024 * 1024;

type Line = [table: string, key: string, row: unknown];

/**
 * The state file: one JSON line per changed row, written before the answer leaves, so that what the sandbox answered it
 * still knows after `kill -9` (no fsync: a lost machine may lose it). Rewritten whole, by rename, at start and when it has
 * grown. One write per request costs some 5 microseconds; saving the whole state each time would cost its whole size.
 */
export class Journal {
  readonly #path: string;
  #file: number | null = null;
  #pending = "";
  #bytes = 0;
  #compactAt = COMPACT_FLOOR_BYTES;

  constructor(path: string) {
    this.#path = path;
  }

  /** Replays the file. A last line that was cut off by a crash is dropped. */
  async load(restore: (...line: Line) => void): Promise<void> {
    if (!existsSync(this.#path)) return;
    const lines = createInterface({ input: createReadStream(this.#path, "utf8"), crlfDelay: Number.POSITIVE_INFINITY });
    let number = 0;
    let damaged = 0;
    for await (const line of lines) {
      number += 1;
      if (damaged > 0) throw new Error(`${this.#path}: line ${damaged} is damaged; remove the file to start afresh`);
      const parsed = parseLine(line);
      if (parsed) restore(...parsed);
      else damaged = number;
    }
  }

  append(table: string, key: string, row: unknown): void {
    this.#pending += `${JSON.stringify([table, key, row])}\n`;
  }

  /** Writes what was appended; called before an answer leaves. */
  flush(rows: () => Iterable<Line>): void {
    if (this.#pending === "" || this.#file === null) return;
    this.#bytes += writeSync(this.#file, this.#pending);
    this.#pending = "";
    if (this.#bytes > this.#compactAt) this.rewrite(rows());
  }

  /** Replaces the file by the given rows. */
  rewrite(rows: Iterable<Line>): void {
    mkdirSync(dirname(this.#path), { recursive: true });
    const next = `${this.#path}.tmp`;
    rmSync(next, { force: true });
    const file = openSync(next, "a", 0o600);
    let chunk = "";
    for (const row of rows) {
      chunk += `${JSON.stringify(row)}\n`;
      if (chunk.length < WRITE_BYTES) continue;
      writeSync(file, chunk);
      chunk = "";
    }
    writeSync(file, chunk);
    renameSync(next, this.#path);
    if (this.#file !== null) closeSync(this.#file);
    this.#file = file;
    this.#pending = "";
    this.#bytes = statSync(this.#path).size;
    this.#compactAt = Math.max(COMPACT_FLOOR_BYTES, this.#bytes * COMPACT_GROWTH);
  }

  close(): void {
    if (this.#file !== null) closeSync(this.#file);
    this.#file = null;
  }
}

function parseLine(line: string): Line | null {
  try {
    const parsed: unknown = JSON.parse(line);
    return Array.isArray(parsed) && parsed.length === 3 ? (parsed as Line) : null;
  } catch {
    return null;
  }
}
