import { Machine } from "../simulation/machine.ts";
import { type RedisMood, type SqlFault, Weather, type WireFault, type WireOperation } from "../simulation/weather.ts";
import { World } from "../simulation/world.ts";

const SEED = 1;

/** Only what a test orders. */
class OrderedWeather extends Weather {
  sql: SqlFault | null = null;
  redis: RedisMood = "well";
  #wire: { readonly fault: WireFault; readonly operation: WireOperation | "*"; left: number }[] = [];

  order(fault: WireFault, operation: WireOperation | "*" = "*", count = Number.POSITIVE_INFINITY): void {
    this.#wire.push({ fault, operation, left: count });
  }

  calm(): void {
    this.#wire = [];
  }

  override strikesWire(_psp: string, operation: WireOperation): WireFault | null {
    const order = this.#wire.find(({ operation: wanted, left }) => left > 0 && (wanted === "*" || wanted === operation));
    if (!order) return null;
    order.left -= 1;
    return order.fault;
  }

  override strikesSql(): SqlFault | null {
    return this.sql;
  }

  override redisMood(): RedisMood {
    return this.redis;
  }
}

/** The simulator's world with one machine, for tests that wait for what happens there as if it were real. */
export class VirtualTime {
  readonly world = new World(SEED);
  readonly weather = new OrderedWeather(this.world);
  readonly machine = this.start("contract");
  #waiting = 0;
  #running = false;

  /** Another machine in the same world. */
  start(name: string): Machine {
    return new Machine(this.world, name, 0);
  }

  weatherOfItsOwn(): OrderedWeather {
    return new OrderedWeather(this.world);
  }

  /** Lets time go on until `work` has ended, and no further. */
  settled<T>(work: Promise<T>): Promise<T> {
    this.#waiting += 1;
    const ended = (): void => {
      this.#waiting -= 1;
    };
    work.then(ended, ended);
    return Promise.race([work, this.#run().then(() => work)]);
  }

  pause(ms: number): Promise<void> {
    return this.settled(this.machine.clock.sleep(ms));
  }

  async #run(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    try {
      let steps = -1;
      await turnOfTheLoop();
      while (this.#waiting > 0) {
        if (steps === this.world.steps) throw new Error("nothing is left to happen, and somebody still waits");
        steps = this.world.steps;
        await this.world.run(Number.POSITIVE_INFINITY, () => this.#waiting === 0);
        await turnOfTheLoop();
      }
    } finally {
      this.#running = false;
    }
  }
}

function turnOfTheLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
