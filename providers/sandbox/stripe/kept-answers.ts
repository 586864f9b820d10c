import { hash } from "node:crypto";
import type { Answer, World } from "../processor.ts";
import type { Table } from "../table.ts";
import { keyInUse, keyReused } from "./error.ts";

const KEEP_MS = 24 * 3_600_000; // Stripe may prune a key after 24 hours; then the same key is a new request
const MAX_KEYS = 200_000;
const PRUNE_EVERY = 1_000;

interface Kept {
  readonly path: string;
  readonly fingerprint: string;
  readonly status: number;
  readonly body: string;
  readonly at: number;
}

/** Stripe's idempotency: the first answer of a key, once its execution began, is the answer forever (24 hours). */
export class KeptAnswers {
  readonly #world: World;
  readonly #kept: Table<Kept>;
  readonly #running = new Map<string, number>();
  #sincePrune = 0;

  constructor(world: World) {
    this.#world = world;
    this.#kept = world.tables.create("stripe.keys", MAX_KEYS);
  }

  /** The answer that this request gets without being executed, if any. `id` is account and key. */
  answer(id: string, key: string, path: string, body: string): Answer | null {
    if (this.#running.has(id)) return keyInUse(key);
    const kept = this.#kept.get(id);
    if (!kept || this.#world.now() - kept.at >= KEEP_MS) return null;
    if (kept.path !== path) return keyReused(key, "endpoint");
    if (kept.fingerprint !== fingerprint(body)) return keyReused(key, "parameters");
    return { status: kept.status, body: kept.body, headers: { "idempotent-replayed": "true" }, executed: false };
  }

  keep(id: string, path: string, body: string, answer: Answer): void {
    this.#kept.put(id, { path, fingerprint: fingerprint(body), status: answer.status, body: answer.body, at: this.#world.now() });
    this.#sincePrune += 1;
    if (this.#sincePrune >= PRUNE_EVERY) this.#prune();
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

  #prune(): void {
    this.#sincePrune = 0;
    const expired = this.#world.now() - KEEP_MS;
    for (const [id, kept] of this.#kept.entries()) {
      if (kept.at > expired) return;
      this.#kept.delete(id);
    }
  }
}

/** The same parameters in another order are the same request. */
function fingerprint(body: string): string {
  return hash("sha1", body.split("&").sort().join("&"));
}
