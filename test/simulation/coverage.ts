/** What a charge can go through. A run of 2,000 seeds that misses one has lost some of its storms. */
export const EXPECTED_TRANSITIONS: readonly string[] = [
  "new -> processing",
  "new -> deferred",
  "processing -> succeeded",
  "processing -> failed",
  "processing -> in_doubt",
  "processing -> pending",
  "processing -> requires_action",
  "processing -> deferred",
  "in_doubt -> succeeded",
  "in_doubt -> failed",
  "in_doubt -> processing",
  "in_doubt -> pending",
  "in_doubt -> deferred",
  "in_doubt -> requires_action",
  "pending -> succeeded",
  "pending -> failed",
  "requires_action -> succeeded",
  "requires_action -> failed",
  "deferred -> processing",
  "deferred -> failed",
  "deferred -> canceled",
  "failed -> succeeded",
];

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

  fault(fault: string, during: string): void {
    const name = `${fault} during ${during}`;
    this.faults[name] = (this.faults[name] ?? 0) + 1;
  }

  add(other: Coverage): void {
    for (const part of ["counts", "transitions", "faults"] as const) {
      for (const [name, count] of Object.entries(other[part])) this[part][name] = (this[part][name] ?? 0) + count;
    }
  }

  neverSeen(): string[] {
    return EXPECTED_TRANSITIONS.filter((name) => this.transitions[name] === undefined);
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
