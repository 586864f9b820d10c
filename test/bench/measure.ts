import { availableParallelism } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { type Batches, type Counters, difference } from "./counters.ts";
import { cpuSeconds, machineBusySeconds, since, total } from "./cpu-time.ts";
import type { LoadJob, LoadResult } from "./load-job.ts";
import type { BenchOptions } from "./options.ts";
import { median, percentile } from "./percentile.ts";
import type { Side, World } from "./world.ts";

const WARM_UP_S = 2;
const IDLE_S = 3;
/** Of the gateway's full throughput: where latency is measured. */
const LATENCY_LOAD = 0.5;

/** One measurement of one side. */
export interface Round {
  readonly side: Side["name"];
  readonly perSecond: number;
  /** CPU milliseconds per charge, by program. */
  readonly cpuMsPerCharge: Readonly<Record<string, number>>;
  readonly latencies: Float64Array;
  readonly sentLateMs: number;
}

/** What both sides were asked to charge, and said they had. */
export interface Tally {
  succeeded: number;
  amount: number;
  readonly wrong: Record<string, number>;
}

export interface Measurements {
  readonly full: readonly Round[];
  readonly half: readonly Round[];
  readonly halfRatePerS: number;
  /** Of the gateway, per charge, at full and at half load; the idle gateway's own writes are taken off. */
  readonly perCharge: { readonly full: PerCharge; readonly half: PerCharge };
  readonly idleWritesPerS: number;
  readonly batches: { readonly intents: Batches; readonly outcomes: Batches };
  readonly tallies: Readonly<Record<Side["name"], Tally>>;
  /** The share of the machine's CPU that programs other than ours used meanwhile. */
  readonly othersShare: number;
  /** Before and after everything, for what PostgreSQL reports with a delay. */
  readonly startCounters: Counters;
}

export interface PerCharge {
  readonly writes: number;
  readonly walBytes: number;
}

/** Gateway and proxy in turn, at full load and then both at half of the gateway's throughput. */
export async function measure(world: World, options: BenchOptions, say: (line: string) => void): Promise<Measurements> {
  const bench = new Bench(world, options.seconds);
  const startCounters = await world.database.counters();
  say(`warming up, ${WARM_UP_S} s each`);
  const closed = { kind: "closed", concurrency: options.concurrency } as const;
  for (const side of [world.proxy, world.gateway]) await bench.load(side, closed, WARM_UP_S);
  const idleWritesPerS = await bench.idleWrites();
  const firstWrite = (await world.database.counters()).writes;

  const busy = machineBusySeconds();
  const ours = bench.ourCpu();
  const beganAt = performance.now();
  const full: Round[] = [];
  for (let round = 1; round <= options.rounds; round += 1) {
    for (const side of [world.proxy, world.gateway]) {
      full.push(await bench.round(side, closed));
      say(`full load, round ${round}: ${side.name} ${full.at(-1)!.perSecond.toFixed(0)} charges/s`);
    }
  }
  const perChargeFull = bench.takePerCharge(idleWritesPerS);
  const batches = {
    intents: await world.database.batches("attempt.started", firstWrite),
    outcomes: await world.database.batches("charge.succeeded", firstWrite),
  };

  const halfRatePerS = LATENCY_LOAD * median(full.filter(({ side }) => side === "gateway").map(({ perSecond }) => perSecond));
  const half: Round[] = [];
  for (let round = 1; round <= Math.ceil((options.rounds * 2) / 3); round += 1) {
    for (const side of [world.proxy, world.gateway]) {
      // The same arrivals for both.
      half.push(await bench.round(side, { kind: "open", ratePerS: halfRatePerS, seed: round }));
      say(`half load, round ${round}: ${side.name} p50 ${percentile(half.at(-1)!.latencies, 0.5).toFixed(2)} ms`);
    }
  }
  const cpuOfMachine = ((performance.now() - beganAt) / 1_000) * availableParallelism();
  return {
    full,
    half,
    halfRatePerS,
    perCharge: { full: perChargeFull, half: bench.takePerCharge(idleWritesPerS) },
    idleWritesPerS,
    batches,
    tallies: bench.tallies,
    othersShare: (machineBusySeconds() - busy - (bench.ourCpu() - ours)) / cpuOfMachine,
    startCounters,
  };
}

class Bench {
  readonly tallies = { gateway: { succeeded: 0, amount: 0, wrong: {} }, proxy: { succeeded: 0, amount: 0, wrong: {} } } satisfies Record<
    Side["name"],
    Tally
  >;
  readonly #world: World;
  readonly #seconds: number;
  #jobs = 0;
  #window = { charges: 0, seconds: 0, writes: 0, walBytes: 0 };

  constructor(world: World, seconds: number) {
    this.#world = world;
    this.#seconds = seconds;
  }

  async load(side: Side, load: LoadJob["load"], seconds: number): Promise<LoadResult> {
    const name = `bench-${side.name}-${++this.#jobs}`;
    const result = await this.#world.run({ url: side.url, apiKey: side.apiKey, name, seconds, load });
    const tally: Tally = this.tallies[side.name];
    tally.succeeded += result.succeeded;
    tally.amount += result.amount;
    for (const [what, count] of Object.entries(result.wrong)) tally.wrong[what] = (tally.wrong[what] ?? 0) + count;
    return result;
  }

  async round(side: Side, load: LoadJob["load"]): Promise<Round> {
    const counters = await this.#world.database.counters();
    const cpu = cpuSeconds(side.pids);
    const beganAt = performance.now();
    const result = await this.load(side, load, this.#seconds);
    const seconds = (performance.now() - beganAt) / 1_000;
    const used = since(cpu, cpuSeconds(side.pids));
    if (side.name === "gateway") this.#count(result.succeeded, seconds, difference(counters, await this.#world.database.counters()));
    return {
      side: side.name,
      perSecond: result.answeredInTime / this.#seconds,
      cpuMsPerCharge: Object.fromEntries(Object.entries(used).map(([name, s]) => [name, (s * 1_000) / result.succeeded])),
      latencies: result.latencies,
      sentLateMs: result.sentLateMs,
    };
  }

  async idleWrites(): Promise<number> {
    // The trail of the warm-up is sealed within a second; after that the gateway is idle.
    await sleep(1_500);
    const before = await this.#world.database.counters();
    await sleep(IDLE_S * 1_000);
    return difference(before, await this.#world.database.counters()).writes / IDLE_S;
  }

  /** Of the gateway's rounds since the last call. */
  takePerCharge(idleWritesPerS: number): PerCharge {
    const { charges, seconds, writes, walBytes } = this.#window;
    this.#window = { charges: 0, seconds: 0, writes: 0, walBytes: 0 };
    return { writes: (writes - idleWritesPerS * seconds) / charges, walBytes: walBytes / charges };
  }

  ourCpu(): number {
    const { gateway, proxy, helpers } = this.#world;
    return total(cpuSeconds([...gateway.pids, ...proxy.pids, ...helpers, process.pid]));
  }

  #count(charges: number, seconds: number, counted: Counters): void {
    const { writes, walBytes } = counted;
    const before = this.#window;
    this.#window = {
      charges: before.charges + charges,
      seconds: before.seconds + seconds,
      writes: before.writes + writes,
      walBytes: before.walBytes + walBytes,
    };
  }
}
