import { useEffect, useSyncExternalStore } from "react";

/** What changed at the gateway; a page names those that it shows. */
export type Topic = "providers" | "charges" | "queue" | "stats" | "reconciliation" | "audit";
/** `live`: changes arrive as they happen. `waiting`: the stream is away; pages ask every few seconds instead. */
export type LiveState = "live" | "waiting";

const RETRY_MS = 3_000;
const POLL_MS = 5_000;

const listeners = new Map<() => void, ReadonlySet<Topic>>();
const stateListeners = new Set<() => void>();
let state: LiveState = "waiting";
let source: EventSource | null = null;
let again: ReturnType<typeof setTimeout> | undefined;

/** Opens the one stream of this tab. Answers the way to close it. */
export function openStream(): () => void {
  connect();
  const poll = setInterval(() => state === "waiting" && !document.hidden && tell(null), POLL_MS);
  return () => {
    clearInterval(poll);
    clearTimeout(again);
    source?.close();
    source = null;
    become("waiting");
  };
}

function connect(): void {
  const stream = new EventSource("/console/stream");
  source = stream;
  stream.addEventListener("hello", () => {
    become("live");
    // What changed while nobody listened.
    tell(null);
  });
  stream.addEventListener("changed", (event) => {
    const { topics } = JSON.parse((event as MessageEvent<string>).data) as { topics: Topic[] };
    tell(topics);
  });
  stream.addEventListener("error", () => {
    become("waiting");
    // The browser gives up for good on an error answer; it retries by itself only a lost connection.
    if (stream.readyState !== EventSource.CLOSED || source !== stream) return;
    clearTimeout(again);
    again = setTimeout(connect, RETRY_MS);
  });
}

function become(next: LiveState): void {
  if (state === next) return;
  state = next;
  for (const listener of stateListeners) listener();
}

function tell(topics: readonly Topic[] | null): void {
  for (const [listener, wanted] of listeners) if (topics === null || topics.some((topic) => wanted.has(topic))) listener();
}

/** Calls `changed` after a change of one of the topics, and after the stream was away. */
export function useChanges(topics: readonly Topic[], changed: () => void): void {
  const wanted = topics.join();
  useEffect(() => {
    const listener = () => changed();
    listeners.set(listener, new Set(wanted.split(",") as Topic[]));
    return () => {
      listeners.delete(listener);
    };
  }, [wanted, changed]);
}

export function useLiveState(): LiveState {
  return useSyncExternalStore(
    (listener) => {
      stateListeners.add(listener);
      return () => stateListeners.delete(listener);
    },
    () => state,
  );
}
