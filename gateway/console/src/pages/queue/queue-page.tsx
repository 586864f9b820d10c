import { countOf, type Queue, type Waiting } from "../../data/queue.ts";
import { mayUse, useSession } from "../../data/session.tsx";
import { useQueue } from "../../data/use-queue.ts";
import { Loaded } from "../../parts/loaded.tsx";
import { Moneys } from "../../parts/money.tsx";
import { Stat, Stats } from "../../parts/stat.tsx";
import { Time } from "../../parts/time.tsx";
import { count } from "../../parts/words.ts";
import { PageHead } from "../../shell/page-head.tsx";
import { DeadLetters } from "./dead-letters.tsx";
import { DeferredCharges, DoubtfulCharges } from "./waiting-charges.tsx";
import "./queue.css";

/** What waits: for a processor, for an answer, or for a person. */
export default function QueuePage() {
  const maySettle = mayUse(useSession(), ["ops"]);
  const queue = useQueue();
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
        value={count(countOf(queue.in_doubt))}
        tone={queue.in_doubt.length === 0 ? "quiet" : "doubt"}
        note={<Amounts rows={queue.in_doubt} />}
      />
      <Stat
        label="For a person"
        value={count(countOf(letters))}
        tone={letters.length === 0 ? "quiet" : "bad"}
        note={letters.length === 0 ? "nothing" : <Oldest rows={letters} />}
      />
      <Stat
        label="Deferred"
        value={count(countOf(queue.deferred))}
        tone={queue.deferred.length === 0 ? "quiet" : "warn"}
        note={<Amounts rows={queue.deferred} />}
      />
    </Stats>
  );
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
