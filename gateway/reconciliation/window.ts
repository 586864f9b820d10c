import { MAX_WINDOW_MS } from "./parts.ts";

const DAY_MS = 86_400_000;

export interface WindowFault {
  readonly field: "from" | "to";
  readonly message: string;
}

/** Why this window cannot be compared, or null. */
export function windowFault({ from, to }: { readonly from: Date; readonly to: Date }, nowMs: number): WindowFault | null {
  if (from.getTime() >= to.getTime()) return { field: "from", message: "must be before `to`" };
  if (to.getTime() > nowMs) return { field: "to", message: "must not be in the future" };
  if (to.getTime() - from.getTime() > MAX_WINDOW_MS)
    return { field: "from", message: `must be at most ${MAX_WINDOW_MS / DAY_MS} days before \`to\`` };
  return null;
}
