import { type Call, GateClosed } from "../../providers/contract/call.ts";
import type { Dice } from "./dice.ts";
import type { Machine } from "./machine.ts";
import type { Manner, Reply } from "./payment.ts";
import type { Processor } from "./processor.ts";
import type { Weather, WireFault, WireOperation } from "./weather.ts";
import type { World } from "./world.ts";

/** What came back, as a transport sees it. */
export type Answer = Reply | { readonly kind: "refused" | "gate_closed" | "lost" | "unreadable" | "rate_limited" | "unauthorized" };

/** What is asked for, in whose name. */
export interface Intent {
  readonly attemptId: string;
  readonly chargeId: string;
  readonly amount: bigint;
  readonly currency: string;
  readonly token: unknown;
}

/** Money that is taken of a hold. */
export interface Act {
  readonly attemptId: string;
  readonly chargeId: string;
  readonly amount: bigint;
  /** Of its intent. */
  readonly key: string;
}

export interface Request {
  readonly operation: WireOperation;
  /** Of whom: for the story. */
  readonly about: string;
  /** It can execute something: it is counted, and law 2 and law 4 are checked. */
  readonly counted: boolean;
  /** null for what is only read. */
  readonly intent: Intent | null;
  /** A refund's. */
  readonly refund?: { readonly key: string; readonly attemptId: string; readonly amount: bigint };
  /** A capture's. */
  readonly act?: Act;
  /** For the books about what is on its way. */
  readonly object: string | null;
  readonly execute: (manner: Manner, reply: (reply: Reply) => void) => void;
}

/** Told of each request when it leaves its machine, and when it has been executed or lost. */
export interface WireWatcher {
  struck(fault: WireFault, request: Request): void;
  sent(machine: Machine, processor: Processor, request: Request, maySend: boolean): void;
  departed(request: Request): void;
  arrived(request: Request): void;
}

/** A request has three moments: it leaves, it is executed, it is answered. Each can fail, or be late, by itself. */
export class Wire {
  readonly #world: World;
  readonly #weather: Weather;
  readonly #dice: Dice;
  readonly #watcher: WireWatcher;
  /** A planted bug: the transport does not ask the gate. */
  readonly #gateless: boolean;

  constructor(parts: { world: World; weather: Weather; watcher: WireWatcher; gateless: boolean }) {
    this.#world = parts.world;
    this.#weather = parts.weather;
    this.#watcher = parts.watcher;
    this.#gateless = parts.gateless;
    this.#dice = parts.world.dice("wire");
  }

  send(machine: Machine, processor: Processor, call: Call, request: Request): Promise<Answer> {
    const fault = this.#weather.strikesWire(processor.psp, request.operation);
    if (fault) this.#watcher.struck(fault, request);
    const label = `${processor.psp} ${request.operation}`;
    const dice = this.#dice;
    return new Promise((resolve) => {
      const answered = (answer: Answer): void => {
        this.#world.tell(
          machine.name,
          `${label} ${request.about} <- ${answer.kind === "error" ? answer.code : answer.kind === "ok" ? answer.payment.status : answer.kind}`,
        );
        resolve(answer);
      };
      const answer = (ms: number, value: Answer): void => {
        this.#world.after(ms, machine, `answer ${label}`, () => answered(value));
      };
      const connected = () => {
        const maySend = this.#gate(call, request.counted);
        if (!maySend && !this.#gateless) {
          answered({ kind: "gate_closed" });
          return;
        }
        this.#world.tell(machine.name, `${label} ${request.about} ->${fault ? ` (${fault})` : ""}`);
        this.#watcher.sent(machine, processor, request, maySend);
        this.#travel(fault, request, answer);
      };
      if (!this.#gateless) {
        try {
          call.assertMaySend();
        } catch {
          return answered({ kind: "gate_closed" });
        }
      }
      if (fault === "refuse") return answer(dice.between(1, 300), { kind: "refused" });
      const connectMs = fault === "slow_connect" ? dice.between(1_000, 14_000) : dice.between(1, 40);
      this.#world.after(connectMs, machine, `connected ${label}`, connected);
    });
  }

  #gate(call: Call, counted: boolean): boolean {
    try {
      if (counted) call.countWireAttempt();
      else call.assertMaySend();
      return true;
    } catch (closed) {
      if (!(closed instanceof GateClosed)) throw closed;
      return false;
    }
  }

  #travel(fault: WireFault | null, request: Request, answer: (ms: number, value: Answer) => void): void {
    const dice = this.#dice;
    const there = dice.between(5, 150);
    const back = dice.between(5, 150);
    const arrive = (ms: number, manner: Manner, then: (reply: Reply) => void): void => {
      this.#watcher.departed(request);
      this.#world.after(ms, null, `arrives ${request.operation}`, () => {
        this.#watcher.arrived(request);
        request.execute(manner, then);
      });
    };
    const prompt: Manner = { workMs: dice.chance(0.7) ? dice.between(1, 800) : 0, fails: null };
    switch (fault) {
      case "reset_before":
        answer(there + back, { kind: "lost" });
        break;
      case "reset_after":
        arrive(there, prompt, () => {});
        answer(there + prompt.workMs + back, { kind: "lost" });
        break;
      case "hang_before":
        break;
      case "hang_after":
        arrive(there, prompt, () => {});
        break;
      case "delayed":
        arrive(dice.chance(0.8) ? dice.between(5_000, 120_000) : dice.between(120_000, 7_200_000), prompt, (reply) => answer(back, reply));
        break;
      case "late_answer":
        arrive(there, prompt, (reply) => answer(dice.between(8_000, 120_000), reply));
        break;
      case "slow_execution":
        arrive(there, { workMs: dice.between(3_000, 60_000), fails: null }, (reply) => answer(back, reply));
        break;
      case "duplicated":
        arrive(there + dice.between(0, 30_000), prompt, () => {});
        arrive(there, prompt, (reply) => answer(back, reply));
        break;
      case "500_before":
        arrive(there, { ...prompt, fails: "before" }, (reply) => answer(back, reply));
        break;
      case "500_after":
        arrive(there, { ...prompt, fails: "after" }, (reply) => answer(back, reply));
        break;
      case "html":
        answer(there + back, { kind: "unreadable" });
        break;
      case "429":
        answer(there + back, { kind: "rate_limited" });
        break;
      case "401":
        answer(there + back, { kind: "unauthorized" });
        break;
      default:
        arrive(there, prompt, (reply) => answer(back, reply));
        break;
    }
  }
}
