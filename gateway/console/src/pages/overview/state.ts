import type { Provider } from "../../data/providers.ts";
import { countOf, type Queue, type Waiting } from "../../data/queue.ts";
import type { Tone } from "../../parts/tone.ts";
import { count, list, moneys, providerName, share, whenTime } from "../../parts/words.ts";

export interface Facts {
  readonly providers: readonly Provider[];
  readonly queue: Queue;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Charges that came to an end in the last `minutes`. */
  readonly recent: { readonly succeeded: number; readonly failed: number; readonly minutes: number };
}

export interface State {
  readonly tone: Tone;
  /** Is money flowing? One sentence. */
  readonly headline: string;
  /** What belongs to it, a sentence each; the most important first. */
  readonly details: readonly string[];
}

/** The state in words. */
export function stateOf({ providers, queue, recent, now }: Facts): State {
  const away = providers.filter(({ health }) => health === "unavailable");
  const tested = providers.filter(({ health }) => health === "testing");
  const deferred = countOf(queue.deferred);
  const letters = countOf(queue.dead_letters);
  const details = [
    ...recentWords(recent),
    ...away.map((one) => awayWords(one, now)),
    ...tested.map(({ id }) => `${providerName(id)} is coming back: a few charges test it.`),
    ...waitingWords(queue.deferred, deferred, away.length === providers.length),
    ...doubtWords(queue.in_doubt),
    ...(letters > 0 ? [`${things(letters, "thing waits", "things wait")} for a person.`] : []),
  ];
  if (providers.length > 0 && away.length === providers.length)
    return { tone: "bad", headline: "No money is flowing: no processor can be used.", details };
  if (away.length > 0 && away.length + tested.length === providers.length)
    return { tone: "warn", headline: `Money is coming back: ${list(tested.map(({ id }) => providerName(id)))} is being tested.`, details };
  if (away.length > 0)
    return { tone: "warn", headline: `Money is flowing, without ${list(away.map(({ id }) => providerName(id)))}.`, details };
  const { succeeded, failed } = recent;
  if (succeeded === 0 && failed > 0) return { tone: "bad", headline: "Every charge fails, although the processors answer.", details };
  if (succeeded === 0) return { tone: "quiet", headline: "Ready. No money is asked for.", details };
  const calm = tested.length === 0 && deferred === 0;
  return { tone: calm ? "good" : "warn", headline: "Money is flowing.", details };
}

function recentWords({ succeeded, failed, minutes }: Facts["recent"]): string[] {
  const all = succeeded + failed;
  if (all <= 0) return [`No charge came to an end in the last ${minutes} minutes.`];
  return [`${share(succeeded / all)} of ${things(all, "charge", "charges")} in the last ${minutes} minutes succeeded.`];
}

function awayWords({ id, override, breaker, reason }: Provider, now: number): string {
  const name = providerName(id);
  if (override !== null && ["down", "drain"].includes(override.mode)) {
    const until = override.expires_at === null ? "until somebody ends it" : `until ${whenTime(override.expires_at, now)}`;
    return `${name} was taken out by hand (${override.reason}), ${until}.`;
  }
  if (breaker.state !== "open" || breaker.reason === null) return `${name}: ${reason ?? "unavailable"}.`;
  const again =
    breaker.open_until === null || Date.parse(breaker.open_until) <= now
      ? "with the next charges"
      : `at ${whenTime(breaker.open_until, now)}`;
  return `${name} is not asked, because ${breaker.reason}. It is tested again ${again}.`;
}

function waitingWords(rows: readonly Waiting[], waiting: number, allAway: boolean): string[] {
  if (waiting === 0) return [];
  const what = `${things(waiting, "charge waits", "charges wait")} (${moneys(rows)})`;
  return [allAway ? `${what} and will be collected when a processor returns.` : `${what} and are collected, oldest first.`];
}

function doubtWords(rows: readonly Waiting[]): string[] {
  const doubts = countOf(rows);
  return doubts === 0
    ? []
    : [`Of ${things(doubts, "charge", "charges")} (${moneys(rows)}) nobody knows yet whether they were paid: it is being found out.`];
}

function things(number: number, one: string, many: string): string {
  return `${count(number)} ${number === 1 ? one : many}`;
}
