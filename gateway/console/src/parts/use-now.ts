import { useSyncExternalStore } from "react";

/** The clock of everything that says "3 minutes ago": one timer for the whole page. */
const TICK_MS = 1_000;
const listeners = new Set<() => void>();
let now = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    now = Date.now();
    for (const one of listeners) one();
  }, TICK_MS);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

/** Milliseconds since 1970, in steps of `stepMs`: what uses it is drawn again only when a step is over. */
export function useNow(stepMs: number): number {
  return useSyncExternalStore(subscribe, () => Math.floor((timer === undefined ? Date.now() : now) / stepMs) * stepMs);
}
