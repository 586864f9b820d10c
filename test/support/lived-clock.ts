import { type Clock, systemClock } from "../../providers/contract/clock.ts";

/** A process that is well looks at its timers at least so often. */
const TICK_MS = 10;
/** What one turn of the event loop counts for at most, in milliseconds: the rest of it the process stood still, or had no processor. */
const LONGEST_TURN_MS = 20;
/** What is given back to a turn that was under way: standstills, not the slowness of a busy machine, and not for long. */
const STANDSTILL_MS = 300;
const LATELY_MS = 5_000;

const realMs = performance.now.bind(performance);
const timers = new Set<{ readonly due: number; readonly fn: () => void }>();
let lost: { readonly at: number; readonly ms: number }[] = [];
let livedMs = 0;
let lastTurn = realMs();
let running = false;

function turn(): void {
  const now = realMs();
  const took = now - lastTurn;
  livedMs += Math.min(took, LONGEST_TURN_MS);
  if (took > STANDSTILL_MS) lost = [...lost.filter(({ at }) => now - at < LATELY_MS), { at: now, ms: took }];
  lastTurn = now;
  for (const timer of [...timers].filter(({ due }) => due <= livedMs).sort((a, b) => a.due - b.due)) if (timers.delete(timer)) timer.fn();
}

function start(): void {
  if (running) return;
  running = true;
  lastTurn = realMs();
  setInterval(turn, TICK_MS).unref();
}

/**
 * The system's clock, but no deadline passes while this process stands still or gets no processor: an answer that has arrived meanwhile
 * is read first. Short deadlines then mean what they say on a slow machine too, where the processors live in the same process. The wall clock is
 * the real one, because rows are compared with the database's.
 */
export const livedClock: Clock = {
  ...systemClock,
  monotonic() {
    start();
    return livedMs + Math.min(realMs() - lastTurn, LONGEST_TURN_MS);
  },
  after(ms, fn) {
    const timer = { due: livedClock.monotonic() + ms, fn };
    timers.add(timer);
    return () => void timers.delete(timer);
  },
};

/** Milliseconds that this process stood still lately: what a budget by the wall clock is to be given back. */
export function stoodStillMs(): number {
  const now = realMs();
  const unseen = now - lastTurn > STANDSTILL_MS ? now - lastTurn : 0;
  return lost.reduce((sum, { at, ms }) => (now - at < LATELY_MS ? sum + ms : sum), unseen);
}
