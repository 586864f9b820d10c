import type { Operation, ProviderName } from "./fault.ts";

/** A request that reached a server. */
export interface RequestRecord {
  readonly provider: ProviderName;
  readonly operation: Operation | "other";
  readonly method: string;
  readonly path: string;
  readonly idempotencyKey: string | null;
  /** The operation ran to its end; false for refusals, replays and faults before execution. */
  executed: boolean;
  /** Milliseconds since 1970. */
  readonly at: number;
}

const MAX_RECORDS = 20_000;

/** The last 20,000 requests, oldest first. */
export class RequestLog {
  #records: RequestRecord[] = [];
  #oldest = 0;

  add(record: RequestRecord): void {
    if (this.#records.length < MAX_RECORDS) {
      this.#records.push(record);
      return;
    }
    this.#records[this.#oldest] = record;
    this.#oldest = (this.#oldest + 1) % MAX_RECORDS;
  }

  all(): RequestRecord[] {
    return [...this.#records.slice(this.#oldest), ...this.#records.slice(0, this.#oldest)].map((record) => ({ ...record }));
  }

  clear(): void {
    this.#records = [];
    this.#oldest = 0;
  }
}
