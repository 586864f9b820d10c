import type { Clock } from "../../providers/contract/clock.ts";

/** What `answer` brings; rejects when it takes longer than `ms`. A later answer or failure goes nowhere. */
export function withinPatience<T>(clock: Clock, ms: number, answer: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = clock.after(ms, () => reject(new Error(`no answer within ${ms} ms`)));
    answer.then(resolve, reject).finally(stop);
  });
}
