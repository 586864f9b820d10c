import { SQL_FAULTS, WIRE_FAULTS } from "./weather.ts";

const WHEN = ["during prepare", "during commit", "during capture", "during lookup", "while processing", "while in_doubt"];

/**
 * What a run of 1,300 seeds has to see: one that misses something has lost some of its storms. Rarer ones (canceled -> succeeded) are
 * counted, and tested directly.
 */
const EXPECTED: CoverageNames = {
  transitions: [
    "new -> processing",
    "new -> deferred",
    "new -> failed",
    "processing -> succeeded",
    "processing -> failed",
    "processing -> in_doubt",
    "processing -> pending",
    "processing -> requires_action",
    "processing -> deferred",
    "processing -> authorized",
    "authorized -> succeeded",
    "authorized -> canceled",
    "authorized -> in_doubt",
    "authorized -> pending",
    "in_doubt -> succeeded",
    "in_doubt -> failed",
    "in_doubt -> processing",
    "in_doubt -> pending",
    "in_doubt -> deferred",
    "in_doubt -> requires_action",
    "in_doubt -> authorized",
    "pending -> succeeded",
    "pending -> failed",
    "pending -> authorized",
    "requires_action -> succeeded",
    "requires_action -> failed",
    "deferred -> processing",
    "deferred -> failed",
    "deferred -> canceled",
    "failed -> succeeded",
  ],
  faults: [
    ...WIRE_FAULTS.flatMap((fault) => WHEN.map((when) => `${fault} ${when}`)),
    ...SQL_FAULTS.flatMap((fault) => ["accept_charges", "write_transitions"].map((statement) => `${fault} during ${statement}`)),
  ],
  counts: [
    "failovers",
    "doubts",
    "crashes",
    "pauses",
    "suspensions",
    "clock jumps",
    "boots without a provider",
    "writes refused by the lease",
    "settled by hand: charged",
    "settled by hand: not_charged",
    "cancels asked",
    "dead letters",
    "dead letters replayed",
    "late evidence",
    "late successes",
    "adoptions",
    "compensations",
    "cancels repeated",
    "captures asked",
    "captures of a part asked",
    "voids asked",
    "intents to capture",
    "intents to void",
    "operation in_doubt",
    "operation pending",
    "operation deferred",
    "operation failed",
    "orphans",
    "orphans released",
    "orphans taken back",
    "holds lapsed",
    "refunds asked",
    "refunds",
    "sent refund",
    "struck cancel",
    "struck refund",
  ],
};

/** Of these, so many in 1,300 seeds: law 8 is in danger only where a processor breaks its word or answers late. */
const AT_LEAST: Readonly<Record<string, number>> = {
  "late evidence": 100,
  "late successes": 8,
  adoptions: 15,
  compensations: 60,
  orphans: 60,
  "orphans released": 20,
  "struck cancel": 40,
  "struck refund": 40,
};

type CoverageNames = Readonly<Record<keyof CoverageCounts, readonly string[]>>;

export type CoverageCounts = Readonly<Record<"counts" | "transitions" | "faults", Readonly<Record<string, number>>>>;

/** What a run has seen: a law that was never in danger was never tested. */
export class Coverage {
  readonly counts: Record<string, number> = {};
  readonly transitions: Record<string, number> = {};
  readonly faults: Record<string, number> = {};

  count(what: string, by = 1): void {
    this.counts[what] = (this.counts[what] ?? 0) + by;
  }

  transition(from: string | null, to: string): void {
    const name = `${from ?? "new"} -> ${to}`;
    this.transitions[name] = (this.transitions[name] ?? 0) + 1;
  }

  /** `when`: during what, or in which state of the charge. */
  fault(fault: string, when: string): void {
    const name = `${fault} ${when}`;
    this.faults[name] = (this.faults[name] ?? 0) + 1;
  }

  toCounts(): CoverageCounts {
    return { counts: this.counts, transitions: this.transitions, faults: this.faults };
  }

  add(other: CoverageCounts): void {
    for (const part of ["counts", "transitions", "faults"] as const) {
      for (const [name, count] of Object.entries(other[part])) this[part][name] = (this[part][name] ?? 0) + count;
    }
  }

  neverSeen(): string[] {
    return (["transitions", "faults", "counts"] as const).flatMap((part) =>
      EXPECTED[part].filter((name) => (this[part][name] ?? 0) < (AT_LEAST[name] ?? 1)),
    );
  }

  report(): string {
    const lines = (title: string, of: Record<string, number>) => [
      title,
      ...Object.entries(of)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, count]) => `  ${String(count).padStart(8)}  ${name}`),
    ];
    return [...lines("counts", this.counts), ...lines("transitions", this.transitions), ...lines("faults", this.faults)].join("\n");
  }
}
