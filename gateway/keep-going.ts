import type { Clock } from "../providers/contract/clock.ts";

/** While it fails, it tries on; it says so only this often. */
const COMPLAINT_INTERVAL_MS = 60_000;

/** The part of pino that background work uses. */
export interface BackgroundLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/**
 * Background work that must never end by itself: takes turns until it is stopped, whatever they throw. `turn` answers whether
 * the next one should come at once; otherwise it comes after `intervalMs`.
 */
export function keepGoing(options: { what: string; clock: Clock; log: BackgroundLog; intervalMs: number; turn: () => Promise<boolean> }): {
  /** Resolves after the turn that is running. */
  stop(): Promise<void>;
} {
  const { what, clock, log, intervalMs, turn } = options;
  const stopping = new AbortController();
  let failingSince: number | null = null;
  let complainedAt = Number.NEGATIVE_INFINITY;

  function secondsOfFailing(): number {
    return failingSince === null ? 0 : Math.round((clock.monotonic() - failingSince) / 1_000);
  }

  async function take(): Promise<boolean> {
    try {
      const more = await turn();
      if (failingSince !== null) log.info({ seconds: secondsOfFailing() }, `${what} works again`);
      failingSince = null;
      return more;
    } catch (error) {
      failingSince ??= clock.monotonic();
      if (clock.monotonic() - complainedAt >= COMPLAINT_INTERVAL_MS) {
        complainedAt = clock.monotonic();
        log.error({ err: error, seconds: secondsOfFailing() }, `${what} fails; trying on`);
      }
      return false;
    }
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      if (!(await take())) await clock.sleep(intervalMs, stopping.signal);
    }
  }

  const running = run();
  return {
    stop() {
      stopping.abort();
      return running;
    },
  };
}
