/** npm run bench:decision: what one routing decision costs, with no I/O, against its bar. */
import { cpus } from "node:os";
import { createFleet } from "../../gateway/health/fleet.ts";
import { systemClock } from "../../providers/contract/clock.ts";
import type { Currency } from "../../providers/contract/money.ts";
import type { Segment } from "../../routing/approval.ts";
import type { RoutingRules } from "../../routing/rules.ts";
import { seeded } from "../support/manual-clock.ts";
import { percentile } from "./percentile.ts";

const PROVIDERS = 10;
const SEGMENTS = 1_000;
/** Microseconds of a decision: at 1,000 charges a second that is 2 % of a core. */
const BAR_US = 20;
const RUNS = 40;
/** Long enough that the clock's own cost and grain vanish. */
const DECISIONS_PER_RUN = 2_000;
const WARM_UP = 20_000;

const ids = Array.from({ length: PROVIDERS }, (_, i) => `provider-${i}`);
const segments = Array.from(
  { length: SEGMENTS / PROVIDERS },
  (_, i): Segment => ({
    country: `${String.fromCharCode(65 + (i % 25))}${String.fromCharCode(65 + Math.floor(i / 25))}`,
    type: "card",
    currency: "usd",
    brand: i % 2 === 0 ? "visa" : "mastercard",
  }),
);

/** Twenty rules that do not fit, and limits, fees and a split that do. */
const MANY_RULES: RoutingRules = {
  strategy: "weights",
  weights: Object.fromEntries(ids.map((id, i) => [id, i + 1])),
  rules: Array.from({ length: 20 }, (_, i) => ({
    name: `rule ${i}`,
    when: { currencies: ["usd", "eur"], countries: ["ZZ"], amount: { currency: "usd", min: 100 * i } },
    use: { providers: ids.slice(0, 3) },
  })),
  providers: Object.fromEntries(
    ids.map((id) => [
      id,
      { accepts: [{ methods: ["card"] }], limits: { per_second: 100_000, share: 0.9 }, fees: { "*": { percent: 2.9, fixed: 30 } } },
    ]),
  ),
  objective: { kind: "profit", margin: 0.4 },
  exploration: { share: 0.01 },
};

function fleetUnder(rules: RoutingRules) {
  const random = seeded(1);
  const capabilities = { fence: true, prepareKeyAgeMs: 1, commitKeyAgeMs: 1, operationKeyAgeMs: 1, holdMs: 1, currencies: null };
  const fleet = createFleet({
    providers: ids.map((id) => ({ id, capabilities })),
    clock: systemClock,
    random,
    overrides: { current: () => new Map(), modeOf: () => null },
    rules: () => ({ version: 1, rules }),
    instance: "bench",
    documents: null,
    onBug: (bug) => {
      throw bug;
    },
  });
  for (const id of ids) fleet.markVerified(id);
  for (let round = 0; round < 50; round++)
    for (const segment of segments) for (const [i, id] of ids.entries()) fleet.recordApproval(id, segment, random() < 0.95 - i / 100);
  return fleet;
}

function measure(name: string, rules: RoutingRules): void {
  const fleet = fleetUnder(rules);
  const money = { amount: 4200n, currency: "usd" as Currency };
  let serial = 0;
  const decide = (): void => {
    serial += 1;
    fleet.choose({ providers: ids, excluded: [], chargeId: `ch_01m80d${serial}`, segment: segments[serial % segments.length]!, money });
  };
  for (let i = 0; i < WARM_UP; i++) decide();
  const micros = new Float64Array(RUNS);
  for (let run = 0; run < RUNS; run++) {
    const before = process.cpuUsage();
    for (let i = 0; i < DECISIONS_PER_RUN; i++) decide();
    const { user, system } = process.cpuUsage(before);
    micros[run] = (user + system) / DECISIONS_PER_RUN;
  }
  fleet.close();
  const mean = micros.reduce((sum, one) => sum + one, 0) / RUNS;
  const middle = percentile(micros, 0.5);
  const verdict = middle < BAR_US ? "within" : "ABOVE";
  console.log(`${name.padEnd(34)} p50 ${middle.toFixed(1)} us, mean ${mean.toFixed(1)} us: ${verdict} the bar of ${BAR_US} us`);
}

console.log(
  `${cpus().length} x ${cpus()[0]?.model.trim()}, Node ${process.version}; CPU time, ${RUNS} runs of ${DECISIONS_PER_RUN} decisions`,
);
console.log(`${PROVIDERS} providers, ${SEGMENTS} live segments, no I/O; p50 is over runs`);
measure("without rules", {});
measure("rules, split, fees, limits, lots", MANY_RULES);
