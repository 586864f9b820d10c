import { useCallback, useEffect, useRef, useState } from "react";
import { ApiProblem, getJson } from "./api.ts";
import { type Topic, useChanges } from "./live.ts";

export interface Loaded<T> {
  /** The newest answer. After a change of the path the one before stays until the new one is there, so that nothing flickers. */
  readonly data: T | null;
  /** Why the newest try failed; null when it did not. `data` may still hold what was there before. */
  readonly problem: ApiProblem | null;
  /** Nothing to show yet. */
  readonly loading: boolean;
  /** Asks again now. */
  reload(): void;
}

const NO_TOPICS: readonly Topic[] = [];
/** Pages may ask for the same thing often; changes come at most once a second. */
const MIN_GAP_MS = 400;

/**
 * Keeps a GET's answer, and asks again whenever one of the topics changes at the gateway. `path` null: not now.
 * One question at a time: changes that come while one is under way are answered by one more.
 */
export function useApi<T>(path: string | null, { topics = NO_TOPICS }: { topics?: readonly Topic[] } = {}): Loaded<T> {
  const [state, setState] = useState<{ data: T | null; problem: ApiProblem | null }>({ data: null, problem: null });
  const ask = useRef<() => void>(() => {});

  useEffect(() => {
    if (path === null) return;
    const abort = new AbortController();
    let running = false;
    let wanted = false;
    const run = async () => {
      wanted = true;
      if (running) return;
      running = true;
      while (wanted && !abort.signal.aborted) {
        wanted = false;
        try {
          const data = await getJson<T>(path, abort.signal);
          setState({ data, problem: null });
        } catch (error) {
          if (abort.signal.aborted) break;
          setState((before) => ({ data: before.data, problem: error instanceof ApiProblem ? error : unreadable(error) }));
        }
        if (wanted) await new Promise((resolve) => setTimeout(resolve, MIN_GAP_MS));
      }
      running = false;
    };
    ask.current = () => void run();
    void run();
    return () => abort.abort();
  }, [path]);

  const reload = useCallback(() => ask.current(), []);
  useChanges(topics, reload);
  return { ...state, loading: state.data === null && state.problem === null, reload };
}

function unreadable(error: unknown): ApiProblem {
  return new ApiProblem(0, {
    code: "unreadable",
    title: "Unreadable answer",
    detail: error instanceof Error ? error.message : String(error),
  });
}
