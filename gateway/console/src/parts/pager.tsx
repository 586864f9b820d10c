import { useState } from "react";

/** What the API's lists answer. */
export interface Page<Row> {
  readonly data: readonly Row[];
  readonly has_more: boolean;
  readonly next_cursor: string | null;
}

export interface Cursor {
  /** For `starting_after`; null on the first page. */
  readonly after: string | null;
  /** From 1. */
  readonly number: number;
  next(cursor: string): void;
  previous(): void;
}

/** Where in a list the page is. `resetOn`: the filters as text; with others it is at the first page again. */
export function useCursor(resetOn: string): Cursor {
  const [state, setState] = useState<{ for: string; trail: readonly string[] }>({ for: resetOn, trail: [] });
  const trail = state.for === resetOn ? state.trail : [];
  return {
    after: trail.at(-1) ?? null,
    number: trail.length + 1,
    next: (cursor) => setState({ for: resetOn, trail: [...trail, cursor] }),
    previous: () => setState({ for: resetOn, trail: trail.slice(0, -1) }),
  };
}

/** Nothing at all while everything is on one page. */
export function Pager({ cursor, page }: { cursor: Cursor; page: Page<unknown> }) {
  const next = page.has_more ? page.next_cursor : null;
  if (cursor.number === 1 && next === null) return null;
  return (
    <nav className="pager" aria-label="Pages">
      <button type="button" disabled={cursor.number === 1} onClick={cursor.previous}>
        Newer
      </button>
      <span aria-live="polite">Page {cursor.number}</span>
      <button type="button" disabled={next === null} onClick={() => next !== null && cursor.next(next)}>
        Older
      </button>
    </nav>
  );
}
