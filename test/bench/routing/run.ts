import { Dice } from "../../simulation/dice.ts";
import { AnswerQueue } from "./answer-queue.ts";
import { EventClock } from "./event-clock.ts";
import { type Charge, type NamedPolicy, NOBODY } from "./policy.ts";
import { type Score, Tally } from "./tally.ts";
import { ANSWERS, type World } from "./world.ts";

/** No exchange between instances and their store is a longer chain of promises (measured: 7). */
const TURNS = 12;

/** Plays the world to one policy. An answer reaches it when it arrives, not when it is sent for. */
export async function play(world: World, named: NamedPolicy, seed: number): Promise<Score> {
  const clock = new EventClock();
  const { random } = new Dice(seed, named.name);
  const policy = named.make({
    providers: world.providers,
    random,
    clock,
    store: world.store,
    trueSuccess: (charge, provider) => world.success[charge * world.providers + provider]!,
  });
  const underway = new AnswerQueue();
  const tally = new Tally(world);
  const passTo = async (at: number): Promise<void> => clock.passToInTurns(at, TURNS);

  const answerUntil = async (until: number): Promise<void> => {
    while (underway.nextAt <= until) {
      const { at, charge, provider } = underway.take();
      if (named.background) await passTo(at);
      else clock.passTo(at);
      const answer = ANSWERS[world.answer[charge * world.providers + provider]!]!;
      const settled = policy.answered(seen(world, charge), provider, answer, at);
      if (settled) await settled;
    }
  };
  for (let charge = 0; charge < world.charges; charge++) {
    const at = world.at[charge]!;
    await answerUntil(at);
    if (named.background) await passTo(at);
    else clock.passTo(at);
    const provider = policy.choose(seen(world, charge), at);
    tally.add(charge, provider);
    if (provider !== NOBODY) underway.add(at + world.latencyMs[charge * world.providers + provider]!, charge, provider);
  }
  await answerUntil(Number.MAX_VALUE);
  policy.close?.();
  return tally.score(policy.gates?.() ?? null);
}

function seen(world: World, charge: number): Charge {
  return { number: charge, segment: world.segment[charge]!, instance: world.instance[charge]! };
}
