import { SwitchyardError } from "./errors.ts";
import { type CallOptions, positive, type Transport } from "./transport.ts";

const FIRST_LOOK_MS = 200;
const MAX_LOOK_MS = 5_000;
const GROWTH = 1.6;
/** How long one look may take to get its answer while the client waits. */
const LOOK_MS = 15_000;

export interface WaitOptions {
  /** How long to wait; milliseconds. */
  readonly timeoutMs: number;
}

/** Before anything is sent: an accepted charge must not be lost to a wrong number. @throws TypeError */
export function checkWait(wait: WaitOptions | undefined): void {
  if (wait !== undefined) positive("wait: timeoutMs", wait.timeoutMs);
}

/** What is known of something, and when the gateway wants to be asked again. */
interface Known<T> {
  readonly body: T;
  readonly retryAfterMs: number | null;
}

/**
 * Reads again and again while it is open, until the time is over or the signal comes; answers with what was last known. A look that gets no
 * answer changes nothing about what is known. With `first` null it throws what the reading throws until it was read once.
 */
export async function settled<T>(
  { seams }: Pick<Transport, "seams">,
  first: Known<T> | null,
  read: (options: CallOptions) => Promise<Known<T>>,
  isOpen: (body: T) => boolean,
  options: WaitOptions & Pick<CallOptions, "signal">,
): Promise<T> {
  checkWait(options);
  const { signal } = options;
  const endMs = seams.now() + options.timeoutMs;
  let known = first;
  for (let pauseMs = FIRST_LOOK_MS; ; pauseMs = Math.min(MAX_LOOK_MS, pauseMs * GROWTH)) {
    if (known !== null) {
      const waitMs = known.retryAfterMs || pauseMs * (0.75 + seams.random() / 2);
      if (!isOpen(known.body) || signal?.aborted || seams.now() + waitMs >= endMs) return known.body;
      await seams.sleep(waitMs, signal);
      if (signal?.aborted) return known.body;
    }
    const leftMs = Math.max(1, endMs - seams.now());
    try {
      known = await read({ timeoutMs: known === null ? leftMs : Math.min(leftMs, LOOK_MS), signal });
    } catch (error) {
      if (known === null || !(error instanceof SwitchyardError)) throw error;
      known = { ...known, retryAfterMs: null };
    }
  }
}
