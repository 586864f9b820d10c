import { type NewFinding, RECONCILIATION, recordFindings, resolveFindings } from "../store/findings.ts";
import { extendRun, type Run, type RunLease } from "../store/reconciliation-runs.ts";
import { Looks } from "./look.ts";
import { type Parts, RUN_LEASE_MS } from "./parts.ts";

/** Somebody else has taken the run up: whatever this one still does would be the second time. */
export class RunLost extends Error {
  override readonly name = "RunLost";
}

/** What could not be verified is named in the report, up to this many. */
const MAX_NAMED = 100;

/** One run under our lease: what it has found so far. */
export class Session {
  readonly parts: Parts;
  readonly run: Run;
  readonly lease: RunLease;
  readonly looks: Looks;
  /** Before anything was compared: what is not seen again from here on is gone. */
  readonly since: Date;
  /** Newer than this may be under way. */
  readonly settledBefore: Date;
  /** Accounts of the providers whose lists were read to the end: nothing is compared with the others. */
  readonly compared = new Map<string, string>();
  readonly judged = new Set<string>();
  readonly #unverified = new Map<string, Set<string>>();
  #unverifiedCount = 0;
  #seen = 0;
  #fresh = 0;
  #resolved = 0;
  #underWay = 0;

  constructor(parts: Parts, run: Run) {
    this.parts = parts;
    this.run = run;
    this.lease = { id: run.id, no: run.lease_no };
    this.looks = new Looks(parts);
    this.since = new Date(parts.clock.now());
    this.settledBefore = new Date(parts.clock.now() - parts.settings.settleMs);
  }

  /** Says that this run is alive. Throws `RunLost`. */
  async alive(): Promise<void> {
    if (!(await extendRun(this.parts.db, this.lease, this.leaseEnd()))) throw new RunLost(`the run ${this.run.id} was taken over`);
  }

  leaseEnd(): Date {
    return new Date(this.parts.clock.now() + RUN_LEASE_MS);
  }

  async record(findings: readonly Omit<NewFinding, "id">[]): Promise<void> {
    if (findings.length === 0) return;
    const { db, clock, newId } = this.parts;
    const rows = findings.map((finding) => ({ id: newId("fd"), ...finding }));
    this.#seen += rows.length;
    const fresh = await recordFindings(db, rows, { actor: RECONCILIATION, now: new Date(clock.now()) });
    // Not in one expression with the await: several charges are judged at once.
    this.#fresh += fresh.length;
  }

  async resolve(ids: readonly string[]): Promise<void> {
    this.resolvedToo(await resolveFindings(this.parts.db, ids, new Date(this.parts.clock.now())));
  }

  resolvedToo(count: number): void {
    this.#resolved += count;
  }

  unverified(provider: string, subject: string): void {
    const named = this.#unverified.get(provider) ?? new Set();
    this.#unverified.set(provider, named.add(subject));
    this.#unverifiedCount += 1;
  }

  unverifiedOf(provider: string): string[] {
    return [...(this.#unverified.get(provider) ?? [])];
  }

  underWay(): void {
    this.#underWay += 1;
  }

  report(providers: object): object {
    const named = [...this.#unverified].flatMap(([provider, subjects]) => [...subjects].map((subject) => ({ provider, subject })));
    return {
      providers,
      findings: { seen: this.#seen, new: this.#fresh, resolved: this.#resolved },
      looked_up: this.looks.count,
      under_way: this.#underWay,
      unverified: { count: this.#unverifiedCount, first: named.slice(0, MAX_NAMED) },
    };
  }
}
