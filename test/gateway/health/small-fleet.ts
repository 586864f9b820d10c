import type { Refused, Ticket } from "../../../gateway/health/circuit.ts";
import { createFleet, type Fleet } from "../../../gateway/health/fleet.ts";
import type { Override } from "../../../gateway/store/overrides.ts";
import type { Currency } from "../../../providers/contract/money.ts";
import type { OverrideMode } from "../../../routing/choose.ts";
import { ManualClock } from "../../support/manual-clock.ts";

export interface Result {
  readonly kind: "ok" | "fault";
}
export const OK: Result = { kind: "ok" };
export const FAULT: Result = { kind: "fault" };
export const isFault = (result: Result) => result.kind === "fault";

export const QUERY = {
  providers: ["a", "b"],
  excluded: [],
  segment: { country: "US", type: "card", currency: "usd", brand: "visa" },
  money: { amount: 4200n, currency: "usd" as Currency },
};

/** Two verified providers, `a` (every currency) before `b` (usd), with a clock, draws and overrides that the test sets. */
export class SmallFleet {
  readonly clock = new ManualClock();
  readonly modes = new Map<string, OverrideMode>();
  readonly bugs: unknown[] = [];
  readonly fleet: Fleet;
  draw = 0.5;

  constructor() {
    this.fleet = createFleet({
      providers: [
        { id: "a", capabilities: capabilities(null) },
        { id: "b", capabilities: capabilities(new Set(["usd"])) },
      ],
      clock: this.clock,
      random: () => this.draw,
      overrides: {
        current: () => new Map([...this.modes].map(([provider, mode]) => [provider, override(provider, mode)])),
        modeOf: (provider) => this.modes.get(provider) ?? null,
      },
      instance: "test",
      documents: null,
      onBug: (bug) => this.bugs.push(bug),
    });
    for (const id of ["a", "b"]) this.fleet.markVerified(id);
  }

  admit(id: string): Ticket {
    const ticket = this.fleet.circuit(id).admit();
    if (!ticket.admitted) throw new Error(ticket.reason);
    return ticket;
  }

  refusal(id: string): Refused {
    const refused = this.fleet.circuit(id).admit();
    if (refused.admitted) throw new Error("was admitted");
    return refused;
  }

  async attempt(id: string, ...steps: Result[]): Promise<void> {
    const ticket = this.admit(id);
    for (const result of steps) await ticket.run(async () => result, isFault);
    ticket.release();
  }

  async open(id: string): Promise<void> {
    while (this.state(id) === "closed") await this.attempt(id, FAULT);
  }

  state(id: string) {
    return this.fleet.status().find(({ provider }) => provider === id)?.circuit.state;
  }

  /** A call of a new attempt that is on its way until the test ends it. */
  hang(id: string) {
    const { promise, resolve } = Promise.withResolvers<Result>();
    return { end: resolve, ran: this.admit(id).run(() => promise, isFault) };
  }
}

function capabilities(currencies: ReadonlySet<string> | null) {
  return { fence: true, prepareKeyAgeMs: 1, commitKeyAgeMs: 1, operationKeyAgeMs: 1, holdMs: 1, currencies };
}

function override(provider: string, mode: OverrideMode): Override {
  return { provider, mode, reason: "test", actor: "key:1", createdAt: new Date(0), expiresAt: null };
}
