import { mayUse, useSession } from "../../data/session.tsx";
import { useApi } from "../../data/use-api.ts";
import { Loaded } from "../../parts/loaded.tsx";
import { Moneys } from "../../parts/money.tsx";
import { Stat, Stats } from "../../parts/stat.tsx";
import { Time } from "../../parts/time.tsx";
import { count } from "../../parts/words.ts";
import { PageHead } from "../../shell/page-head.tsx";
import { DeadLetters } from "./dead-letters.tsx";
import { DeferredCharges, DoubtfulCharges } from "./waiting-charges.tsx";
import "./queue.css";

interface Waiting {
  readonly currency: string;
  readonly count: number;
  readonly amount: number;
  readonly oldest_at: string;
}

/** `GET /v1/routing/queue`. */
interface Queue {
  readonly deferred: readonly (Waiting & { readonly next_at: string | null })[];
  readonly in_doubt: readonly Waiting[];
  readonly dead_letters: readonly { readonly kind: string; readonly count: number; readonly oldest_at: string }[];
}

/** What waits: for a processor, for an answer, or for a person. */
export default function QueuePage() {
  const maySettle = mayUse(useSession(), ["ops"]);
  const queue = useApi<Queue>("/v1/routing/queue", { topics: ["queue", "charges"] });
  return (
    <>
      <PageHead title="Queue" note="What waits for an answer, for a processor, or for a person." />
      <Loaded from={queue} what="the queue">
        {(data) => <Tiles queue={data} />}
      </Loaded>
      <DoubtfulCharges maySettle={maySettle} />
      {maySettle ? <DeadLetters /> : null}
      <DeferredCharges />
    </>
  );
}

function Tiles({ queue }: { queue: Queue }) {
  const letters = queue.dead_letters;
  return (
    <Stats label="What waits">
      <Stat
        label="In doubt"
        value={total(queue.in_doubt)}
        tone={queue.in_doubt.length === 0 ? "quiet" : "doubt"}
        note={<Amounts rows={queue.in_doubt} />}
      />
      <Stat
        label="For a person"
        value={total(letters)}
        tone={letters.length === 0 ? "quiet" : "bad"}
        note={letters.length === 0 ? "nothing" : <Oldest rows={letters} />}
      />
      <Stat
        label="Deferred"
        value={total(queue.deferred)}
        tone={queue.deferred.length === 0 ? "quiet" : "warn"}
        note={<Amounts rows={queue.deferred} />}
      />
    </Stats>
  );
}

function total(rows: readonly { readonly count: number }[]): string {
  return count(rows.reduce((sum, row) => sum + row.count, 0));
}

function Amounts({ rows }: { rows: readonly Waiting[] }) {
  if (rows.length === 0) return <>nothing</>;
  return (
    <>
      <Moneys amounts={rows} />
      <br />
      <Oldest rows={rows} />
    </>
  );
}

function Oldest({ rows }: { rows: readonly { readonly oldest_at: string }[] }) {
  const oldest = rows.map(({ oldest_at }) => oldest_at).sort()[0];
  return oldest === undefined ? null : (
    <>
      oldest: <Time at={oldest} />
    </>
  );
}
