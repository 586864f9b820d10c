import type { Clock } from "../providers/contract/clock.ts";

/** Long enough to know the rate before an outage while it goes on. */
const WINDOW_MS = 60_000;

/** How many charges per second arrive here, as a decayed mean. */
export function rateMeter(clock: Pick<Clock, "monotonic">): { count(): void; perSecond(): number } {
  let weight = 0;
  let at = clock.monotonic();
  const decay = (): void => {
    const now = clock.monotonic();
    weight *= Math.exp(-(now - at) / WINDOW_MS);
    at = now;
  };
  return {
    count() {
      decay();
      weight += 1;
    },
    perSecond() {
      decay();
      return weight / (WINDOW_MS / 1_000);
    },
  };
}
