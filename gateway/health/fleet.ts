import type { Clock, Random } from "../../providers/contract/clock.ts";
import type { Money } from "../../providers/contract/money.ts";
import type { Provider } from "../../providers/contract/provider.ts";
import { ApprovalBook, EVERYONE, providerOfCounts, type Segment, segmentName } from "../../routing/approval.ts";
import { type Contender, choose, type Decision, gateObstacle, onlyAmong, operatorObstacle } from "../../routing/choose.ts";
import { type Decaying, plusOne, valueAt } from "../../routing/decay.ts";
import { type Gate, rebased } from "../../routing/health-gate.ts";
import { HEARTBEAT_MS, type Heartbeat, heard, livingInstances, type Presence } from "../../routing/presence.ts";
import { Replica } from "../../routing/replica.ts";
import { NO_RULES, type ProviderDefaults, type RoutingRules, type RulesInForce, withDefaults } from "../../routing/rules.ts";
import type { Circuit } from "./circuit.ts";
import { FleetClock } from "./fleet-clock.ts";
import { withNotConfigured } from "./not-configured.ts";
import type { Overrides } from "./overrides.ts";
import { type GateView, ProviderCircuit } from "./provider-circuit.ts";
import { type ProviderStatus, statusOf } from "./provider-status.ts";
import type { SharedDocuments } from "./shared-documents.ts";
import { type SharedPart, SharedState, type StoreStatus, sharedPart } from "./shared-state.ts";
import { takeCounts, takeGate, takePresence } from "./shared-values.ts";
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
  /** Openings and closings that are this instance's to record: those of the fleet once in the fleet, while its store answers. */
  onRecord(listener: (change: ProviderChange) => void): void;
  /** Identity not (or no longer) checked: no new attempts. Every provider starts so. */
  markUnverified(providerId: string, detail: string): void;
  markVerified(providerId: string): void;
  /** A cheap read at the provider, made to see whether it is there, worked or did not: a signal, not a verdict. */
  recordRead(providerId: string, works: boolean): void;
  /** What a provider's own attempts say lately. */
  traffic(providerId: string): Traffic;
  /** How many live, this one included. */
  instances(): number;
  /** The store by which instances share what they know; null: none is configured. */
  store(): StoreStatus | null;
  /** Looks at slow calls, ended openings and what other instances know also while nobody calls, so that `onChange` is prompt. */
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

export interface Traffic {
  /** Its gate is not closed, or its last attempt was a fault. */
  readonly ill: boolean;
  /** Milliseconds since this instance's last attempt there, or since it started. */
  readonly idleMs: number;
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
  /** Of this instance's own gate: it alone finds, or found, the provider ill. */
  readonly alone: boolean;
}

export interface FleetOptions {
  /** In order of preference. */
  readonly providers: readonly Pick<Provider, "id" | "capabilities">[];
  readonly clock: Clock;
  readonly random: Random;
  readonly overrides: Overrides;
  /** Unique in the fleet. */
  readonly instance: string;
  /** What instances share; null: this one is alone. Closed with the fleet. */
  readonly documents: SharedDocuments | null;
  /** What the business decided. Default: nothing. */
  readonly rules?: () => RulesInForce;
  /** Fees and limits of the configuration. Default: none. */
  readonly defaults?: ProviderDefaults;
  /** A listener threw: a bug, kept out of the payment's path. */
  readonly onBug: (error: unknown) => void;
}

/** How often slow calls and ended openings are looked at when no charge arrives. */
const TICK_MS = 500;
/** A tick that comes so much too late: this process was not running. */
const STALL_MS = 1_000;
/** The share of attempts is a recent one. */
const SHARE_HALF_LIFE_MS = 120_000;
/** Below it a share says nothing. */
const SHARE_MIN_ATTEMPTS = 0.5;

/** What documents are called: a gate by its provider, counts by the approval book's name. */
const GATE = "gate:";
const APPROVAL = "approval:";
const PRESENCE = "instances";

interface Member {
  readonly id: string;
  readonly priority: number;
  readonly currencies: ReadonlySet<string> | null;
  readonly circuit: ProviderCircuit;
  unverified: string | null;
  attempts: Decaying;
  admitted: number;
}

export function createFleet(options: FleetOptions): Fleet {
  return new SharedFleet(options);
}

class SharedFleet implements Fleet {
  readonly #options: FleetOptions;
  readonly #time: FleetClock;
  readonly #members: ReadonlyMap<string, Member>;
  readonly #approvals = new ApprovalBook();
  readonly #presence = new Replica<Presence, Heartbeat>({}, heard);
  readonly #state: SharedState;
  readonly #volume = new VolumeBook();
  /** The rules as they are stored, and with what the configuration adds. */
  #stored: RulesInForce | null = null;
  #inForce = NO_RULES;
  readonly #listeners: ((change: ProviderChange) => void)[] = [];
  readonly #recorders: ((change: ProviderChange) => void)[] = [];
  #heartbeatDue = Number.NEGATIVE_INFINITY;
  #tickDue = Number.POSITIVE_INFINITY;
  #stalledUntil = Number.NEGATIVE_INFINITY;
  #stopTick = (): void => {};

  constructor(options: FleetOptions) {
    const { clock, documents, onBug } = options;
    this.#options = options;
    this.#time = new FleetClock(clock);
    this.#members = new Map(options.providers.map((provider, priority) => [provider.id, this.#newMember(provider, priority)]));
    const lasting = [...this.#members.keys()].map((id) => `${GATE}${id}`);
    this.#state = new SharedState({
      documents,
      instance: options.instance,
      clock,
      time: this.#time,
      part: (name) => this.#part(name),
      lasting: () => lasting,
      onBug,
    });
  }

  choose(query: ChoiceQuery): Decision {
    const decision = this.#choose(query, this.#rules());
    const [first] = decision.order;
    if (first !== undefined) this.#volume.count(first, this.#allowance(first, this.#rules()), this.#options.clock.monotonic());
    return decision;
  }

  explain(query: ChoiceQuery, rules?: RoutingRules): Decision {
    const inForce = this.#rules();
    return this.#choose(query, rules === undefined ? inForce : { version: inForce.version, rules: this.#complete(rules) });
  }

  #choose(query: ChoiceQuery, rules: RulesInForce): Decision {
    const now = this.#time.now();
    const approvalOf = this.#approvals.estimates(segmentName(query.segment), now);
    const instances = this.instances();
    const monotonic = this.#options.clock.monotonic();
    const contenders = this.#all().map((member): Contender => {
      const volume = this.#volume.standing(member.id, { limits: rules.rules.providers?.[member.id]?.limits, instances }, monotonic);
      return {
        provider: member.id,
        unverified: member.unverified,
        override: this.#options.overrides.modeOf(member.id),
        priority: member.priority,
        hasToken: query.providers.includes(member.id),
        excluded: query.excluded.includes(member.id),
        takesCurrency: member.currencies?.has(query.money.currency) ?? true,
        gate: member.circuit.gate(),
        approval: approvalOf(member.id, member.priority),
        limitReached: volume.limitReached,
        overShare: volume.overShare,
      };
    });
    const charge = { id: query.chargeId ?? "", ...query.segment, amount: Number(query.money.amount) };
    const decision = choose({ now, random: this.#options.random, contenders, charge, rules });
    return withNotConfigured(decision, query, (id) => this.#members.has(id));
  }

  available(): readonly string[] {
    const only = this.#only();
    const rules = this.#rules();
    const now = this.#options.clock.monotonic();
    const limited = ({ id }: Member) => this.#volume.standing(id, this.#allowance(id, rules), now).limitReached !== null;
    return this.#all().flatMap((member) => (this.#obstacle(member, only) === null && !limited(member) ? [member.id] : []));
  }

  circuit(providerId: string): Circuit {
    return this.#member(providerId).circuit;
  }

  recordApproval(providerId: string, segment: Segment, approved: boolean): void {
    for (const name of this.#approvals.record(providerId, segment, approved, this.#time.now())) {
      this.#state.touch(`${APPROVAL}${name}`, false);
    }
  }

  recordRead(providerId: string, works: boolean): void {
    this.#member(providerId).circuit.read(works);
  }

  traffic(providerId: string): Traffic {
    const { circuit, attempts } = this.#member(providerId);
    const gate = circuit.gate();
    return { ill: gate.state !== "closed" || gate.faultsInARow > 0, idleMs: this.#options.clock.monotonic() - attempts.at };
  }

  instances(): number {
    return livingInstances(this.#presence.view, this.#time.now());
  }

  store(): StoreStatus | null {
    return this.#options.documents && this.#state.status;
  }

  status(): readonly ProviderStatus[] {
    const { clock, overrides } = this.#options;
    const now = this.#time.now();
    const only = this.#only();
    const recent = ({ attempts }: Member) => valueAt(attempts, clock.monotonic(), SHARE_HALF_LIFE_MS);
    const approvalOf = this.#approvals.estimates(null, now);
    const total = this.#all().reduce((sum, member) => sum + recent(member), 0);
    return this.#all().map((member) =>
      statusOf({
        provider: member.id,
        obstacle: this.#obstacle(member, only),
        unverified: member.unverified,
        override: overrides.current().get(member.id) ?? null,
        ...member.circuit.view(),
        approval: approvalOf(member.id, member.priority),
        latency: member.circuit.latency.percentiles(clock.monotonic()),
        inFlight: member.circuit.inFlight,
        attempts: member.admitted,
        breaker: member.circuit.breaker.stats,
        share: total < SHARE_MIN_ATTEMPTS ? null : recent(member) / total,
        now,
        wallMinusFleet: clock.now() - now,
      }),
    );
  }

  onChange(listener: (change: ProviderChange) => void): void {
    this.#listeners.push(listener);
  }

  onRecord(listener: (change: ProviderChange) => void): void {
    this.#recorders.push(listener);
  }

  markUnverified(providerId: string, detail: string): void {
    this.#member(providerId).unverified = detail;
  }

  markVerified(providerId: string): void {
    this.#member(providerId).unverified = null;
  }

  start(): void {
    this.#state.start();
    this.#tick();
  }

  close(): void {
    this.#stopTick();
    this.#state.close();
    for (const { circuit } of this.#all()) circuit.breaker.shutdown();
  }

  #tick(): void {
    const { clock } = this.#options;
    const now = clock.monotonic();
    if (now - this.#tickDue > STALL_MS) this.#stalledUntil = now + STALL_MS;
    for (const { circuit } of this.#all()) circuit.view();
    if (now >= this.#heartbeatDue) this.#heartbeat();
    this.#tickDue = now + TICK_MS;
    this.#stopTick = clock.after(TICK_MS, () => this.#tick());
  }

  #heartbeat(): void {
    this.#heartbeatDue = this.#options.clock.monotonic() + HEARTBEAT_MS;
    this.#presence.add({ at: this.#time.now(), by: this.#options.instance });
    this.#state.touch(PRESENCE, false);
  }

  #newMember({ id, capabilities }: FleetOptions["providers"][number], priority: number): Member {
    const { clock, random, overrides, instance } = this.#options;
    const member: Member = {
      id,
      priority,
      currencies: capabilities.currencies,
      unverified: "its identity is not checked yet",
      attempts: { value: 0, at: clock.monotonic() },
      admitted: 0,
      circuit: new ProviderCircuit({
        provider: id,
        instance,
        clock,
        time: this.#time,
        random,
        override: () => overrides.modeOf(id),
        obstacle: () => operatorObstacle(this.#standing(member), this.#only())?.why ?? null,
        stalled: () => clock.monotonic() < this.#stalledUntil,
        onAdmit: () => {
          member.attempts = plusOne(member.attempts, clock.monotonic(), SHARE_HALF_LIFE_MS);
          member.admitted += 1;
        },
        onEvent: (urgent) => this.#state.touch(`${GATE}${id}`, urgent),
        onTransition: (from, to) => this.#tell(this.#listeners, id, from, to),
        onRecord: (from, to) => this.#tell(this.#recorders, id, from, to),
      }),
    };
    return member;
  }

  /** What the store calls by this name. */
  #part(name: string): SharedPart | null {
    if (name.startsWith(GATE)) {
      const circuit = this.#members.get(name.slice(GATE.length))?.circuit;
      if (!circuit) return null;
      const { shared } = circuit;
      const take = (value: unknown, reset: boolean) => takeGate(value, shared.view, this.#time.now(), reset);
      return sharedPart({
        replica: shared,
        take,
        ours: () => rebased(shared.base, this.#time.now()),
        adopted: () => circuit.adopted(),
        accepted: (before, after) => circuit.accepted(before, after),
        unheard: () => circuit.unheard(),
      });
    }
    if (name === PRESENCE) return sharedPart({ replica: this.#presence, take: takePresence, adopted: () => {} });
    if (!name.startsWith(APPROVAL)) return null;
    const counts = name.slice(APPROVAL.length);
    // Of a provider that is not configured here nothing is kept: a store may name any number of them.
    if (counts !== EVERYONE && !this.#members.has(providerOfCounts(counts))) return null;
    const take = (value: unknown) => takeCounts(value, this.#time.now());
    return sharedPart({ replica: this.#approvals.replica(counts), take, adopted: () => {} });
  }

  #tell(
    listeners: readonly ((change: ProviderChange) => void)[],
    provider: string,
    { gate: from }: GateView,
    { gate: to, alone }: GateView,
  ): void {
    const reason = to.state === "closed" ? "all probes passed" : to.reason;
    const openForMs = to.state === "open" ? Math.round(to.openUntil - to.since) : null;
    const { trips, generation } = to;
    const change = { provider, from: from.state, to: to.state, reason, trips, generation, openForMs, alone };
    for (const listener of listeners) {
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
    return { limits: rules.providers?.[id]?.limits, instances: this.instances() };
  }

  #rules(): RulesInForce {
    const stored = this.#options.rules?.() ?? NO_RULES;
    if (this.#stored !== stored) this.#inForce = { version: stored.version, rules: this.#complete(stored.rules) };
    this.#stored = stored;
    return this.#inForce;
  }

  #complete(rules: RoutingRules): RoutingRules {
    return withDefaults(rules, this.#options.defaults ?? {});
  }
}
