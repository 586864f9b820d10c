import type { Charge } from "../../gateway/charges/charge.ts";
import type { Operation } from "../../gateway/charges/operation.ts";
import { fingerprintOf } from "../../gateway/idempotency/fingerprint.ts";
import type { ChargeId } from "../../gateway/ids.ts";
import type { Coverage } from "./coverage.ts";
import type { Dice } from "./dice.ts";
import type { Instance } from "./instance.ts";
import type { World } from "./world.ts";

/** Of the charges that succeed, in a seed with refunds. */
const REFUNDED = 0.6;
const PLANS = { whole: 0.25, part: 0.2, parts: 0.25, too_much: 0.1, at_once: 0.2 } as const;
const MAX_TRIES = 6;

interface Act {
  readonly key: string;
  /** null: what is left. */
  readonly amount: bigint | null;
  tries: number;
  /** The refund that this key was answered with. */
  refund: string | null;
}

export interface RefundAsker {
  instance(): Instance | undefined;
  /** One request over a network that may lose the answer. `heard` null: none came. */
  refund(
    key: string,
    instance: Instance,
    request: () => Promise<{ refund: Operation }>,
    heard: (answer: { refund: Operation } | { problem: string } | null) => void,
  ): void;
}

/** Answers that say that this key has no refund. */
const REFUSED = new Set([
  "refund_exceeds_captured",
  "charge_not_refundable",
  "charge_disputed",
  "idempotency_key_reused",
  "not_found",
  "validation_failed",
]);

/** Callers who want their customers' money to go back: whole, in parts, more than there is, by the same key again, twice at once. */
export class RefundActs {
  readonly #world: World;
  readonly #dice: Dice;
  readonly #coverage: Coverage;
  readonly #ask: RefundAsker;
  readonly #accountId: string;
  readonly #wanted = new Map<string, Act[]>();

  constructor(parts: { world: World; coverage: Coverage; ask: RefundAsker; accountId: string }) {
    this.#world = parts.world;
    this.#coverage = parts.coverage;
    this.#ask = parts.ask;
    this.#accountId = parts.accountId;
    this.#dice = parts.world.dice("refund acts");
  }

  /** A caller learns that its charge has succeeded. */
  succeeded(wish: string, charge: Charge): void {
    const known = this.#wanted.get(wish);
    if (known) {
      for (const act of known) if (act.refund === null) this.#again(act, charge);
      return;
    }
    const acts = this.#dice.chance(REFUNDED) ? this.#acts(wish, charge.amountCaptured) : [];
    this.#wanted.set(wish, acts);
    const inMs = this.#dice.chance(0.7) ? this.#dice.between(0, 120_000) : this.#dice.between(0, 10 * 3_600_000);
    for (const act of acts) {
      const at = inMs + this.#dice.between(0, 200);
      this.#send(at, act, charge);
      if (this.#dice.chance(0.25)) this.#send(at + this.#dice.between(0, 60), act, charge);
    }
  }

  #acts(wish: string, captured: bigint): Act[] {
    const act = (no: number, amount: bigint | null): Act => ({ key: `${wish}-refund-${no}`, amount, tries: 0, refund: null });
    const part = (of: bigint): bigint => BigInt(this.#dice.whole(1, Number(of)));
    switch (this.#dice.weighted(PLANS)) {
      case "whole":
        return [act(1, null)];
      case "part":
        return [act(1, part(captured))];
      case "too_much":
        return [act(1, captured + 1n), act(2, part(captured))];
      case "at_once":
        return [act(1, captured), act(2, captured)];
      case "parts": {
        const amounts = [part(captured), part(captured), part(captured)];
        return amounts.map((amount, i) => act(i + 1, amount));
      }
    }
  }

  #again(act: Act, charge: Charge): void {
    if (act.tries < MAX_TRIES) this.#send(this.#dice.between(500, 60_000), act, charge);
  }

  #send(inMs: number, act: Act, charge: Charge): void {
    act.tries += 1;
    this.#world.after(inMs, null, "asks for a refund", () => {
      const instance = this.#ask.instance();
      if (!instance) return this.#again(act, charge);
      const { key, amount, refund: before } = act;
      const input = {
        accountId: this.#accountId,
        actor: "key:billing",
        chargeId: charge.id as ChargeId,
        idempotencyKey: key,
        fingerprint: fingerprintOf({
          method: "POST",
          path: "/v1/refunds",
          json: { charge: charge.id, amount: amount?.toString() ?? null },
        }),
        amount,
        reason: null,
        metadata: {},
      };
      this.#coverage.count("refunds asked");
      this.#world.tell("caller", `${key} of ${charge.id} ${amount ?? "the rest"} at ${instance.machine.name}`);
      this.#ask.refund(
        key,
        instance,
        () => instance.charges.refund(input),
        (answer) => {
          if (answer && "refund" in answer) this.#heard(act, answer.refund, charge);
          else if (answer && before !== null && REFUSED.has(answer.problem))
            this.#world.violate("law 6", `${key} has the refund ${before}, and was told ${answer.problem}`, [charge.id, before]);
          else if (!answer || !REFUSED.has(answer.problem)) this.#again(act, charge);
        },
      );
    });
  }

  #heard(act: Act, refund: Operation, charge: Charge): void {
    const { key, amount, refund: before } = act;
    this.#coverage.count(`refund told ${refund.state}`);
    const violate = (law: string, detail: string) => this.#world.violate(law, `${key} was told ${detail}`, [charge.id, refund.id]);
    if (before !== null && before !== refund.id) violate("law 6", `of the refund ${before}, and now of ${refund.id}`);
    if (amount !== null && refund.amount !== amount) violate("law 6", `of ${refund.amount}, and asked for ${amount}`);
    if (refund.amount > charge.amountCaptured) violate("refunds", `of ${refund.amount}, more than was captured`);
    act.refund = refund.id;
    const open = refund.state !== "succeeded" && refund.state !== "failed";
    if (open || this.#dice.chance(0.3)) this.#again(act, charge);
  }
}
