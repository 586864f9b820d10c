import type { Clock, Random } from "../../providers/contract/clock.ts";
import type { Provider } from "../../providers/contract/provider.ts";
import { ApprovalBook, type Segment } from "../../routing/approval.ts";
import type { Decision } from "../../routing/choose.ts";
import { HEARTBEAT_MS, type Heartbeat, heard, livingInstances, type Presence } from "../../routing/presence.ts";
import { Replica } from "../../routing/replica.ts";
import { NO_RULES, type ProviderDefaults, type RoutingRules, type RulesInForce } from "../../routing/rules.ts";
import type { Circuit } from "./circuit.ts";
import { type ChoiceQuery, FleetChoice } from "./fleet-choice.ts";
import { FleetClock } from "./fleet-clock.ts";
import { approvalDocument, fleetPart, gateDocument, PRESENCE_DOCUMENT } from "./fleet-documents.ts";
import { attempted, FleetMembers, type Member } from "./fleet-members.ts";
import type { Overrides } from "./overrides.ts";
import { ChangeListeners, type ProviderChange, providerChange } from "./provider-change.ts";
import { ProviderCircuit } from "./provider-circuit.ts";
import { type ProviderStatus, statusOf } from "./provider-status.ts";
import { Pulse } from "./pulse.ts";
import type { SharedDocuments } from "./shared-documents.ts";
import { SharedState, type StoreStatus } from "./shared-state.ts";

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

export interface Traffic {
  /** Its gate is not closed, or its last attempt was a fault. */
  readonly ill: boolean;
  /** Milliseconds since this instance's last attempt there, or since it started. */
  readonly idleMs: number;
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

export function createFleet(options: FleetOptions): Fleet {
  return new SharedFleet(options);
}

class SharedFleet implements Fleet {
  readonly #options: FleetOptions;
  readonly #time: FleetClock;
  readonly #members: FleetMembers;
  readonly #choice: FleetChoice;
  readonly #approvals = new ApprovalBook();
  readonly #presence = new Replica<Presence, Heartbeat>({}, heard);
  readonly #state: SharedState;
  readonly #changes: ChangeListeners;
  readonly #records: ChangeListeners;
  readonly #pulse: Pulse;
  #heartbeatDue = Number.NEGATIVE_INFINITY;

  constructor(options: FleetOptions) {
    const { clock, random, overrides, documents, instance, rules = () => NO_RULES, defaults = {}, onBug } = options;
    this.#options = options;
    this.#changes = new ChangeListeners(onBug);
    this.#records = new ChangeListeners(onBug);
    this.#pulse = new Pulse(clock, () => this.#beat());
    const time = new FleetClock(clock);
    this.#time = time;
    const members = new FleetMembers(
      options.providers.map((provider, priority) => this.#newMember(provider, priority)),
      (id) => overrides.modeOf(id),
    );
    this.#members = members;
    const approvals = this.#approvals;
    const instances = () => this.instances();
    this.#choice = new FleetChoice({ members, approvals, overrides, clock, time, random, instances, rules, defaults });
    const parts = { circuitOf: (id: string) => members.find(id)?.circuit, approvals, presence: this.#presence, time };
    const lasting = members.all.map(({ id }) => gateDocument(id));
    this.#state = new SharedState({ documents, instance, clock, time, lasting, onBug, part: (name) => fleetPart(name, parts) });
  }

  choose(query: ChoiceQuery): Decision {
    return this.#choice.choose(query);
  }

  explain(query: ChoiceQuery, rules?: RoutingRules): Decision {
    return this.#choice.explain(query, rules);
  }

  available(): readonly string[] {
    return this.#choice.available();
  }

  circuit(providerId: string): Circuit {
    return this.#members.get(providerId).circuit;
  }

  recordApproval(providerId: string, segment: Segment, approved: boolean): void {
    for (const name of this.#approvals.record(providerId, segment, approved, this.#time.now())) {
      this.#state.touch(approvalDocument(name), false);
    }
  }

  recordRead(providerId: string, works: boolean): void {
    this.#members.get(providerId).circuit.read(works);
  }

  traffic(providerId: string): Traffic {
    const { circuit, attempts } = this.#members.get(providerId);
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
    const only = this.#members.only();
    const shareOf = this.#members.shares(clock.monotonic());
    const approvalOf = this.#approvals.estimates(null, now);
    return this.#members.all.map((member) =>
      statusOf({
        provider: member.id,
        obstacle: this.#members.obstacle(member, only),
        unverified: member.unverified,
        override: overrides.current().get(member.id) ?? null,
        ...member.circuit.view(),
        approval: approvalOf(member.id, member.priority),
        latency: member.circuit.latency.percentiles(clock.monotonic()),
        inFlight: member.circuit.inFlight,
        attempts: member.admitted,
        breaker: member.circuit.breaker.stats,
        share: shareOf(member),
        now,
        wallMinusFleet: clock.now() - now,
      }),
    );
  }

  onChange(listener: (change: ProviderChange) => void): void {
    this.#changes.add(listener);
  }

  onRecord(listener: (change: ProviderChange) => void): void {
    this.#records.add(listener);
  }

  markUnverified(providerId: string, detail: string): void {
    this.#members.get(providerId).unverified = detail;
  }

  markVerified(providerId: string): void {
    this.#members.get(providerId).unverified = null;
  }

  start(): void {
    this.#state.start();
    this.#pulse.start();
  }

  close(): void {
    this.#pulse.stop();
    this.#state.close();
    for (const { circuit } of this.#members.all) circuit.breaker.shutdown();
  }

  #beat(): void {
    const now = this.#options.clock.monotonic();
    for (const { circuit } of this.#members.all) circuit.view();
    if (now < this.#heartbeatDue) return;
    this.#heartbeatDue = now + HEARTBEAT_MS;
    this.#presence.add({ at: this.#time.now(), by: this.#options.instance });
    this.#state.touch(PRESENCE_DOCUMENT, false);
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
        obstacle: () => this.#members.forbidden(member),
        stalled: () => this.#pulse.stalled,
        onAdmit: () => attempted(member, clock.monotonic()),
        onEvent: (urgent) => this.#state.touch(gateDocument(id), urgent),
        onTransition: (from, to) => this.#changes.tell(providerChange(id, from, to)),
        onRecord: (from, to) => this.#records.tell(providerChange(id, from, to)),
      }),
    };
    return member;
  }
}
