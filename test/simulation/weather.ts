import type { Dice } from "./dice.ts";
import type { World } from "./world.ts";

export type Psp = "stripe" | "paypal";
export type WireOperation = "prepare" | "commit" | "capture" | "cancel" | "refund" | "lookup" | "identify";

export const WIRE_FAULTS = [
  "refuse", // no connection
  "slow_connect", // the connection comes up late, perhaps after the caller gave up
  "reset_before", // the request never arrives, the connection ends
  "reset_after", // executed, the connection ends
  "hang_before", // the request never arrives, and nobody says so
  "hang_after", // executed, and the answer never comes
  "delayed", // arrives long after the caller gave up
  "late_answer", // executed at once, answered late
  "slow_execution", // the processor works at it for long: its object is locked meanwhile
  "duplicated", // arrives twice, the second time later
  "500_before",
  "500_after",
  "html", // an unreadable answer of a proxy, not executed
  "429",
  "401",
] as const;
export type WireFault = (typeof WIRE_FAULTS)[number];

export const SQL_FAULTS = [
  "unavailable", // no connection: never sent
  "lost_before", // lost, not executed
  "lost_after", // lost, and it was committed
  "lost_late", // lost, and it is committed some seconds later
  "conflict", // 40001 or 40P01: rolled back
  "slow",
] as const;
export type SqlFault = (typeof SQL_FAULTS)[number];

export type RedisMood =
  | "well"
  | "gone"
  | "failing"
  | "forgetful"
  | "lying_free"
  | "lying_taken"
  | "stale" // a replica that lagged behind has taken over: the newest claims are gone, what was released is back
  | "slow";

interface Front<Kind> {
  readonly from: number;
  readonly until: number;
  readonly kind: Kind;
  readonly probability: number;
}

interface WireFront extends Front<WireFault> {
  readonly psp: Psp;
  readonly operations: readonly WireOperation[];
}

/** Law 8 is in danger only then. */
const TREACHEROUS_EACH = 5;

const ALL: readonly WireOperation[] = ["prepare", "commit", "capture", "cancel", "refund", "lookup", "identify"];
const SCOPES: readonly (readonly WireOperation[])[] = [
  ALL,
  ["commit"],
  ["commit"],
  ["prepare"],
  ["lookup", "cancel"],
  ["commit", "lookup"],
  ["cancel"],
];
/** Where something is held, what happens to holds is struck besides. */
const HOLD_SCOPES: readonly (readonly WireOperation[])[] = [
  ["capture"],
  ["capture"],
  ["commit"],
  ["cancel"],
  ["capture", "lookup"],
  ["capture", "cancel"],
];
/** In so many of the seeds something is only held, or authorized first. */
const WITH_HOLDS = 0.4;
const REFUND_SCOPES: readonly (readonly WireOperation[])[] = [["refund"], ["refund"], ["refund", "lookup"]];
/** In so many of the seeds, some of the charges that succeeded are given back. */
const WITH_REFUNDS = 0.35;

/** What goes wrong when, drawn once per seed. After `calmAt` nothing does. */
export class Weather {
  readonly calmAt: number;
  readonly crashChance: number;
  readonly pauseChance: number;
  readonly suspendChance: number;
  /** The power fails: every machine is gone, and comes back only then. */
  readonly blackout: { readonly at: number; readonly ms: number } | null;
  /** A processor that breaks its word: what it canceled may be paid all the same. Then money may be held twice, until it went back. */
  readonly treachery: boolean;
  /** Reviews of days, and customers who come back days later. */
  readonly slowPeople: boolean;
  /** Some of the charges are only authorized, or authorized first. */
  readonly holds: boolean;
  /** Some of the money goes back. */
  readonly refunds: boolean;
  readonly #wire: WireFront[] = [];
  readonly #sql: Front<SqlFault>[] = [];
  readonly #redis: Front<RedisMood>[] = [];
  readonly #world: World;
  readonly #dice: Dice;
  readonly #wireNoise: number;
  readonly #sqlNoise: number;

  constructor(world: World) {
    this.#world = world;
    const dice = world.dice("weather");
    this.#dice = dice;
    const length = dice.weighted({ minutes: 0.72, hours: 0.2, days: 0.08 });
    const minute = 60_000;
    this.calmAt = {
      minutes: dice.between(2, 10) * minute,
      hours: dice.between(1, 8) * 60 * minute,
      days: dice.between(25, 50) * 60 * minute,
    }[length];
    this.#wireNoise = dice.pick([0, 0.02, 0.05, 0.15]);
    this.#sqlNoise = dice.pick([0, 0.005, 0.02, 0.06]);
    this.crashChance = dice.pick([0, 0.001, 0.003, 0.012]);
    this.pauseChance = dice.pick([0, 0.002, 0.006]);
    this.suspendChance = length === "minutes" ? 0.0002 : 0.001;
    const dark = { minutes: 0.1, hours: 0.2, days: 0.6 }[length];
    const longest = this.calmAt - 60_000;
    const blackoutMs = length === "days" ? Math.min(longest, dice.between(24, 30) * 60 * minute) : dice.between(30_000, longest);
    this.blackout = dice.chance(dark) ? { at: dice.between(1_000, 60_000), ms: blackoutMs } : null;
    this.treachery = world.seed % TREACHEROUS_EACH === 0;
    if (this.treachery) {
      const from = { from: 0, until: this.calmAt };
      this.#wire.push({ ...from, psp: "stripe", kind: "delayed", operations: ["commit"], probability: 0.5 });
      // What is sent back is sent again, and evidence comes while somebody is between reading the charge and writing it.
      this.#wire.push({ ...from, psp: "stripe", kind: "reset_after", operations: ["refund"], probability: 0.5 });
      if (dice.chance(0.5)) this.#sql.push({ ...from, kind: "slow", probability: 0.15 });
      // Then the charge waits, and can be canceled, while the payment that was canceled is on its way.
      if (dice.chance(0.5)) this.#wire.push({ ...this.#span(dice, 0.9), psp: "paypal", kind: "refuse", operations: ALL, probability: 1 });
    }
    for (let i = dice.whole(1, 5); i > 0; i--) this.#wire.push(this.#wireFront(dice, length));
    for (let i = dice.whole(0, 2); i > 0; i--)
      this.#sql.push({ ...this.#span(dice, 0.2), kind: dice.pick(SQL_FAULTS), probability: dice.pick([0.1, 0.5, 1]) });
    this.slowPeople = length === "days" && world.dice("people").chance(0.25);
    const holds = world.dice("holds");
    this.holds = holds.chance(WITH_HOLDS);
    if (this.holds) for (let i = holds.whole(1, 3); i > 0; i--) this.#wire.push(this.#wireFront(holds, length, HOLD_SCOPES));
    const refunds = world.dice("refunds");
    this.refunds = refunds.chance(WITH_REFUNDS);
    if (this.refunds) for (let i = refunds.whole(1, 3); i > 0; i--) this.#wire.push(this.#wireFront(refunds, length, REFUND_SCOPES));
    const moods = ["gone", "failing", "forgetful", "lying_free", "lying_taken", "stale", "slow"] as const;
    for (let i = dice.whole(0, 2); i > 0; i--) this.#redis.push({ ...this.#span(dice, 0.4), kind: dice.pick(moods), probability: 1 });
  }

  /** In words, for the story. */
  describe(): string[] {
    const span = ({ from, until, probability }: Front<unknown>) =>
      `${Math.round(from / 1000)}-${Math.round(until / 1000)} s, p ${probability}`;
    return [
      `calm at ${Math.round(this.calmAt / 1000)} s, noise: wire ${this.#wireNoise}, sql ${this.#sqlNoise}; crash ${this.crashChance}, pause ${this.pauseChance}${this.treachery ? ", TREACHERY" : ""}${this.slowPeople ? ", slow people" : ""}${this.holds ? ", holds" : ""}${this.refunds ? ", refunds" : ""}`,
      ...this.#wire.map((front) => `${front.psp} ${front.kind} on ${front.operations.join("+")}: ${span(front)}`),
      ...this.#sql.map((front) => `database ${front.kind}: ${span(front)}`),
      ...this.#redis.map((front) => `redis ${front.kind}: ${span(front)}`),
    ];
  }

  strikesWire(psp: Psp, operation: WireOperation): WireFault | null {
    if (!this.#world.stormy) return null;
    for (const front of this.#wire) {
      if (front.psp === psp && front.operations.includes(operation) && this.#hits(front)) return front.kind;
    }
    return this.#dice.chance(this.#wireNoise) ? this.#dice.pick(WIRE_FAULTS) : null;
  }

  strikesSql(): SqlFault | null {
    if (!this.#world.stormy) return null;
    for (const front of this.#sql) if (this.#hits(front)) return front.kind;
    return this.#dice.chance(this.#sqlNoise) ? this.#dice.pick(SQL_FAULTS) : null;
  }

  redisMood(): RedisMood {
    if (!this.#world.stormy) return "well";
    return this.#redis.find((front) => this.#hits(front))?.kind ?? "well";
  }

  #hits({ from, until, probability }: Front<unknown>): boolean {
    return this.#world.now >= from && this.#world.now < until && this.#dice.chance(probability);
  }

  #wireFront(dice: Dice, length: string, scopes = SCOPES): WireFront {
    const psp = dice.pick(["stripe", "paypal"] as const);
    const kind = dice.pick(WIRE_FAULTS);
    return {
      ...this.#span(dice, length === "minutes" ? 0.6 : 0.9),
      psp,
      kind,
      operations: dice.pick(scopes),
      probability: dice.pick([0.2, 0.5, 1, 1]),
    };
  }

  /** Most of what happens, happens while charges arrive: early. */
  #span(dice: Dice, longest: number): { from: number; until: number } {
    const from = dice.chance(0.6) ? dice.between(0, 60_000) : dice.between(0, this.calmAt);
    const length = dice.chance(0.5) ? dice.between(5_000, 90_000) : dice.between(0, this.calmAt * longest);
    return { from, until: Math.min(from + length, this.calmAt) };
  }
}
