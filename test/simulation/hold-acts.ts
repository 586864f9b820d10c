import type { Charge } from "../../gateway/charges/charge.ts";
import type { CreateCharge } from "../../gateway/charges/service.ts";
import { fingerprintOf } from "../../gateway/idempotency/fingerprint.ts";
import type { ChargeId } from "../../gateway/ids.ts";
import type { Coverage } from "./coverage.ts";
import type { Dice } from "./dice.ts";
import type { Instance } from "./instance.ts";
import type { Card } from "./payment.ts";
import type { World } from "./world.ts";

/** Of the charges of a seed with holds. */
const MANUAL = 0.4;
const AUTHORIZE_FIRST = 0.45;
/** What a caller means to do with a charge that is authorized. */
const PLANS = { whole: 0.3, part: 0.2, twice: 0.15, void: 0.15, both: 0.1, lapse: 0.1 } as const;
const CARDS: Readonly<Partial<Record<Card, number>>> = { good: 0.75, capture_refused: 0.15, capture_pending: 0.1 };
const MAX_TRIES = 6;
/** A capture that was refused may be asked for again, under another key. */
const MAX_ROUNDS = 3;

type Plan = keyof typeof PLANS;

interface Act {
  readonly key: string;
  readonly kind: "capture" | "cancel";
  /** null: all. */
  readonly amount: bigint | null;
  tries: number;
  /** It was answered with the charge: the same again must be answered so too. */
  answered: boolean;
  /** It was refused for good. */
  over: boolean;
}

interface Keeper {
  readonly plan: Plan;
  readonly acts: Act[];
  rounds: number;
}

export interface Asker {
  /** One that takes requests. */
  instance(): Instance | undefined;
  /** One request over a network that may lose the answer. `heard` null: none came. */
  call(
    key: string,
    instance: Instance,
    request: () => Promise<{ charge: Charge }>,
    heard: (answer: { charge: Charge } | { problem: string } | null) => void,
  ): void;
  /** Before it is asked for. */
  captureAsked(chargeId: string, amount: bigint): void;
}

/** Answers to an act that was not carried out. */
const REFUSED = new Set(["charge_final", "charge_in_flight", "idempotency_key_reused", "not_found", "validation_failed"]);

/** What callers do with charges that are only authorized: capture them, whole or in part, twice, or void them, or forget them. */
export class HoldActs {
  readonly #world: World;
  readonly #dice: Dice;
  readonly #coverage: Coverage;
  readonly #ask: Asker;
  readonly #accountId: string;
  readonly #keepers = new Map<string, Keeper>();

  constructor(parts: { world: World; coverage: Coverage; ask: Asker; accountId: string }) {
    this.#world = parts.world;
    this.#coverage = parts.coverage;
    this.#ask = parts.ask;
    this.#accountId = parts.accountId;
    this.#dice = parts.world.dice("hold acts");
  }

  /** How the next charge is asked for. */
  wanted(): Pick<CreateCharge, "capture" | "failover"> {
    return {
      capture: this.#dice.chance(MANUAL) ? "manual" : "automatic",
      failover: this.#dice.chance(AUTHORIZE_FIRST) ? "authorize_first" : "proven",
    };
  }

  /** Some holds of good cards are hard to capture. */
  card(card: Card): Card {
    const other = this.#dice.weighted(CARDS);
    return card === "good" ? other : card;
  }

  /** A caller learns that its charge is authorized; `heard` is told of every answer to what it does then. */
  authorized(wish: string, charge: Charge, heard: (charge: Charge, askedAt: number) => void): void {
    const keeper = this.#keepers.get(wish) ?? { plan: this.#dice.weighted(PLANS), acts: [], rounds: 0 };
    this.#keepers.set(wish, keeper);
    const refused = keeper.acts.length > 0 && keeper.acts.every(({ answered, over }) => answered || over) && keeper.rounds < MAX_ROUNDS;
    if (keeper.rounds > 0 && !refused) {
      for (const act of keeper.acts) this.#later(act, charge, heard);
      return;
    }
    keeper.rounds += 1;
    const acts = this.#acts(`${wish}-${keeper.rounds}`, keeper.plan, charge.amount);
    keeper.acts.push(...acts);
    const inMs = this.#dice.chance(0.7) ? this.#dice.between(0, 120_000) : this.#dice.between(0, 8 * 3_600_000);
    for (const act of acts) this.#send(inMs + this.#dice.between(0, 300), act, charge, heard);
  }

  #acts(name: string, plan: Plan, amount: bigint): Act[] {
    const act = (no: number, kind: Act["kind"], of: bigint | null): Act => ({
      key: `${name}-${kind}-${no}`,
      kind,
      amount: of,
      tries: 0,
      answered: false,
      over: false,
    });
    const part = (): bigint => BigInt(this.#dice.whole(1, Number(amount)));
    if (plan === "lapse") return [];
    if (plan === "void") return [act(1, "cancel", null)];
    if (plan === "both") return [act(1, "capture", null), act(2, "cancel", null)];
    if (plan === "twice") return [act(1, "capture", this.#dice.chance(0.5) ? null : part()), act(2, "capture", part())];
    return [act(1, "capture", plan === "whole" ? null : part())];
  }

  #later(act: Act, charge: Charge, heard: (charge: Charge, askedAt: number) => void): void {
    if (act.tries < MAX_TRIES && !act.answered && !act.over) this.#send(this.#dice.between(500, 60_000), act, charge, heard);
  }

  #send(inMs: number, act: Act, charge: Charge, heard: (charge: Charge, askedAt: number) => void): void {
    act.tries += 1;
    this.#world.after(inMs, null, "acts on a hold", () => {
      const instance = this.#ask.instance();
      if (!instance) return this.#later(act, charge, heard);
      const { key, kind, amount } = act;
      const again = act.answered;
      const askedAt = this.#world.now;
      const path = `/v1/charges/${charge.id}/${kind}`;
      const command = {
        accountId: this.#accountId,
        actor: "key:billing",
        chargeId: charge.id as ChargeId,
        idempotencyKey: key,
        fingerprint: fingerprintOf({ method: "POST", path, json: amount === null ? undefined : { amount: amount.toString() } }),
      };
      this.#coverage.count(kind === "capture" ? (amount === null ? "captures asked" : "captures of a part asked") : "voids asked");
      this.#world.tell("caller", `${key} of ${charge.id} ${amount ?? ""} at ${instance.machine.name}`);
      if (kind === "capture") this.#ask.captureAsked(charge.id, amount ?? charge.amount);
      const request = () => (kind === "capture" ? instance.charges.capture({ ...command, amount }) : instance.charges.cancel(command));
      this.#ask.call(key, instance, request, (answer) => {
        if (answer && "charge" in answer) {
          act.answered = true;
          heard(answer.charge, askedAt);
          if (!again && this.#dice.chance(0.4)) this.#send(this.#dice.between(0, 120_000), act, charge, heard);
        } else if (answer && again && REFUSED.has(answer.problem)) {
          this.#world.violate("law 6", `${key} acted on ${charge.id}, asked the same again and was told ${answer.problem}`, [charge.id]);
        } else if (!answer || !REFUSED.has(answer.problem) || answer.problem === "charge_in_flight") this.#later(act, charge, heard);
        else act.over = true;
      });
    });
  }
}
