/** `/v1/routing/queue`: what waits. Amounts in minor units. */
export interface Queue {
  readonly deferred: readonly Waiting[];
  readonly in_doubt: readonly Waiting[];
  readonly dead_letters: readonly { readonly kind: string; readonly count: number; readonly oldest_at: string }[];
}

export interface Waiting {
  readonly currency: string;
  readonly count: number;
  readonly amount: number;
  readonly oldest_at: string;
  /** When the first is tried again; only of deferred ones. */
  readonly next_at?: string | null;
}

export function countOf(rows: readonly { readonly count: number }[]): number {
  return rows.reduce((total, { count }) => total + count, 0);
}
