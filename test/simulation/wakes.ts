import type { Cluster } from "./cluster.ts";
import type { Dice } from "./dice.ts";
import type { Server } from "./sql.ts";
import { EPOCH_MS } from "./timeline.ts";
import type { World } from "./world.ts";

const FIRST_PATIENCE_MS = 400;
const LONGEST_PATIENCE_MS = 120_000;

/**
 * Wakes workers when something is due, instead of two polls a second for days of virtual time: a poll that finds nothing changes
 * nothing. Sometimes two workers at the same moment, as on a fleet.
 */
export class Wakes {
  readonly #world: World;
  readonly #server: Server;
  readonly #cluster: Cluster;
  readonly #dice: Dice;
  #patienceMs = FIRST_PATIENCE_MS;
  #checking = false;
  #next = Number.POSITIVE_INFINITY;
  #stop = (): void => {};

  constructor(world: World, server: Server, cluster: Cluster) {
    this.#world = world;
    this.#server = server;
    this.#cluster = cluster;
    this.#dice = world.dice("wakes");
    server.onWrite = () => this.#checkSoon();
  }

  /** Something else has changed: try at once what did not work. */
  nudge(): void {
    this.#patienceMs = FIRST_PATIENCE_MS;
    this.#checkSoon();
  }

  #checkSoon(): void {
    if (this.#checking) return;
    this.#checking = true;
    this.#world.after(this.#dice.between(50, 500), null, "looks what is due", async () => {
      this.#checking = false;
      const due = await this.#server.due();
      const at = Math.min(due.charges, due.expiries, due.looks, due.operations, due.deferred) - EPOCH_MS;
      if (at !== Number.POSITIVE_INFINITY) this.#wakeAt(Math.max(at, this.#world.now));
    });
  }

  #wakeAt(at: number): void {
    if (at >= this.#next) return;
    this.#stop();
    this.#next = at;
    this.#stop = this.#world.after(at - this.#world.now + this.#dice.between(0, 500), null, "wakes a worker", () => {
      this.#next = Number.POSITIVE_INFINITY;
      this.#wake();
    });
  }

  #wake(): void {
    const ready = this.#cluster.ready();
    const woken = ready.length === 0 ? [] : this.#dice.chance(0.2) ? ready : [this.#dice.pick(ready)];
    if (woken.length === 0) {
      this.#again(0);
      return;
    }
    // Should none of them live to tell.
    const stopGuard = this.#world.after(20_000, null, "looks after the workers", () => this.#checkSoon());
    for (const { worker, machine } of woken) {
      this.#world.after(this.#dice.between(0, 30), machine, "takes a pass", () => {
        worker.pass().then(
          (begun) => {
            stopGuard();
            this.#again(begun);
          },
          () => {
            stopGuard();
            this.#again(0);
          },
        );
      });
    }
  }

  #again(begun: number): void {
    if (begun > 0) {
      this.nudge();
      return;
    }
    this.#patienceMs = Math.min(LONGEST_PATIENCE_MS, this.#patienceMs * 2);
    this.#world.after(this.#patienceMs, null, "looks again", () => this.#checkSoon());
  }
}
