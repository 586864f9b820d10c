import { availableParallelism, cpus, release, totalmem, type } from "node:os";
import type { Agreement } from "./agreement.ts";
import { type Counters, type DatabaseSettings, difference } from "./counters.ts";
import { canMeasureCpu } from "./cpu-time.ts";
import type { Measurements, Round } from "./measure.ts";
import type { BenchOptions } from "./options.ts";
import { median, percentile } from "./percentile.ts";
import type { Side } from "./world.ts";

/** The aim of the first release, and the later one. */
const AIMS = [0.5, 0.6];
/** Above it, other programs on the machine took part in the result. */
const MUCH_SHARED = 0.1;

export interface Result {
  readonly machine: Readonly<Record<string, string | number>>;
  readonly settings: Readonly<Record<string, string | number | boolean | null>>;
  readonly throughput: {
    readonly gatewayPerS: number;
    readonly proxyPerS: number;
    /** Wall clock: everything on the same cores. One per pair of rounds, and their median. */
    readonly ratios: readonly number[];
    readonly ratio: number;
  };
  /** CPU milliseconds per charge, by program; null where it cannot be measured. */
  readonly cpu: {
    readonly gatewayMs: Readonly<Record<string, number>>;
    readonly proxyMs: Readonly<Record<string, number>>;
    /** Charges per CPU second, gateway with PostgreSQL and Redis to proxy. */
    readonly ratio: number;
    /** The same for the two Node processes alone: their ratio where the database has a machine of its own. */
    readonly nodeRatio: number;
  } | null;
  readonly latency: {
    readonly ratePerS: number;
    readonly gatewayMs: Percentiles;
    readonly proxyMs: Percentiles;
    /** The difference of the percentiles. */
    readonly addedMs: Percentiles;
    readonly generatorLateMsP99: number;
  };
  readonly database: {
    readonly writesPerCharge: { readonly full: number; readonly half: number };
    readonly idleWritesPerS: number;
    readonly batches: Measurements["batches"];
    readonly walBytesPerCharge: number;
    /** Of the whole run, warm-up, idle time and background work included. */
    readonly wholeRun: { readonly charges: number; readonly commitsPerCharge: number; readonly walFsyncsPerCharge: number };
  };
  readonly agreement: Agreement;
  readonly othersShare: number | null;
}

interface Percentiles {
  readonly p50: number;
  readonly p99: number;
}

export function makeResult(parts: {
  options: BenchOptions;
  database: DatabaseSettings;
  redis: boolean | null;
  measured: Measurements;
  endCounters: Counters;
  agreement: Agreement;
}): Result {
  const { options, measured, agreement } = parts;
  const of = (rounds: readonly Round[], side: Side["name"]): Round[] => rounds.filter((round) => round.side === side);
  const [gateway, proxy] = [of(measured.full, "gateway"), of(measured.full, "proxy")];
  const ratios = gateway.map((round, i) => round.perSecond / proxy[i]!.perSecond);
  const latencies = (side: Side["name"]): Percentiles => {
    const all = Float64Array.from(of(measured.half, side).flatMap((round) => [...round.latencies]));
    return { p50: percentile(all, 0.5), p99: percentile(all, 0.99) };
  };
  const [gatewayMs, proxyMs] = [latencies("gateway"), latencies("proxy")];
  const { charges } = agreement.accounts[0]!;
  const wholeRun = difference(measured.startCounters, parts.endCounters);
  return {
    machine: {
      cores: availableParallelism(),
      cpu: cpus()[0]?.model ?? "unknown",
      memory_gib: Math.round(totalmem() / 2 ** 30),
      system: `${type()} ${release()}`,
      node: process.version,
      postgresql: parts.database.version,
    },
    settings: {
      fsync: parts.database.fsync,
      synchronous_commit: parts.database.synchronous_commit,
      wal_sync_method: parts.database.wal_sync_method,
      redis: parts.redis,
      concurrency: options.concurrency,
      rounds: options.rounds,
      seconds: options.seconds,
    },
    throughput: {
      gatewayPerS: median(gateway.map(({ perSecond }) => perSecond)),
      proxyPerS: median(proxy.map(({ perSecond }) => perSecond)),
      ratios,
      ratio: median(ratios),
    },
    cpu: canMeasureCpu ? cpuOf(gateway, proxy) : null,
    latency: {
      ratePerS: measured.halfRatePerS,
      gatewayMs,
      proxyMs,
      addedMs: { p50: gatewayMs.p50 - proxyMs.p50, p99: gatewayMs.p99 - proxyMs.p99 },
      generatorLateMsP99: Math.max(...measured.half.map(({ sentLateMs }) => sentLateMs)),
    },
    database: {
      writesPerCharge: { full: measured.perCharge.full.writes, half: measured.perCharge.half.writes },
      idleWritesPerS: measured.idleWritesPerS,
      batches: measured.batches,
      walBytesPerCharge: measured.perCharge.full.walBytes,
      wholeRun: { charges, commitsPerCharge: wholeRun.commits / charges, walFsyncsPerCharge: wholeRun.walFsyncs / charges },
    },
    agreement,
    othersShare: canMeasureCpu ? measured.othersShare : null,
  };
}

function cpuOf(gateway: readonly Round[], proxy: readonly Round[]): Result["cpu"] {
  const medians = (rounds: readonly Round[]): Record<string, number> => {
    const names = [...new Set(rounds.flatMap((round) => Object.keys(round.cpuMsPerCharge)))];
    return Object.fromEntries(names.map((name) => [name, median(rounds.map((round) => round.cpuMsPerCharge[name] ?? 0))]));
  };
  const sum = (ms: Record<string, number>): number => Object.values(ms).reduce((total, one) => total + one, 0);
  const [gatewayMs, proxyMs] = [medians(gateway), medians(proxy)];
  return {
    gatewayMs,
    proxyMs,
    ratio: sum(proxyMs) / sum(gatewayMs),
    nodeRatio: (proxyMs.node ?? Number.NaN) / (gatewayMs.node ?? Number.NaN),
  };
}

/** For people. */
export function reportText(result: Result): string {
  const { machine, settings, throughput, cpu, latency, database, agreement, othersShare } = result;
  const ms = (value: number): string => `${value.toFixed(2)} ms`;
  const programs = (used: Readonly<Record<string, number>>): string =>
    Object.entries(used)
      .filter(([, value]) => value >= 0.005)
      .map(([name, value]) => `${name} ${value.toFixed(2)}`)
      .join(", ");
  const { intents, outcomes } = database.batches;
  const batch = (b: typeof intents): string => `mean ${b.mean.toFixed(1)}, p50 ${b.p50}, p95 ${b.p95}, largest ${b.max}`;
  const yesNo = settings.redis === null ? "unknown" : settings.redis ? "yes" : "no";
  return [
    "Switchyard gateway against a bare Express + stripe-node proxy: the same two calls to the same sandbox, in turn, in one run",
    "",
    `machine      ${machine.cores} cores (${machine.cpu}), ${machine.memory_gib} GiB, ${machine.system}, node ${machine.node}`,
    `database     PostgreSQL ${machine.postgresql}: fsync ${settings.fsync}, synchronous_commit ${settings.synchronous_commit}, ${settings.wal_sync_method}; Redis: ${yesNo}`,
    `load         ${settings.concurrency} in flight at full load, ${settings.rounds} rounds of ${settings.seconds} s each; load generator, sandbox and database share the cores`,
    ...(othersShare === null ? [] : [`             other programs used ${percent(othersShare)} of the machine's CPU meanwhile`]),
    ...(othersShare !== null && othersShare > MUCH_SHARED ? ["             THAT IS MUCH: repeat this on a quiet machine"] : []),
    "",
    `throughput   gateway ${throughput.gatewayPerS.toFixed(0)}/s, proxy ${throughput.proxyPerS.toFixed(0)}/s`,
    `  wall clock ratio ${throughput.ratio.toFixed(2)} (rounds: ${throughput.ratios.map((r) => r.toFixed(2)).join(", ")}; aims: ${AIMS.join(", later ")})`,
    ...(cpu === null
      ? ["  CPU        not measured on this system"]
      : [
          `  CPU ratio  ${cpu.ratio.toFixed(2)} (charges per CPU second, gateway with PostgreSQL and Redis); the Node processes alone ${cpu.nodeRatio.toFixed(2)}`,
          `  CPU ms per charge: gateway ${programs(cpu.gatewayMs)}; proxy ${programs(cpu.proxyMs)}`,
        ]),
    "",
    `latency      at ${latency.ratePerS.toFixed(0)}/s, half of the gateway's throughput, Poisson arrivals; the generator was late by ${ms(latency.generatorLateMsP99)} at p99`,
    `  gateway    p50 ${ms(latency.gatewayMs.p50)}, p99 ${ms(latency.gatewayMs.p99)}`,
    `  proxy      p50 ${ms(latency.proxyMs.p50)}, p99 ${ms(latency.proxyMs.p99)}`,
    `  added      p50 ${ms(latency.addedMs.p50)}, p99 ${ms(latency.addedMs.p99)} (aims: 3 ms, 10 ms)`,
    "",
    `commits      per charge that write: ${database.writesPerCharge.full.toFixed(3)} at full load, ${database.writesPerCharge.half.toFixed(3)} at half load (idle gateway, taken off: ${database.idleWritesPerS.toFixed(1)}/s)`,
    `  batches    intents per commit: ${batch(intents)}; outcomes: ${batch(outcomes)}`,
    `  WAL        ${(database.walBytesPerCharge / 1024).toFixed(1)} KiB per charge at full load`,
    `  whole run  ${database.wholeRun.charges} charges: ${database.wholeRun.commitsPerCharge.toFixed(2)} commits (reads and background included) and ${database.wholeRun.walFsyncsPerCharge.toFixed(3)} WAL flushes per charge`,
    "",
    ...agreement.accounts.map(({ who, charges, amount }) => `agreement    ${who.padEnd(22)} ${charges} charges, ${amount} minor units`),
    agreement.faults.length === 0
      ? "             all agree; one capture per charge; the audit trail's chain is whole"
      : `THE RESULT IS WORTHLESS:\n${agreement.faults.map((fault) => `  - ${fault}`).join("\n")}`,
  ].join("\n");
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`;
}
