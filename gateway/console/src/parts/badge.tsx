import type { ReactNode } from "react";
import type { Tone } from "./tone.ts";
import { plain } from "./words.ts";

/** A word with a colour and a mark: the colour is never the only sign. */
export function Badge({ tone, children }: { tone: Tone; children: ReactNode }) {
  return (
    <span className={`badge badge-${tone}`}>
      <span className="badge-dot" aria-hidden="true" />
      {children}
    </span>
  );
}

const STATUS_TONES: Readonly<Record<string, Tone>> = {
  succeeded: "good",
  approved: "good",
  authorized: "info",
  processing: "info",
  pending: "info",
  requires_action: "warn",
  deferred: "warn",
  in_doubt: "doubt",
  unknown: "doubt",
  failed: "bad",
  declined: "bad",
  canceled: "quiet",
  not_sent: "warn",
};

/** A charge's status, or an attempt's outcome. */
export function StatusBadge({ status }: { status: string }) {
  return <Badge tone={STATUS_TONES[status] ?? "quiet"}>{plain(status)}</Badge>;
}
