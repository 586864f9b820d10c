import type { ChargeId } from "../../gateway/ids.ts";
import { Problem } from "../../gateway/problems.ts";
import type { Cluster } from "./cluster.ts";
import type { Coverage } from "./coverage.ts";
import type { Dice } from "./dice.ts";
import type { Ledger } from "./ledger.ts";
import type { Processor } from "./processor.ts";
import type { Store } from "./store.ts";
import type { Weather } from "./weather.ts";
import type { World } from "./world.ts";

const ACCOUNT = "acct_default";
const HOUR_MS = 3_600_000;
const BY = { accountId: ACCOUNT, actor: "key:ops" } as const;

interface Parts {
  readonly world: World;
  readonly weather: Weather;
  readonly cluster: Cluster;
  readonly coverage: Coverage;
  readonly ledger: Ledger;
  readonly store: Store;
  readonly processors: ReadonlyMap<string, Processor>;
  readonly nudge: () => void;
}

/** People: they flap overrides, set clocks, settle doubts by what the processor's own dashboard shows, and replay dead letters. */
export class Operators {
  readonly #parts: Parts;
  readonly #dice: Dice;
  #overrode = false;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#dice = parts.world.dice("operators");
    const { weather, cluster } = parts;
    const soon = () => this.#dice.between(1_000, Math.min(weather.calmAt, 300_000));
    for (let i = this.#dice.whole(0, 3); i > 0; i--) this.#later(soon(), () => this.#override());
    for (let i = this.#dice.whole(0, 3); i > 0; i--) this.#later(this.#dice.between(1_000, weather.calmAt), () => this.#settle());
    for (let i = this.#dice.chance(0.3) ? this.#dice.whole(1, 3) : 0; i > 0; i--) this.#later(soon(), () => cluster.setClockWrong());
    if (this.#dice.chance(0.3)) this.#later(this.#dice.between(0, weather.calmAt), () => this.#replay());
  }

  /** After the storm nothing stays forced, and now and then somebody goes through the dead letters. */
  calm(): void {
    if (this.#overrode) this.#endOverrides();
    if (this.#dice.chance(0.3)) this.#later(this.#dice.between(0, 40 * HOUR_MS), () => this.#replayAll());
  }

  /** Until each instance has taken it. */
  #endOverrides(): void {
    for (const provider of this.#parts.processors.keys()) {
      const remove = (): void => {
        const instance = this.#dice.pick(this.#parts.cluster.ready());
        if (!instance) {
          this.#later(1_000, remove);
          return;
        }
        this.#parts.world.after(1, instance.machine, "removes an override", () => {
          instance.overrides.remove(provider, { ...BY, now: new Date(instance.machine.clock.now()) }).then(
            () => this.#parts.cluster.refreshOverrides(),
            () => this.#later(1_000, remove),
          );
        });
      };
      remove();
    }
  }

  #later(ms: number, run: () => void | Promise<void>): void {
    this.#parts.world.after(ms, null, "an operator acts", run);
  }

  #override(): void {
    const { world, cluster, coverage } = this.#parts;
    const instance = this.#dice.pick(cluster.ready());
    if (!instance) return;
    const provider = this.#dice.pick(["stripe", "paypal"]);
    const mode = this.#dice.pick(["down", "drain", "only", "up"] as const);
    const forMs = this.#dice.between(1_000, 60_000);
    this.#overrode = true;
    coverage.count(`override ${mode}`);
    world.tell("operator", `sets ${provider} ${mode} for ${Math.round(forMs)} ms at ${instance.machine.name}`);
    world.after(1, instance.machine, "sets an override", () => {
      const now = instance.machine.clock.now();
      instance.overrides.set({ provider, mode, reason: "trying", expiresAt: new Date(now + forMs) }, { ...BY, now: new Date(now) }).then(
        () => cluster.refreshOverrides(),
        () => {},
      );
    });
    this.#later(forMs + 1_000, () => this.#parts.nudge());
    if (this.#dice.chance(0.5)) this.#later(this.#dice.between(100, 5_000), () => this.#override());
  }

  /** By the books, as they are at this moment: a payment still on its way does not show there. */
  async #settle(): Promise<void> {
    const { world, cluster, coverage, ledger, store } = this.#parts;
    const doubts = await store.query<{ id: string; attempt: string; object: string | null }>({
      name: "simulation_doubts",
      text: `select c.id, a.id as attempt, a.object from charges c join attempts a on a.charge_id = c.id and a.live
        where c.status in ('in_doubt', 'pending', 'requires_action') order by c.id`,
    });
    const charge = this.#dice.pick(doubts);
    const instance = this.#dice.pick(cluster.ready());
    if (!charge || !instance) return;
    const payment = ledger.ofCharge(charge.id).find(({ attemptId, type }) => attemptId === charge.attempt && type === "capture");
    // A review or a hold that only the dashboard shows, since the gateway has no id to look by: who calls it unpaid decides alone.
    const shown = [...this.#parts.processors.values()].some((processor) => processor.reviews(charge.id) || processor.holds(charge.id));
    if (!payment && charge.object === null && shown) return;
    const outcome = payment ? ("charged" as const) : ("not_charged" as const);
    world.tell("operator", `settles ${charge.id} by hand at ${instance.machine.name}: ${outcome} ${payment?.reference ?? ""}`);
    coverage.count(`settled by hand: ${outcome}`);
    world.after(this.#dice.between(1, 3_000), instance.machine, "takes an operator's request", () => {
      instance.charges
        .resolve({ ...BY, chargeId: charge.id as ChargeId, outcome, providerReference: payment?.reference ?? null, reason: "looked it up" })
        .then(
          (answer) => world.tell("operator", `settled: ${charge.id} is ${answer.charge.status}`),
          (error: unknown) =>
            world.tell("operator", `hears: ${error instanceof Problem ? error.code : error instanceof Error ? error.name : "?"}`),
        );
    });
  }

  async #replay(): Promise<void> {
    const letter = this.#dice.pick(await this.#letters());
    if (letter) this.#replayOne(letter.id);
  }

  async #replayAll(): Promise<void> {
    for (const { id } of await this.#letters()) this.#replayOne(id);
  }

  #replayOne(id: string): void {
    const instance = this.#dice.pick(this.#parts.cluster.ready());
    if (!instance) return;
    this.#parts.coverage.count("dead letters replayed");
    this.#parts.world.tell("operator", `replays dead letter ${id}`);
    this.#parts.world.after(
      1,
      instance.machine,
      "replays a dead letter",
      () => void instance.charges.replayDeadLetter({ ...BY, id }).catch(() => {}),
    );
  }

  #letters(): Promise<{ id: string }[]> {
    return this.#parts.store.query({ name: "simulation_letters", text: "select id from dead_letters where state = 'open' order by id" });
  }
}
