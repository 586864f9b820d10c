import { Worker } from "node:worker_threads";
import type { Job, JobResult } from "./job.ts";

interface Order {
  readonly job: () => Job | null;
  readonly done: (result: JobResult | null) => void;
  readonly failed: (error: Error) => void;
}

/** Several threads that run seeds: a seed depends on nothing that ran before it, so they share the work as they come. */
export class Crew {
  readonly #idle: Worker[];
  readonly #workers: readonly Worker[];
  readonly #waiting: Order[] = [];
  readonly #current = new Map<Worker, Order>();
  readonly #dead = new Set<Worker>();

  constructor(size: number) {
    this.#workers = Array.from({ length: size }, () => new Worker(new URL("worker.ts", import.meta.url)));
    this.#idle = [...this.#workers];
    for (const worker of this.#workers) {
      worker.on("message", (result: JobResult) => {
        const order = this.#current.get(worker);
        this.#current.delete(worker);
        this.#idle.push(worker);
        order?.done(result);
        this.#next();
      });
      worker.on("error", (error: Error) => this.#died(worker, error));
    }
  }

  /** The job is asked for when a thread is free; null: it is not wanted any more. */
  run(job: () => Job | null): Promise<JobResult | null> {
    return new Promise((done, failed) => {
      if (this.#dead.size === this.#workers.length) return failed(new Error("every thread has died"));
      this.#waiting.push({ job, done, failed });
      this.#next();
    });
  }

  /** A thread that died takes no more work: whoever waits is told so, and not left waiting. */
  #died(worker: Worker, error: Error): void {
    process.stderr.write(`a thread of the simulation died: ${error.stack ?? error}\n`);
    this.#current.get(worker)?.failed(error);
    this.#current.delete(worker);
    this.#dead.add(worker);
    if (this.#dead.size === this.#workers.length) for (const order of this.#waiting.splice(0)) order.failed(error);
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }

  #next(): void {
    while (this.#waiting.length > 0) {
      const worker = this.#idle.pop();
      if (!worker) return;
      const order = this.#waiting.shift() as Order;
      const job = order.job();
      if (job) {
        this.#current.set(worker, order);
        worker.postMessage(job);
      } else {
        this.#idle.push(worker);
        order.done(null);
      }
    }
  }
}
