import type { Answer, World } from "../processor.ts";
import type { Table } from "../table.ts";

const MAX_REQUESTS = 200_000;
const PRUNE_EVERY = 1_000;

/** What a request id stands for: the object whose latest state a replay shows, or the final answer of a decline. */
export type Kept = (
  | { readonly kind: "object"; readonly of: "order" | "capture" | "authorization" | "refund"; readonly id: string }
  | { readonly kind: "answer"; readonly status: number; readonly body: string }
) & { readonly expiresAt: number };

/** PayPal's idempotency: a replay shows the latest state; a request that was refused leaves nothing behind. */
export class KeptRequests {
  readonly #world: World;
  readonly #kept: Table<Kept>;
  readonly #running = new Map<string, number>();
  #sincePrune = 0;

  constructor(world: World) {
    this.#world = world;
    this.#kept = world.tables.create("paypal.requests", MAX_REQUESTS);
  }

  get(id: string): Kept | null {
    const kept = this.#kept.get(id);
    return kept && kept.expiresAt > this.#world.now() ? kept : null;
  }

  keepObject(id: string, of: (Kept & { kind: "object" })["of"], object: string, forMs: number): void {
    this.#keep(id, { kind: "object", of, id: object, expiresAt: this.#world.now() + forMs });
  }

  keepAnswer(id: string, answer: Answer, forMs: number): void {
    this.#keep(id, { kind: "answer", status: answer.status, body: answer.body, expiresAt: this.#world.now() + forMs });
  }

  isRunning(id: string): boolean {
    return this.#running.has(id);
  }

  enter(id: string): void {
    this.#running.set(id, (this.#running.get(id) ?? 0) + 1);
  }

  leave(id: string): void {
    const left = (this.#running.get(id) ?? 0) - 1;
    if (left > 0) this.#running.set(id, left);
    else this.#running.delete(id);
  }

  reset(): void {
    this.#running.clear();
  }

  #keep(id: string, kept: Kept): void {
    this.#kept.put(id, kept);
    this.#sincePrune += 1;
    if (this.#sincePrune < PRUNE_EVERY) return;
    this.#sincePrune = 0;
    // Lifetimes differ, so that the oldest need not be the first to expire: the bound of the table does the rest.
    for (const [oldest, { expiresAt }] of this.#kept.entries()) {
      if (expiresAt > this.#world.now()) return;
      this.#kept.delete(oldest);
    }
  }
}
