import type { Clock, Random } from "../../providers/contract/clock.ts";
import type { Money } from "../../providers/contract/money.ts";
import type { Provider } from "../../providers/contract/provider.ts";
import { ApprovalBook, type Segment } from "../../routing/approval.ts";
import { type Contender, choose, type Decision, gateObstacle, onlyAmong, operatorObstacle } from "../../routing/choose.ts";
import { type Decaying, plusOne, valueAt } from "../../routing/decay.ts";
import type { Gate } from "../../routing/health-gate.ts";
import type { Circuit } from "./circuit.ts";
import type { Overrides } from "./overrides.ts";
import { ProviderCircuit } from "./provider-circuit.ts";
import { type ProviderStatus, statusOf } from "./provider-status.ts";

/** The configured providers as this instance sees them: their health, approval, and what operators decided. */
export interface Fleet {
  /** No I/O: an in-process snapshot. Takes nothing: asking without charging is free. */
  choose(query: ChoiceQuery): Decision;
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
  /** A listener threw: a bug, kept out of the payment's path. */
  readonly onBug: (error: unknown) => void;
}

/** How often slow calls and ended openings are looked at when no charge arrives. */
const TICK_MS = 500;
/** The share of attempts is a recent one. */
const SHARE_HALF_LIFE_MS = 120_000;

interface Member {
  readonly id: string;
  readonly priority: number;
  readonly currencies: ReadonlySet<string> | null;
  readonly circuit: ProviderCircuit;
  unverified: string | null;
  attempts: Decaying;
}

export function createFleet(options: FleetOptions): Fleet {
  const { clock, random, overrides } = options;
  const approvals = new ApprovalBook();
  const listeners: ((change: ProviderChange) => void)[] = [];
  let stopTick = (): void => {};

  const members = new Map(
    options.providers.map(({ id, capabilities }, priority) => [id, newMember(id, priority, capabilities.currencies)]),
  );

  function newMember(id: string, priority: number, currencies: ReadonlySet<string> | null): Member {
    const circuit = new ProviderCircuit({
      provider: id,
      clock,
      random,
      override: () => overrides.modeOf(id),
      obstacle: () => operatorObstacle(standing(memberOf(id)), only())?.why ?? null,
      onAdmit: () => {
        const member = memberOf(id);
        member.attempts = plusOne(member.attempts, clock.monotonic(), SHARE_HALF_LIFE_MS);
      },
      onTransition: (from, to) => tell(id, from, to),
    });
    return { id, priority, currencies, circuit, unverified: "its identity is not checked yet", attempts: { value: 0, at: 0 } };
  }

  function memberOf(id: string): Member {
    const member = members.get(id);
    if (!member) throw new Error(`provider ${id} is not configured`);
    return member;
  }

  const all = (): Member[] => [...members.values()];
  const standing = ({ id, unverified }: Member) => ({ provider: id, unverified, override: overrides.modeOf(id) });
  const only = () => onlyAmong(all().map(standing));

  function tell(provider: string, from: Gate, to: Gate): void {
    const reason = to.state === "closed" ? "all probes passed" : to.reason;
    const openForMs = to.state === "open" ? Math.round(to.openUntil - to.since) : null;
    const change = { provider, from: from.state, to: to.state, reason, trips: to.trips, generation: to.generation, openForMs };
    for (const listener of listeners) {
      try {
        listener(change);
      } catch (bug) {
        options.onBug(bug);
      }
    }
  }

  function contender(member: Member, query: ChoiceQuery): Contender {
    return {
      ...standing(member),
      priority: member.priority,
      hasToken: query.providers.includes(member.id),
      excluded: query.excluded.includes(member.id),
      takesCurrency: member.currencies?.has(query.money.currency) ?? true,
      gate: member.circuit.gate(),
      approval: approvals.estimate(member.id, query.segment, member.priority, clock.monotonic()),
    };
  }

  function tick(): void {
    for (const { circuit } of all()) circuit.gate();
    stopTick = clock.after(TICK_MS, tick);
  }

  return {
    choose: (query) => choose({ now: clock.monotonic(), random, contenders: all().map((member) => contender(member, query)) }),
    available() {
      const allowed = only();
      const can = (member: Member): boolean => {
        const one = { ...standing(member), gate: member.circuit.gate() };
        return operatorObstacle(one, allowed) === null && gateObstacle(one) === null;
      };
      return all().flatMap((member) => (can(member) ? [member.id] : []));
    },
    circuit: (id) => memberOf(id).circuit,
    recordApproval: (id, segment, approved) => approvals.record(id, segment, approved, clock.monotonic()),
    status() {
      const now = clock.monotonic();
      const allowed = only();
      const recent = (member: Member) => valueAt(member.attempts, now, SHARE_HALF_LIFE_MS);
      const total = all().reduce((sum, member) => sum + recent(member), 0);
      return all().map((member) => {
        const gate = member.circuit.gate();
        const one = { ...standing(member), gate };
        return statusOf({
          provider: member.id,
          obstacle: operatorObstacle(one, allowed)?.why ?? gateObstacle(one)?.why ?? null,
          unverified: member.unverified,
          override: overrides.current().get(member.id) ?? null,
          gate,
          approval: approvals.estimate(member.id, null, member.priority, now),
          latency: member.circuit.latency.percentiles(now),
          inFlight: member.circuit.inFlight,
          breaker: member.circuit.breaker.stats,
          share: total < SHARE_MIN_ATTEMPTS ? null : recent(member) / total,
          now,
          wallMinusMonotonic: clock.now() - now,
        });
      });
    },
    onChange: (listener) => void listeners.push(listener),
    markUnverified(id, detail) {
      memberOf(id).unverified = detail;
    },
    markVerified(id) {
      memberOf(id).unverified = null;
    },
    start: tick,
    close() {
      stopTick();
      for (const { circuit } of all()) circuit.breaker.shutdown();
    },
  };
}

/** Below it a share says nothing. */
const SHARE_MIN_ATTEMPTS = 0.5;
