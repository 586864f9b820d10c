import { createHash } from "node:crypto";
import { Dice } from "./dice.ts";
import type { Machine } from "./machine.ts";
import { EPOCH_MS } from "./timeline.ts";

interface Step {
  readonly at: number;
  readonly no: number;
  /** Whose continuation it is: dropped when that machine has crashed, held while it is paused. null: the world's own. */
  readonly machine: Machine | null;
  readonly label: string;
  readonly run: () => void | Promise<void>;
  stopped: boolean;
}

export interface Line {
  readonly at: number;
  readonly who: string;
  readonly text: string;
}

/** Breaks a law: the run ends here, and its story is told. */
export class Violation extends Error {
  override readonly name = "Violation";
  readonly law: string;
  /** Ids and keys that the story is about. */
  readonly about: readonly string[];

  constructor(law: string, detail: string, about: readonly string[]) {
    super(`${law}: ${detail}`);
    this.law = law;
    this.about = about;
  }
}

/**
 * Virtual time and the order of all that happens. Everything that waits (timers, statements, requests) is a step in one queue; one
 * step runs at a time, and the next begins when the code that it woke is parked again. So the order depends on the seed alone.
 */
export class World {
  readonly seed: number;
  readonly story: Line[] = [];
  /** False once the weather has calmed down for good. */
  stormy = true;
  /** Asked before a machine continues: may crash, pause or suspend it. */
  fate: (machine: Machine, label: string) => void = () => {};
  steps = 0;
  readonly #history: string[] = [];
  #queue: Step[] = [];
  #now = 0;
  #no = 0;
  #violation: Violation | null = null;

  constructor(seed: number) {
    this.seed = seed;
  }

  /** Milliseconds since the beginning, with fractions. */
  get now(): number {
    return this.#now;
  }

  /** True wall time, as the database's clock shows it. */
  get wall(): number {
    return EPOCH_MS + Math.floor(this.#now);
  }

  dice(stream: string): Dice {
    return new Dice(this.seed, stream);
  }

  after(ms: number, machine: Machine | null, label: string, run: () => void | Promise<void>): () => void {
    this.#no += 1;
    const step: Step = { at: this.#now + Math.max(0, ms), no: this.#no, machine, label, run, stopped: false };
    push(this.#queue, step);
    return () => {
      step.stopped = true;
    };
  }

  tell(who: string, text: string): void {
    this.story.push({ at: this.#now, who, text });
    this.#history.push(`${this.#now} ${who} ${text}`);
  }

  /** The first one counts: what follows is a consequence. */
  violate(law: string, detail: string, about: readonly string[]): void {
    this.#violation ??= new Violation(law, detail, about);
    this.tell("judge", `VIOLATION ${law}: ${detail}`);
  }

  get violation(): Violation | null {
    return this.#violation;
  }

  /** Of everything that happened so far. */
  digest(): string {
    return createHash("sha256").update(this.#history.join("\n")).digest("hex").slice(0, 16);
  }

  /** Runs until nothing is left to do, `done` says so, or virtual time passes `until`. Throws the first violation. */
  async run(until: number, done: () => boolean = () => false): Promise<void> {
    while (this.#queue.length > 0 && !done()) {
      if ((this.#queue[0] as Step).at > until) {
        this.#now = until;
        return;
      }
      const step = pop(this.#queue);
      if (step.stopped || step.machine?.dead) continue;
      this.#now = step.at;
      if (step.machine && !this.#mayContinue(step.machine, step)) continue;
      this.steps += 1;
      this.#history.push(`${step.at} ${step.machine?.name ?? "-"} ${step.label}`);
      await step.run();
      // What the world does by itself wakes nobody: it only makes further steps.
      if (step.machine) await parked();
      if (this.#violation) throw this.#violation;
    }
  }

  #mayContinue(machine: Machine, step: Step): boolean {
    if (machine.heldUntil <= this.#now) this.fate(machine, step.label);
    if (machine.dead) return false;
    if (machine.heldUntil <= this.#now) return true;
    this.#no += 1;
    push(this.#queue, { ...step, at: machine.heldUntil, no: this.#no });
    return false;
  }
}

/** Until every continuation has run to its next wait: microtasks, and the one turn of the event loop that group commit takes. */
async function parked(): Promise<void> {
  await turnOfTheLoop();
  await turnOfTheLoop();
}

function turnOfTheLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function before(a: Step, b: Step): boolean {
  return a.at < b.at || (a.at === b.at && a.no < b.no);
}

function push(heap: Step[], step: Step): void {
  let i = heap.length;
  heap.push(step);
  while (i > 0) {
    const parent = (i - 1) >> 1;
    if (!before(step, heap[parent] as Step)) break;
    heap[i] = heap[parent] as Step;
    i = parent;
  }
  heap[i] = step;
}

function pop(heap: Step[]): Step {
  const top = heap[0] as Step;
  const last = heap.pop() as Step;
  if (heap.length === 0) return top;
  let i = 0;
  for (;;) {
    let child = 2 * i + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && before(heap[child + 1] as Step, heap[child] as Step)) child += 1;
    if (!before(heap[child] as Step, last)) break;
    heap[i] = heap[child] as Step;
    i = child;
  }
  heap[i] = last;
  return top;
}
