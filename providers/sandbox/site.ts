import { Exchange, type ExchangeOptions } from "./exchange.ts";
import { type Fault, FaultBoard, parseFault } from "./fault.ts";
import type { Listener } from "./listener.ts";
import type { Processor } from "./processor.ts";

/** One simulated processor with its address and its faults. */
export class Site {
  readonly processor: Processor;
  readonly listener: Listener;
  readonly faults: FaultBoard;
  readonly #exchange: Exchange;

  constructor(options: Omit<ExchangeOptions, "faults">, random: () => number) {
    this.processor = options.processor;
    this.listener = options.listener;
    this.faults = new FaultBoard(random);
    this.#exchange = new Exchange({ ...options, faults: this.faults });
  }

  open(port: number): Promise<void> {
    return this.listener.open(this.#exchange.handle, port);
  }

  /** Throws a RangeError that says what is wrong with the fault. */
  setFault(input: Fault): void {
    const fault = parseFault(input);
    if (typeof fault === "string") throw new RangeError(fault);
    this.faults.add(fault);
    // Only the commit has a request before it, after which the listener can be shut; every other refusal is an outage.
    if (fault.kind !== "refuse" || fault.operation === "commit") return;
    this.listener.shut({ abrupt: true, forMs: fault.delayMs ?? null, reopened: () => this.faults.remove(fault) });
  }

  clearFaults(): void {
    this.faults.clear();
    this.#exchange.release();
    void this.listener.reopen();
  }

  close(): void {
    this.#exchange.release();
    this.listener.close();
  }
}
