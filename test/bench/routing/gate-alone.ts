import { apply, FAULT_WEIGHT, type Gate, newGate, OPEN_AT_SUM, SUCCESS_WEIGHT } from "../../../routing/health-gate.ts";
import { Dice } from "../../simulation/dice.ts";
import { aligned } from "./markdown-table.ts";

/** What a healthy provider's background may be, and what outages look like. */
const FAULT_SHARES = [0.02, 0.15, 0.25, 0.5, 1];
/** Enough for some 200 false alarms. */
const CALM_CHARGES = 20_000_000;
const TRIALS = 2_000;
/** 20 charges/s. */
const BETWEEN_MS = 50;

/** Charges until a fresh gate opens, when this share of them are faults, one after the other; null: not within `most`. */
export function chargesUntilOpen(faults: number, dice: Dice, most: number): number | null {
  let gate: Gate = newGate(0);
  for (let charge = 1; charge <= most; charge++) {
    const event = { at: charge * BETWEEN_MS, by: "one", generation: gate.generation };
    const fault = dice.chance(faults);
    gate = apply(gate, fault ? { ...event, kind: "fault", what: "error", jitter: 0 } : { ...event, kind: "ok" });
    if (gate.state === "open") return charge;
  }
  return null;
}

/** Below it, what is left of a rise adds nothing to the mean. */
const NEGLIGIBLE = 1e-12;

/** The same as a mean, computed from the sum's constants: the length of rises from zero, over the share of them that reach the threshold. */
export function meanChargesUntilOpen(faults: number): number {
  let rises = new Map([["1,0", 1]]);
  let [alive, length, reached] = [1, 1 / faults, 0];
  while (alive > NEGLIGIBLE) {
    length += alive;
    const next = new Map<string, number>();
    alive = 0;
    for (const [counts, share] of rises) {
      const [bad, good] = counts.split(",").map(Number) as [number, number];
      for (const [b, g, weight] of [[bad + 1, good, share * faults] as const, [bad, good + 1, share * (1 - faults)] as const]) {
        const sum = b * FAULT_WEIGHT - g * SUCCESS_WEIGHT;
        if (sum >= OPEN_AT_SUM) reached += weight;
        if (sum <= 0 || sum >= OPEN_AT_SUM) continue;
        next.set(`${b},${g}`, (next.get(`${b},${g}`) ?? 0) + weight);
        alive += weight;
      }
    }
    rises = next;
  }
  return length / reached;
}

/** The product's gate without anything around it, for figures that would take too many whole runs. */
export function gateAloneMarkdown(calmCharges = CALM_CHARGES, trials = TRIALS): string {
  const rows = FAULT_SHARES.map((faults, i) => {
    const dice = new Dice(1_000_001, `gate alone ${faults}`);
    let [charges, openings] = [0, 0];
    while (i === 0 ? charges < calmCharges : openings < trials) {
      const until = chargesUntilOpen(faults, dice, i === 0 ? calmCharges - charges : Number.MAX_SAFE_INTEGER);
      charges += until ?? calmCharges - charges;
      openings += until === null ? 0 : 1;
    }
    const each = openings === 0 ? `none in ${charges.toLocaleString("en-US")}` : Math.round(charges / openings).toLocaleString("en-US");
    const computed = Math.round(meanChargesUntilOpen(faults)).toLocaleString("en-US");
    return [`${100 * faults} %`, openings.toLocaleString("en-US"), each, computed];
  });
  return ["### The gate alone", "", ...aligned([["faults", "openings", "charges until it opens", "computed"], ...rows])].join("\n");
}
