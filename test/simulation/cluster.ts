import { IdentityMismatch } from "../../gateway/identities.ts";
import type { Coverage } from "./coverage.ts";
import type { Dice } from "./dice.ts";
import { type Instance, isDefect, type Surroundings, startInstance } from "./instance.ts";
import { Machine } from "./machine.ts";
import type { Weather } from "./weather.ts";
import type { World } from "./world.ts";

/** A supervisor waits longer and longer. */
const BOOT_AGAIN_MS = [1_000, 2_000, 5_000, 15_000];
/** An instance looks at its clock this often; see gateway/clock-guard.ts. */
const CLOCK_CHECK_MS = 2_000;

interface Slot {
  readonly no: number;
  boots: number;
  machine: Machine;
  instance: Instance | null;
  /** The provider that its settings leave out. */
  without: string | null;
}

/** The instances, their deaths and rebirths. */
export class Cluster {
  readonly #world: World;
  readonly #weather: Weather;
  readonly #coverage: Coverage;
  readonly #around: Surroundings;
  readonly #dice: Dice;
  readonly #slots: Slot[] = [];

  constructor(parts: { weather: Weather; coverage: Coverage; around: Surroundings }) {
    this.#around = parts.around;
    this.#world = parts.around.world;
    this.#weather = parts.weather;
    this.#coverage = parts.coverage;
    this.#dice = this.#world.dice("cluster");
    this.#world.fate = (machine, label) => this.#fate(machine, label);
    const instances = this.#dice.whole(2, 3);
    for (let no = 1; no <= instances; no++) {
      const slot: Slot = { no, boots: 0, machine: this.#machine(no, 1), instance: null, without: null };
      this.#slots.push(slot);
      this.#boot(slot);
    }
    const { blackout } = this.#weather;
    if (blackout) this.#world.after(blackout.at, null, "the power fails", () => this.#failPower(blackout.ms));
  }

  #failPower(ms: number): void {
    for (const { machine } of this.#slots) if (!machine.dead) this.crash(machine, "the power failed", ms);
  }

  /** Those that would take a connection now. */
  ready(): Instance[] {
    return this.#slots.flatMap(({ instance, machine }) =>
      instance && !machine.dead && machine.heldUntil <= this.#world.now ? [instance] : [],
    );
  }

  all(): Instance[] {
    return this.#slots.flatMap(({ instance, machine }) => (instance && !machine.dead ? [instance] : []));
  }

  /** Clocks are set right, and whoever sleeps wakes up. */
  calm(): void {
    for (const { machine, instance, without } of this.#slots) {
      if (without !== null && !machine.dead) this.crash(machine, "its settings are mended", 1_000);
      machine.skewMs = 0;
      machine.heldUntil = Math.min(machine.heldUntil, this.#world.now);
      if (instance && !machine.dead) this.checkClock(instance, 0);
    }
  }

  checkClock(instance: Instance, inMs: number): void {
    this.#world.after(inMs, instance.machine, "checks its clock", () => {
      // As its timer does: without the database, the next time.
      instance.clockGuard.check().catch(() => this.checkClock(instance, CLOCK_CHECK_MS));
    });
  }

  /** An operator's decision is seen by every instance within a second, or when the database can be read. */
  refreshOverrides(): void {
    for (const { overrides, machine } of this.all()) {
      const poll = (inMs: number): void => {
        this.#world.after(inMs, machine, "polls overrides", () => void overrides.refresh().catch(() => poll(500)));
      };
      poll(this.#dice.between(0, 1_000));
    }
  }

  setClockWrong(): void {
    const instance = this.#dice.pick(this.all());
    if (!instance) return;
    instance.machine.skewMs = this.#dice.pick([0, 3_000, -3_000, 4_800, -4_800, 7_000, -7_000, 3_600_000]);
    this.#coverage.count("clock jumps");
    this.#world.tell(instance.machine.name, `its clock is now ${instance.machine.skewMs} ms off`);
    this.checkClock(instance, this.#dice.between(0, CLOCK_CHECK_MS));
  }

  close(): void {
    for (const { machine } of this.#slots) machine.crash();
  }

  #machine(no: number, boot: number): Machine {
    const skewMs = this.#world.stormy && this.#dice.chance(0.4) ? this.#dice.between(-4_900, 4_900) : 0;
    return new Machine(this.#world, `gateway-${no}.${boot}`, skewMs);
  }

  #boot(slot: Slot): void {
    slot.boots += 1;
    const { machine, boots } = slot;
    slot.without = this.#world.stormy && this.#dice.chance(0.04) ? this.#dice.pick(["stripe", "paypal"]) : null;
    const { without } = slot;
    if (without) this.#coverage.count("boots without a provider");
    let tries = 0;
    const attempt = (): void => {
      tries += 1;
      startInstance(this.#around, machine, boots, without).then(
        (instance) => {
          slot.instance = instance;
          // Its timer has run since its first check: the machine may have slept meanwhile.
          this.checkClock(instance, this.#dice.between(0, CLOCK_CHECK_MS));
          this.#world.tell(machine.name, `is up, its clock ${Math.round(machine.skewMs)} ms off${without ? `, without ${without}` : ""}`);
        },
        (error: unknown) => {
          if (error instanceof IdentityMismatch) this.#world.violate("law 12", error.message, []);
          if (isDefect(error)) this.#world.violate("no bugs", `${machine.name} cannot start: ${error.stack ?? error.message}`, []);
          this.#world.after(BOOT_AGAIN_MS[Math.min(tries, BOOT_AGAIN_MS.length) - 1] as number, machine, "boots again", attempt);
        },
      );
    };
    this.#world.after(this.#dice.between(0, 50), machine, "boots", attempt);
  }

  #fate(machine: Machine, label: string): void {
    if (!this.#world.stormy) return;
    // Between a thing done and its being known lies the danger.
    const delicate = /answer|answered|connected/.test(label) ? 3 : 1;
    const draw = this.#dice.random();
    const { crashChance, pauseChance, suspendChance } = this.#weather;
    if (draw < crashChance * delicate) this.crash(machine, label);
    else if (draw < (crashChance + pauseChance) * delicate) {
      const ms = this.#dice.chance(0.5) ? this.#dice.between(500, 20_000) : this.#dice.between(20_000, 120_000);
      this.#coverage.count("pauses");
      this.#world.tell(machine.name, `PAUSED for ${Math.round(ms)} ms before: ${label}`);
      machine.pause(ms);
    } else if (draw < (crashChance + pauseChance) * delicate + suspendChance) {
      const ms = this.#dice.pick([60_000, 3_600_000, 25 * 3_600_000]);
      this.#coverage.count("suspensions");
      this.#world.tell(machine.name, `SUSPENDED for ${ms / 60_000} min before: ${label}`);
      machine.suspend(Math.min(ms, Math.max(1_000, this.#weather.calmAt - this.#world.now)));
      const instance = this.#slots.find((slot) => slot.machine === machine)?.instance;
      if (instance) this.checkClock(instance, machine.heldUntil - this.#world.now + this.#dice.between(0, CLOCK_CHECK_MS));
    }
  }

  crash(machine: Machine, label: string, forMs?: number): void {
    const slot = this.#slots.find((one) => one.machine === machine);
    if (!slot) return;
    this.#coverage.count("crashes");
    this.#world.tell(machine.name, `CRASHED before: ${label}`);
    machine.crash();
    slot.instance = null;
    const downMs = this.#dice.chance(0.9)
      ? this.#dice.between(500, 30_000)
      : this.#dice.between(30_000, Math.max(60_000, this.#weather.calmAt / 2));
    this.#world.after(Math.min(forMs ?? downMs, Math.max(1_000, this.#weather.calmAt - this.#world.now)), null, "restarts", () => {
      slot.machine = this.#machine(slot.no, slot.boots + 1);
      this.#boot(slot);
    });
  }
}
