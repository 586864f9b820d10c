import { beforeEach } from "vitest";
import type { Provider } from "../../providers/contract/provider.ts";
import type { Fault, FaultKind } from "../../providers/sandbox/fault.ts";
import { Ledger } from "../simulation/ledger.ts";
import { Processor } from "../simulation/processor.ts";
import { SimulatedProvider } from "../simulation/provider.ts";
import type { WireFault, WireOperation } from "../simulation/weather.ts";
import { type Request, Wire } from "../simulation/wire.ts";
import { type Booked, ContractWorld, type Credentials, type Times } from "./contract-world.ts";
import { VirtualTime } from "./virtual-time.ts";

/** What the sandbox's faults are called in the simulator. Delays are its own: see `times`. */
const FAULTS: Readonly<Record<Exclude<FaultKind, "decline">, WireFault>> = {
  refuse: "refuse",
  reset_before: "reset_before",
  reset_after: "reset_after",
  hang_before: "hang_before",
  hang_after: "hang_after",
  "500_before": "500_before",
  "500_after": "500_after",
  "503_html": "html",
  "429": "429",
  slow: "slow_execution",
  trickle: "late_answer",
};

/** The simulated adapters and processors, on virtual time. Everything is new for each test. */
export class SimulatedWorld extends ContractWorld {
  /** By the delays in the simulator's wire.ts and issuer.ts. */
  readonly times: Times = { short: 2_000, patient: 130_000, slow: 61_000, quiet: 200_000, settle: 3 * 3_600_000 };
  readonly mailbox = null;
  #time = new VirtualTime();
  #ledger = new Ledger(this.#time.world);
  #processor: Processor | null = null;
  #sent: Request[] = [];

  get clock() {
    return this.#time.machine.clock;
  }

  hooks(): void {
    beforeEach(async () => {
      this.#time = new VirtualTime();
      await this.forget();
      this.begun();
    });
  }

  ledger(): Booked[] {
    return this.#ledger.movements.map((movement) => ({ ...movement, currency: this.#known().payments.get(movement.object)!.currency }));
  }

  requests() {
    return this.#sent;
  }

  fault({ kind, operation, count }: Fault): void {
    if (kind === "decline") throw new Error("codes of declines cannot be made up in the simulation");
    this.#time.weather.order(FAULTS[kind], operation as WireOperation | "*" | undefined, count);
  }

  async calm(): Promise<void> {
    this.#time.weather.calm();
  }

  pause(ms: number): Promise<void> {
    return this.#time.pause(ms);
  }

  passTime(ms: number): Promise<void> {
    return this.#time.pause(ms);
  }

  async forget(): Promise<void> {
    const { world } = this.#time;
    this.#time.weather.calm();
    this.#ledger = new Ledger(world);
    this.#processor = new Processor(this.fixture.traits.psp, world, this.#ledger, false, { lateRefunds: 0, shortHolds: 0 });
    this.#sent = [];
  }

  protected make(credentials: Credentials): Provider {
    const { world, machine } = this.#time;
    const weather = credentials === "right" ? this.#time.weather : this.#time.weatherOfItsOwn();
    if (credentials === "wrong") weather.order("401");
    const watcher = {
      struck() {},
      sent: (_: unknown, __: unknown, request: Request) => void this.#sent.push(request),
      departed() {},
      arrived() {},
    };
    const wire = new Wire({ world, weather, watcher, gateless: false });
    return new SimulatedProvider({ processor: this.#known(), wire, machine, keySuffix: "" });
  }

  protected settled<T>(work: Promise<T>): Promise<T> {
    return this.#time.settled(work);
  }

  #known(): Processor {
    return this.#processor!;
  }
}
