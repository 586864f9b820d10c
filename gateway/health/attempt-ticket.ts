import type { Fault } from "../../routing/health-gate.ts";
import type { Fired } from "./breaker.ts";
import type { Ran, Refused, Ticket } from "./circuit.ts";

/** What an attempt was admitted with: its results count only while the gates have these generations still. */
export interface Admission {
  /** Of the fleet's gate. */
  readonly generation: number;
  /** Of this instance's own gate. */
  readonly ownGeneration: number;
  /** The token that it holds; `alone`: of our own gate. */
  readonly probe: { readonly id: string; readonly alone: boolean } | null;
}

/** A step on its way. */
export interface Step {
  /** Monotonic milliseconds. */
  readonly since: number;
  /** It takes longer than answers take. */
  late(): void;
}

export type Verdict = "ok" | Fault;

interface Owner {
  step<T>(
    ticket: { admission: Admission; first: boolean; judge(verdict: Verdict): void },
    send: () => Promise<T>,
    isFault: (result: T) => boolean,
  ): Promise<{ fired: Fired<T>; reason: string | null }>;
  settle(admission: Admission, verdict: Verdict | null): void;
}

/** One attempt at one provider: it says one thing about its health. */
export class AttemptTicket implements Ticket {
  readonly admitted = true;
  readonly #owner: Owner;
  readonly #admission: Admission;
  #answered = false;
  #settled = false;

  constructor(owner: Owner, admission: Admission) {
    this.#owner = owner;
    this.#admission = admission;
  }

  get generation(): number {
    return this.#admission.generation;
  }

  get probe(): boolean {
    return this.#admission.probe !== null;
  }

  async run<T extends { readonly kind: string }>(send: () => Promise<T>, isFault: (result: T) => boolean): Promise<Ran<T>> {
    const judge = (verdict: Verdict) => this.#settle(verdict);
    const ticket = { admission: this.#admission, first: !this.#answered, judge };
    const { fired, reason } = await this.#owner.step(ticket, send, isFault);
    if (!fired.fired) return refused(reason);
    this.#answered = true;
    // A fault counts at once; the absence of one only at the end. Else each prepare that works would make up for a
    // commit that does not, and an outage of commits would be found half as fast as measured.
    if (fired.fault) this.#settle("error");
    return { admitted: true, result: fired.result };
  }

  release(): void {
    this.#settle(this.#answered ? "ok" : null);
  }

  #settle(verdict: Verdict | null): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#owner.settle(this.#admission, verdict);
  }
}

/** Without a reason of ours it was opossum's own: it is shut down. */
export function refused(reason: string | null): Refused {
  return { admitted: false, reason: reason ?? "this instance is being stopped" };
}
