/** One thing that was looked at. */
export interface Check {
  /** Stable, for scripts: `database.durability`. */
  readonly id: string;
  /** `fault`: it does not work, or money is at risk. `warning`: it works, and somebody should know. `skipped`: it could not be looked at. */
  readonly state: "ok" | "warning" | "fault" | "skipped";
  /** What was seen. */
  readonly found: string;
  /** What to do about it; null where nothing is to be done. */
  readonly mend: string | null;
}

export function ok(id: string, found: string): Check {
  return { id, state: "ok", found, mend: null };
}

export function warning(id: string, found: string, mend: string): Check {
  return { id, state: "warning", found, mend };
}

export function fault(id: string, found: string, mend: string): Check {
  return { id, state: "fault", found, mend };
}

export function skipped(id: string, found: string): Check {
  return { id, state: "skipped", found, mend: null };
}
