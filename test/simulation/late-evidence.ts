import type { AttemptPatch } from "../../gateway/store/write-transitions.ts";

/**
 * What processors said about attempts that were given up: the gateway has to look, and to make it good, before anything new is begun.
 * Followed as the database has it: only a look that settles what became of the money ends it, and only if the evidence did not come
 * during that look.
 */
export class LateEvidence {
  readonly #closed = new Set<string>();
  /** Given up in doubt (authorize_first): they move no money, and hold nothing back. */
  readonly #orphans = new Set<string>();
  /** When each attempt that evidence came about is looked at next. */
  readonly #dueAt = new Map<string, number | null>();
  readonly #open = new Set<string>();
  readonly #onEvident: (attemptId: string) => void;

  constructor(onEvident: (attemptId: string) => void) {
    this.#onEvident = onEvident;
  }

  isClosed(attemptId: string): boolean {
    return this.#closed.has(attemptId);
  }

  isOrphan(attemptId: string): boolean {
    return this.#orphans.has(attemptId);
  }

  has(attemptId: string): boolean {
    return this.#open.has(attemptId);
  }

  hinted(attemptId: string, dueAt: Date): void {
    this.#dueAt.set(attemptId, dueAt.getTime());
    if (this.#closed.has(attemptId)) this.#evident(attemptId);
  }

  /** Whoever wrote this could not know; whoever comes next does. */
  written({ id, live, outcome, next_look_at }: AttemptPatch): void {
    if (live) return;
    this.#closed.add(id);
    if (outcome === "unknown") this.#orphans.add(id);
    else this.#orphans.delete(id);
    const dueAt = this.#dueAt.get(id);
    if (dueAt === undefined || outcome === "approved") return;
    const dates = [dueAt, next_look_at === null ? null : Date.parse(next_look_at)].filter((date) => date !== null);
    this.#dueAt.set(id, dates.length > 0 ? Math.min(...dates) : null);
    this.#evident(id);
  }

  adopted(attemptId: string): void {
    this.#closed.delete(attemptId);
    this.#orphans.delete(attemptId);
    this.#open.delete(attemptId);
  }

  taken(attemptId: string, until: Date): void {
    if (this.#dueAt.has(attemptId)) this.#dueAt.set(attemptId, until.getTime());
  }

  /** By compare-and-set on when it was due. `settles`: nothing more is to be seen. */
  moved(attemptId: string, next: Date | null, due: Date | null, settles: boolean): void {
    if (this.#dueAt.get(attemptId) !== (due?.getTime() ?? null)) return;
    this.#dueAt.set(attemptId, next?.getTime() ?? null);
    if (settles && next === null) this.#open.delete(attemptId);
  }

  ended(attemptId: string): void {
    this.#open.delete(attemptId);
    if (this.#dueAt.has(attemptId)) this.#dueAt.set(attemptId, null);
  }

  #evident(attemptId: string): void {
    this.#open.add(attemptId);
    this.#onEvident(attemptId);
  }
}
