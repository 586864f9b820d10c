import { gateObstacle, type OverrideMode, onlyAmong, operatorObstacle } from "../../routing/choose.ts";
import { type Decaying, plusOne, valueAt } from "../../routing/decay.ts";
import { SHARE_HALF_LIFE_MS } from "../../routing/volume-limits.ts";
import type { ProviderCircuit } from "./provider-circuit.ts";

/** Below it a share says nothing. */
const SHARE_MIN_ATTEMPTS = 0.5;

/** A configured provider, as this instance has it. */
export interface Member {
  readonly id: string;
  readonly priority: number;
  /** null: all. */
  readonly currencies: ReadonlySet<string> | null;
  readonly circuit: ProviderCircuit;
  /** null: its identity is verified. Else why not. */
  unverified: string | null;
  /** Made by this instance: a share is taken of the recent ones. */
  attempts: Decaying;
  /** Since this instance started. */
  admitted: number;
}

/** In configured order, and what operators and identities say about them. */
export class FleetMembers {
  readonly #byId: ReadonlyMap<string, Member>;
  readonly #all: readonly Member[];
  readonly #modeOf: (id: string) => OverrideMode | null;

  constructor(all: readonly Member[], modeOf: (id: string) => OverrideMode | null) {
    this.#all = all;
    this.#byId = new Map(all.map((member) => [member.id, member]));
    this.#modeOf = modeOf;
  }

  get all(): readonly Member[] {
    return this.#all;
  }

  find(id: string): Member | undefined {
    return this.#byId.get(id);
  }

  /** Throws for a provider that is not configured. */
  get(id: string): Member {
    const member = this.#byId.get(id);
    if (!member) throw new Error(`provider ${id} is not configured`);
    return member;
  }

  /** Providers with the override `only`; null: there is none. */
  only(): ReadonlySet<string> | null {
    return onlyAmong(this.#all.map((member) => this.#standing(member)));
  }

  /** What stands against a new attempt, whatever the charge and whatever its health; null: nothing. */
  forbidden(member: Member): string | null {
    return operatorObstacle(this.#standing(member), this.only())?.why ?? null;
  }

  /** The same, health included. */
  obstacle(member: Member, only: ReadonlySet<string> | null): string | null {
    const one = { ...this.#standing(member), gate: member.circuit.gate() };
    return (operatorObstacle(one, only) ?? gateObstacle(one))?.why ?? null;
  }

  /** Of this instance's recent attempts; null when there were none. `now`: the monotonic clock's. */
  shares(now: number): (member: Member) => number | null {
    const recent = ({ attempts }: Member) => valueAt(attempts, now, SHARE_HALF_LIFE_MS);
    const total = this.#all.reduce((sum, member) => sum + recent(member), 0);
    return (member) => (total < SHARE_MIN_ATTEMPTS ? null : recent(member) / total);
  }

  #standing({ id, unverified }: Member) {
    return { provider: id, unverified, override: this.#modeOf(id) };
  }
}

/** `now`: the monotonic clock's. */
export function attempted(member: Member, now: number): void {
  member.attempts = plusOne(member.attempts, now, SHARE_HALF_LIFE_MS);
  member.admitted += 1;
}
