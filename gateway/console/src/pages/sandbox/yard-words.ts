import type { Provider } from "../../data/providers.ts";
import { countOf, type Queue } from "../../data/queue.ts";
import { count, list, providerName } from "../../parts/words.ts";

/** What the picture shows, in one sentence. */
export function yardWords(providers: readonly Provider[], queue: Queue, perSecond: number): string {
  const names = (health: Provider["health"]) => providers.filter((one) => one.health === health).map(({ id }) => providerName(id));
  const [up, tested, away] = [names("up"), names("testing"), names("unavailable")];
  const waiting = countOf(queue.deferred);
  const kept = waiting === 0 ? "" : ` ${count(waiting)} ${waiting === 1 ? "waits" : "wait"} in the queue.`;
  if (up.length === 0 && tested.length === 0) return `No processor can be used: what comes in is kept.${kept}`;
  if (up.length === 0) return `${list(tested)} ${tested.length === 1 ? "is" : "are"} being tested with a few charges.${kept}`;
  const flow = perSecond === 0 ? "No charges come in" : `${count(perSecond)} charges a second go to ${list(up)}`;
  const without = [
    ...(away.length === 0 ? [] : [`${list(away)} ${away.length === 1 ? "is" : "are"} left out`]),
    ...(tested.length === 0 ? [] : [`${list(tested)} ${tested.length === 1 ? "is" : "are"} tested`]),
  ];
  return `${flow}${without.length === 0 ? "" : `; ${without.join("; ")}`}.${kept}`;
}
