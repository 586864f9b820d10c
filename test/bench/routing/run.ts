import { Dice } from "../../simulation/dice.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { AnswerQueue } from "./answer-queue.ts";
import { type Charge, type NamedPolicy, NOBODY } from "./policy.ts";
import { ANSWERS, type World } from "./world.ts";

/** What one policy made of one world. */
export interface Score {
  /** Percentage points of the charges: the mean distance between the best true probability of success and the chosen one. */
  readonly regret: number;
  /** Charges sent to a provider while it was hard down. */
  readonly sentDown: number;
  /** Of the arrivals 5 to 10 s after the onset of a hard outage, the share sent to it; null: no outage, or no arrivals. */
  readonly shareAfter5s: number | null;
  /** Charges for which the policy had nobody. */
  readonly unsent: number;
  /** The sequence of choices, for comparing runs. */
  readonly digest: number;
}

const SHARE_FROM_MS = 5_000;
const SHARE_TO_MS = 10_000;

/** Plays the world to one policy. An answer reaches it when it arrives, not when it is sent for. */
export async function play(world: World, named: NamedPolicy, seed: number): Promise<Score> {
  const clock = new ManualClock();
  const { random } = new Dice(seed, named.name);
  const policy = named.make({
    providers: world.providers,
    random,
    clock,
    trueSuccess: (charge, provider) => world.success[charge * world.providers + provider]!,
  });
  const underway = new AnswerQueue();
  const tally = new Tally(world);
  const passTo = (at: number): void => clock.pass(Math.max(0, at - clock.monotonic()));

  const answerUntil = async (until: number): Promise<void> => {
    while (underway.nextAt <= until) {
      const { at, charge, provider } = underway.take();
      passTo(at);
      const answer = ANSWERS[world.answer[charge * world.providers + provider]!]!;
      const settled = policy.answered(seen(world, charge), provider, answer, at);
      if (settled) await settled;
    }
  };
  for (let charge = 0; charge < world.charges; charge++) {
    const at = world.at[charge]!;
    await answerUntil(at);
    passTo(at);
    const provider = policy.choose(seen(world, charge), at);
    tally.add(charge, provider);
    if (provider !== NOBODY) underway.add(at + world.latencyMs[charge * world.providers + provider]!, charge, provider);
  }
  await answerUntil(Number.MAX_VALUE);
  policy.close?.();
  return tally.score();
}

function seen(world: World, charge: number): Charge {
  return { number: charge, segment: world.segment[charge]! };
}

class Tally {
  readonly #world: World;
  #lost = 0;
  #sentDown = 0;
  #unsent = 0;
  #after5s = 0;
  #downAfter5s = 0;
  #digest = 0;

  constructor(world: World) {
    this.#world = world;
  }

  add(charge: number, provider: number): void {
    const { providers, success, isDown, onsetMs, at } = this.#world;
    const first = charge * providers;
    let best = 0;
    for (let i = first; i < first + providers; i++) best = Math.max(best, success[i]!);
    const sentDown = provider !== NOBODY && isDown[first + provider] === 1;
    this.#lost += best - (provider === NOBODY ? 0 : success[first + provider]!);
    this.#unsent += provider === NOBODY ? 1 : 0;
    this.#sentDown += sentDown ? 1 : 0;
    this.#digest = (Math.imul(this.#digest, 31) + provider + 1) | 0;
    if (onsetMs === null || at[charge]! < onsetMs + SHARE_FROM_MS || at[charge]! >= onsetMs + SHARE_TO_MS) return;
    this.#after5s += 1;
    this.#downAfter5s += sentDown ? 1 : 0;
  }

  score(): Score {
    return {
      regret: (100 * this.#lost) / Math.max(1, this.#world.charges),
      sentDown: this.#sentDown,
      shareAfter5s: this.#after5s === 0 ? null : this.#downAfter5s / this.#after5s,
      unsent: this.#unsent,
      digest: this.#digest,
    };
  }
}
