import type { Clock, Random } from "../../providers/contract/clock.ts";
import type { Money } from "../../providers/contract/money.ts";
import { type ApprovalBook, type Segment, segmentName } from "../../routing/approval.ts";
import { type Contender, choose, type Decision } from "../../routing/choose.ts";
import { own } from "../../routing/own.ts";
import { type Limits, NO_RULES, type ProviderDefaults, type RoutingRules, type RulesInForce, withDefaults } from "../../routing/rules.ts";
import type { FleetMembers, Member } from "./fleet-members.ts";
import { withNotConfigured } from "./not-configured.ts";
import type { Overrides } from "./overrides.ts";
import { VolumeBook } from "./volume-book.ts";

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

interface FleetChoiceOptions {
  readonly members: FleetMembers;
  readonly approvals: ApprovalBook;
  readonly overrides: Overrides;
  readonly clock: Clock;
  /** Of what the fleet shares. */
  readonly time: { now(): number };
  readonly random: Random;
  /** How many share the limits of the rules. */
  readonly instances: () => number;
  /** As they are stored. */
  readonly rules: () => RulesInForce;
  /** Fees and limits of the configuration. */
  readonly defaults: ProviderDefaults;
}

/** Puts what is known about the members, the rules in force and what they leave of their limits before routing, which decides. */
export class FleetChoice {
  readonly #options: FleetChoiceOptions;
  readonly #volume = new VolumeBook();
  /** The rules as they are stored, and with what the configuration adds. */
  #stored: RulesInForce | null = null;
  #inForce = NO_RULES;

  constructor(options: FleetChoiceOptions) {
    this.#options = options;
  }

  /** Counts against the limits of the provider that it puts first. */
  choose(query: ChoiceQuery): Decision {
    const rules = this.#rules();
    const decision = this.#choose(query, rules);
    const [first] = decision.order;
    if (first !== undefined) this.#volume.count(first, this.#allowance(first, rules), this.#options.clock.monotonic());
    return decision;
  }

  /** The same, and counts nothing. `rules`: as if they were in force. */
  explain(query: ChoiceQuery, rules?: RoutingRules): Decision {
    const inForce = this.#rules();
    return this.#choose(query, rules === undefined ? inForce : { version: inForce.version, rules: this.#complete(rules) });
  }

  /** Who can take a new attempt now, at least as a probe. */
  available(): readonly string[] {
    const { members, clock } = this.#options;
    const only = members.only();
    const rules = this.#rules();
    const now = clock.monotonic();
    const limited = ({ id }: Member) => this.#volume.standing(id, this.#allowance(id, rules), now).limitReached !== null;
    return members.all.flatMap((member) => (members.obstacle(member, only) === null && !limited(member) ? [member.id] : []));
  }

  #choose(query: ChoiceQuery, rules: RulesInForce): Decision {
    const { members, approvals, overrides, clock, time, random } = this.#options;
    const now = time.now();
    const approvalOf = approvals.estimates(segmentName(query.segment), now);
    const instances = this.#options.instances();
    const monotonic = clock.monotonic();
    const contenders = members.all.map((member): Contender => {
      const volume = this.#volume.standing(member.id, { limits: limitsOf(member.id, rules), instances }, monotonic);
      return {
        provider: member.id,
        unverified: member.unverified,
        override: overrides.modeOf(member.id),
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
    const decision = choose({ now, random, contenders, charge, rules });
    return withNotConfigured(decision, query, (id) => members.find(id) !== undefined);
  }

  #allowance(id: string, rules: RulesInForce) {
    return { limits: limitsOf(id, rules), instances: this.#options.instances() };
  }

  #rules(): RulesInForce {
    const stored = this.#options.rules();
    if (this.#stored !== stored) this.#inForce = { version: stored.version, rules: this.#complete(stored.rules) };
    this.#stored = stored;
    return this.#inForce;
  }

  #complete(rules: RoutingRules): RoutingRules {
    return withDefaults(rules, this.#options.defaults);
  }
}

function limitsOf(id: string, { rules }: RulesInForce): Limits | undefined {
  return own(rules.providers, id)?.limits;
}
