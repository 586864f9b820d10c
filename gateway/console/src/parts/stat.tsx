import type { ReactNode } from "react";
import type { Tone } from "./tone.ts";

/** One number with its name, and a line that explains it. */
export function Stat({ label, value, note, tone = "quiet" }: { label: string; value: ReactNode; note?: ReactNode; tone?: Tone }) {
  return (
    <div className={`stat stat-${tone}`}>
      <dt>{label}</dt>
      <dd>
        <span className="stat-value">{value}</span>
        {note === undefined ? null : <span className="stat-note">{note}</span>}
      </dd>
    </div>
  );
}

export function Stats({ label, children }: { label: string; children: ReactNode }) {
  return (
    <dl className="stats" aria-label={label}>
      {children}
    </dl>
  );
}
