import type { Clock, Random } from "../../providers/contract/clock.ts";
import type { Money } from "../../providers/contract/money.ts";
import type { Provider } from "../../providers/contract/provider.ts";
import { ApprovalBook, type Segment } from "../../routing/approval.ts";
import { type Contender, choose, type Decision, gateObstacle, onlyAmong, operatorObstacle } from "../../routing/choose.ts";
import { type Decaying, plusOne, valueAt } from "../../routing/decay.ts";
import type { Gate } from "../../routing/health-gate.ts";
import { NO_RULES, type RoutingRules, type RulesInForce } from "../../routing/rules.ts";
import type { Circuit } from "./circuit.ts";
import type { Overrides } from "./overrides.ts";
import { ProviderCircuit } from "./provider-circuit.ts";
import { type ProviderStatus, statusOf } from "./provider-status.ts";
import { VolumeBook } from "./volume-book.ts";

/** The configured providers as this instance sees them: their health, approval, and what operators decided. */
export interface Fleet {
  /** No I/O: an in-process snapshot. Counts against the limits of the provider that it puts first; takes no probe. */
  choose(query: ChoiceQuery): Decision;
  /** The same without a charge, and counts nothing. `rules`: as if they were in force. */
  explain(query: ChoiceQuery, rules?: RoutingRules): Decision;
  /** Who can take a new attempt now, at least as a probe. */
  available(): readonly string[];
  /** Throws for a provider that is not configured. */
  circuit(providerId: string): Circuit;
  /** The approval signal: only from issuers' answers. */
  recordApproval(providerId: string, segment: Segment, approved: boolean): void;
  /** In configured order. */
  status(): readonly ProviderStatus[];
  /** Called in the step that changes a gate. */
  onChange(listener: (change: ProviderChange) => void): void;
  /** Identity not (or no longer) checked: no new attempts. Every provider starts so. */
  markUnverified(providerId: string, detail: string): void;
  markVerified(providerId: string): void;
  /** Looks at slow calls and ended openings also while nobody calls, so that `onChange` is prompt. */
  start(): void;
  /** Ends timers; nothing can be sent afterwards. */
  close(): void;
}

export interface ChoiceQuery {
  /** Those that the payment method has a token for. */
  readonly providers: readonly string[];
  /** Not eligible for this charge again. */
  readonly excluded: readonly string[];
  /** What a volume split goes by. Without one, all are as one charge. */
  readonly chargeId?: string;
  readonly segment: Segment;
  readonly money: Money;
}

export interface ProviderChange {
  readonly provider: string;
  readonly from: Gate["state"];
  readonly to: Gate["state"];
  /** What opened it. */
  readonly reason: string;
  readonly trips: number;
  readonly generation: number;
  /** Milliseconds until it half-opens; null unless it opened. */
  readonly openForMs: number | null;
}

export interface FleetOptions {
  /** In order of preference. */
  readonly providers: readonly Pick<Provider, "id" | "capabilities">[];
  readonly clock: Clock;
  readonly random: Random;
  readonly overrides: Overrides;
  /** What the business decided. Default: nothing. */
  readonly rules?: () => RulesInForce;
  /** How many share the limits of the rules. Default: this one. */
  readonly instances?: () => number;
  /** A listener threw: a bug, kept out of the payment's path. */
  readonly onBug: (error: unknown) => void;
}

/** How often slow calls and ended openings are looked at when no charge arrives. */
const TICK_MS = 500;
/** The share of attempts is a recent one. */
const SHARE_HALF_LIFE_MS = 120_000;
/** Below it a share says nothing. */
const SHARE_MIN_ATTEMPTS = 0.5;

interface Member {
  readonly id: string;
  readonly priority: number;
  readonly currencies: ReadonlySet<string> | null;
  readonly circuit: ProviderCircuit;
  unverified: string | null;
  attempts: Decaying;
}

export function createFleet(options: FleetOptions): Fleet {
  return new LocalFleet(options);
}

class LocalFleet implements Fleet {
  readonly #options: FleetOptions;
  readonly #members: ReadonlyMap<string, Member>;
  readonly #approvals = new ApprovalBook();
  readonly #volume = new VolumeBook();
  readonly #listeners: ((change: ProviderChange) => void)[] = [];
  #stopTick = (): void => {};

  constructor(options: FleetOptions) {
    this.#options = options;
    this.#members = new Map(options.providers.map((provider, priority) => [provider.id, this.#newMember(provider, priority)]));
  }

  choose(query: ChoiceQuery): Decision {
    const decision = this.#choose(query, this.#rules());
    const [first] = decision.order;
    if (first !== undefined) this.#volume.count(first, this.#allowance(first, this.#rules()), this.#now());
    return decision;
  }

  explain(query: ChoiceQuery, rules?: RoutingRules): Decision {
    const inForce = this.#rules();
    return this.#choose(query, rules === undefined ? inForce : { version: inForce.version, rules });
  }

  #choose(query: ChoiceQuery, rules: RulesInForce): Decision {
    const now = this.#now();
    const contenders = this.#all().map((member): Contender => {
      const volume = this.#volume.standing(member.id, this.#allowance(member.id, rules), now);
      return {
        provider: member.id,
        unverified: member.unverified,
        override: this.#options.overrides.modeOf(member.id),
        priority: member.priority,
        hasToken: query.providers.includes(member.id),
        excluded: query.excluded.includes(member.id),
        takesCurrency: member.currencies?.has(query.money.currency) ?? true,
        gate: member.circuit.gate(),
        approval: this.#approvals.estimate(member.id, query.segment, member.priority, now),
        limitReached: volume.limitReached,
        overShare: volume.overShare,
      };
    });
    const charge = { id: query.chargeId ?? "", ...query.segment, amount: Number(query.money.amount) };
    return choose({ now, random: this.#options.random, contenders, charge, rules });
  }

  available(): readonly string[] {
    const only = this.#only();
    const rules = this.#rules();
    const limited = ({ id }: Member) => this.#volume.standing(id, this.#allowance(id, rules), this.#now()).limitReached !== null;
    return this.#all().flatMap((member) => (this.#obstacle(member, only) === null && !limited(member) ? [member.id] : []));
  }

  circuit(providerId: string): Circuit {
    return this.#member(providerId).circuit;
  }

  recordApproval(providerId: string, segment: Segment, approved: boolean): void {
    this.#approvals.record(providerId, segment, approved, this.#now());
  }

  status(): readonly ProviderStatus[] {
    const { clock, overrides } = this.#options;
    const now = this.#now();
    const only = this.#only();
    const recent = ({ attempts }: Member) => valueAt(attempts, now, SHARE_HALF_LIFE_MS);
    const total = this.#all().reduce((sum, member) => sum + recent(member), 0);
    return this.#all().map((member) =>
      statusOf({
        provider: member.id,
        obstacle: this.#obstacle(member, only),
        unverified: member.unverified,
        override: overrides.current().get(member.id) ?? null,
        gate: member.circuit.gate(),
        approval: this.#approvals.estimate(member.id, null, member.priority, now),
        latency: member.circuit.latency.percentiles(now),
        inFlight: member.circuit.inFlight,
        breaker: member.circuit.breaker.stats,
        share: total < SHARE_MIN_ATTEMPTS ? null : recent(member) / total,
        now,
        wallMinusMonotonic: clock.now() - now,
      }),
    );
  }

  onChange(listener: (change: ProviderChange) => void): void {
    this.#listeners.push(listener);
  }

  markUnverified(providerId: string, detail: string): void {
    this.#member(providerId).unverified = detail;
  }

  markVerified(providerId: string): void {
    this.#member(providerId).unverified = null;
  }

  start(): void {
    for (const { circuit } of this.#all()) circuit.gate();
    this.#stopTick = this.#options.clock.after(TICK_MS, () => this.start());
  }

  close(): void {
    this.#stopTick();
    for (const { circuit } of this.#all()) circuit.breaker.shutdown();
  }

  #newMember({ id, capabilities }: FleetOptions["providers"][number], priority: number): Member {
    const { clock, random, overrides } = this.#options;
    const member: Member = {
      id,
      priority,
      currencies: capabilities.currencies,
      unverified: "its identity is not checked yet",
      attempts: { value: 0, at: 0 },
      circuit: new ProviderCircuit({
        provider: id,
        clock,
        random,
        override: () => overrides.modeOf(id),
        obstacle: () => operatorObstacle(this.#standing(member), this.#only())?.why ?? null,
        onAdmit: () => {
          member.attempts = plusOne(member.attempts, this.#now(), SHARE_HALF_LIFE_MS);
        },
        onTransition: (from, to) => this.#tell(id, from, to),
      }),
    };
    return member;
  }

  #tell(provider: string, from: Gate, to: Gate): void {
    const reason = to.state === "closed" ? "all probes passed" : to.reason;
    const openForMs = to.state === "open" ? Math.round(to.openUntil - to.since) : null;
    const change = { provider, from: from.state, to: to.state, reason, trips: to.trips, generation: to.generation, openForMs };
    for (const listener of this.#listeners) {
      try {
        listener(change);
      } catch (bug) {
        this.#options.onBug(bug);
      }
    }
  }

  /** What stands against a new attempt, whatever the charge; null: nothing. */
  #obstacle(member: Member, only: ReadonlySet<string> | null): string | null {
    const one = { ...this.#standing(member), gate: member.circuit.gate() };
    return (operatorObstacle(one, only) ?? gateObstacle(one))?.why ?? null;
  }

  #standing({ id, unverified }: Member) {
    return { provider: id, unverified, override: this.#options.overrides.modeOf(id) };
  }

  #only(): ReadonlySet<string> | null {
    return onlyAmong(this.#all().map((member) => this.#standing(member)));
  }

  #member(id: string): Member {
    const member = this.#members.get(id);
    if (!member) throw new Error(`provider ${id} is not configured`);
    return member;
  }

  #all(): Member[] {
    return [...this.#members.values()];
  }

  #allowance(id: string, { rules }: RulesInForce) {
    return { limits: rules.providers?.[id]?.limits, instances: Math.max(1, this.#options.instances?.() ?? 1) };
  }

  #rules(): RulesInForce {
    return this.#options.rules?.() ?? NO_RULES;
  }

  #now(): number {
    return this.#options.clock.monotonic();
  }
}
