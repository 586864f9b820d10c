/** Virtual time begins here, milliseconds since 1970. The database's clock is the true one. */
export const EPOCH_MS = Date.UTC(2026, 0, 1);

/** What a machine needs of the world: its time, and to be woken. */
export interface Timeline<Machine> {
  /** Milliseconds since the beginning, with fractions. */
  readonly now: number;
  after(ms: number, machine: Machine | null, label: string, run: () => void | Promise<void>): () => void;
}
