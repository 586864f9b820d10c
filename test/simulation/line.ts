import type { Charge } from "../../gateway/charges/charge.ts";
import { Problem } from "../../gateway/problems.ts";
import type { Dice } from "./dice.ts";
import { type Instance, isDefect } from "./instance.ts";
import type { World } from "./world.ts";

const PATIENCE_MS = 45_000;

export interface Refusal {
  readonly problem: string;
  readonly chargeId: string | null;
}

/** Between the callers and the instances: a network that may lose the answer. */
export class Line {
  readonly #world: World;
  readonly #dice: Dice;
  readonly #answered: (chargeId: string, status: string) => void;

  /** `answered` is told of each charge as it leaves. */
  constructor(world: World, dice: Dice, answered: (chargeId: string, status: string) => void) {
    this.#world = world;
    this.#dice = dice;
    this.#answered = answered;
  }

  /** One request that is answered with a charge; `then` null: there was no answer. */
  charge(
    key: string,
    instance: Instance,
    request: () => Promise<{ charge: Charge }>,
    then: (answer: { readonly charge: Charge } | Refusal | null) => void,
  ): void {
    this.send(key, instance, request, then, ({ charge }) => {
      this.#answered(charge.id, charge.status);
      return `${charge.id} ${charge.status} ${charge.provider ?? ""}`;
    });
  }

  /** `witness` is told of the answer as it leaves, and puts it into words. */
  send<A extends object>(
    key: string,
    instance: Instance,
    request: () => Promise<A>,
    then: (answer: A | Refusal | null) => void,
    witness: (answer: A) => string,
  ): void {
    const dice = this.#dice;
    let open = true;
    const close = (answer: A | Refusal | null, said: string): void => {
      if (!open) return;
      open = false;
      this.#world.tell("caller", `${key} hears: ${said}`);
      then(answer);
    };
    const answer = (value: A | Refusal, said: string): void => {
      const lost = this.#world.stormy && dice.chance(0.05);
      if (!lost) this.#world.after(dice.between(1, 60), instance.machine, "answers the caller", () => close(value, said));
    };
    this.#world.after(dice.between(1, 30), instance.machine, "takes a request", () => {
      request().then(
        (value) => answer(value, witness(value)),
        (error: unknown) => {
          const code = error instanceof Problem ? error.code : `error ${error instanceof Error ? error.name : ""}`;
          if (isDefect(error)) this.#world.violate("no bugs", error.stack ?? error.message, [key]);
          answer({ problem: code, chargeId: error instanceof Problem ? error.chargeId : null }, code);
        },
      );
    });
    this.#world.after(PATIENCE_MS, null, "the caller gives up", () => close(null, "nothing"));
  }
}
