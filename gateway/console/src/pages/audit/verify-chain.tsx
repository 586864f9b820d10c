import { useState } from "react";
import { getJson } from "../../data/api.ts";
import { useSend } from "../../data/use-send.ts";
import { Badge } from "../../parts/badge.tsx";
import { Failure } from "../../parts/loaded.tsx";
import { Panel } from "../../parts/panel.tsx";
import { Time } from "../../parts/time.tsx";
import { count, plain } from "../../parts/words.ts";

/** `GET /v1/audit/verify`. */
interface Verification {
  readonly whole: boolean;
  readonly broken: { readonly seq: number; readonly event: number | null; readonly kind: string } | null;
  readonly from: number;
  readonly to: number;
  readonly complete: boolean;
  readonly next_from: number | null;
  readonly head: { readonly seq: number; readonly hash: string };
  readonly unsealed: { readonly count: number };
  readonly last_check: { readonly seq: number; readonly at: string | null };
}

/** Recomputes the hash chain from its beginning, in parts of what one request may cost. */
export function VerifyChain() {
  const [seen, setSeen] = useState<Verification | null>(null);
  const { run, busy, problem } = useSend();
  const verify = () =>
    run(async () => {
      let next: number | null = 1;
      while (next !== null) {
        const part: Verification = await getJson<Verification>(`/v1/audit/verify?from=${next}`);
        setSeen(part);
        next = part.whole && !part.complete ? part.next_from : null;
      }
    });
  const button = (
    <button type="button" className="primary" onClick={() => void verify()} disabled={busy}>
      {busy ? "Verifying…" : "Verify the chain"}
    </button>
  );
  return (
    <Panel
      title="The chain"
      note="Each event carries the hash of the one before it: whoever changes one breaks all that follow."
      actions={button}
    >
      {problem === null ? null : <Failure problem={problem} />}
      <div role="status" className="chain">
        {seen === null ? <p className="quiet">It is also verified every hour by itself.</p> : <Outcome seen={seen} busy={busy} />}
      </div>
    </Panel>
  );
}

function Outcome({ seen, busy }: { seen: Verification; busy: boolean }) {
  if (seen.broken !== null)
    return (
      <p>
        <Badge tone="bad">broken</Badge> At number {count(seen.broken.seq)}: {plain(seen.broken.kind)}. Somebody, or a restore, changed the
        record. Keep the database as it is, and call whoever is responsible for it.
      </p>
    );
  if (busy)
    return (
      <p>
        <Badge tone="info">so far whole</Badge> {count(seen.to)} of {count(seen.head.seq)} events verified.
      </p>
    );
  return (
    <>
      <p>
        <Badge tone="good">whole</Badge> All {count(seen.head.seq)} events are as they were written.
        {seen.unsealed.count === 0 ? null : ` ${count(seen.unsealed.count)} more wait for their number.`}
        {seen.last_check.at === null ? null : (
          <>
            {" "}
            The hourly check was <Time at={seen.last_check.at} />.
          </>
        )}
      </p>
      <p className="quiet">
        Keep the head somewhere else, to notice a trail that was rewritten whole: <code className="hash">{seen.head.hash}</code>
      </p>
    </>
  );
}
