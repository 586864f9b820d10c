import { type Band, useBands } from "../../data/bands.ts";
import type { Provider } from "../../data/providers.ts";
import { countOf, type Queue } from "../../data/queue.ts";
import { mayUse, useSession } from "../../data/session.tsx";
import { collected, type StatsRow, successRate, sum, useStats } from "../../data/stats.ts";
import { RANGE_OPTIONS, type Range, useRange } from "../../data/time-range.ts";
import { useProviders } from "../../data/use-providers.ts";
import { useQueue } from "../../data/use-queue.ts";
import { Switch } from "../../parts/filters.tsx";
import { Empty, Loaded } from "../../parts/loaded.tsx";
import { Money } from "../../parts/money.tsx";
import { Panel } from "../../parts/panel.tsx";
import { Stat, Stats } from "../../parts/stat.tsx";
import { Time } from "../../parts/time.tsx";
import { useNow } from "../../parts/use-now.ts";
import { count, moneys, share } from "../../parts/words.ts";
import { PageHead } from "../../shell/page-head.tsx";
import { Link } from "../../shell/router.tsx";
import { ChargesChart } from "./charges-chart.tsx";
import { PublicOverview } from "./public-overview.tsx";
import { ShareChart } from "./share-chart.tsx";
import { stateOf } from "./state.ts";
import { StateBand } from "./state-band.tsx";
import "./overview.css";

/** Is money flowing? */
export default function Overview() {
  const allowed = mayUse(useSession(), ["finance", "ops"]);
  return allowed ? <WholeOverview /> : <PublicOverview />;
}

function WholeOverview() {
  const [range, choose] = useRange();
  const providers = useProviders();
  const queue = useQueue();
  const stats = useStats(range, ["interval", "provider", "currency"]);
  const bands = useBands(range);
  return (
    <>
      <PageHead title="Overview" actions={<Switch label="Time" value={range.name} options={RANGE_OPTIONS} onChange={choose} />} />
      <Loaded from={providers} what="the providers">
        {({ data }) => (
          <Loaded from={queue} what="the queue">
            {(waiting) => <Now providers={data} queue={waiting} />}
          </Loaded>
        )}
      </Loaded>
      <Loaded from={stats} what="the numbers">
        {({ data }) => (
          <>
            <Loaded from={queue} what="the queue">
              {(waiting) => <Numbers rows={data} queue={waiting} range={range} />}
            </Loaded>
            <Loaded from={bands} what="the breakers">
              {(outages) => <Pictures rows={data} bands={outages.data} providers={providers.data?.data ?? []} range={range} />}
            </Loaded>
          </>
        )}
      </Loaded>
    </>
  );
}

const RECENT_MINUTES = 15;
const MINUTE_MS = 60_000;

function Now({ providers, queue }: { providers: readonly Provider[]; queue: Queue }) {
  const now = useNow(MINUTE_MS);
  const from = new Date(now - RECENT_MINUTES * MINUTE_MS);
  const recent = useStats({ from, to: new Date(now + MINUTE_MS), interval: "minute" }, ["currency"]);
  return (
    <Loaded from={recent} what="the state">
      {({ data }) => {
        const succeeded = Math.max(
          0,
          sum(data, (row) => row.charges_succeeded),
        );
        const failed = Math.max(
          0,
          sum(data, (row) => row.charges_failed),
        );
        return <StateBand state={stateOf({ providers, queue, recent: { succeeded, failed, minutes: RECENT_MINUTES }, now: Date.now() })} />;
      }}
    </Loaded>
  );
}

function Numbers({ rows, queue, range }: { rows: readonly StatsRow[]; queue: Queue; range: Range }) {
  const succeeded = sum(rows, (row) => row.charges_succeeded);
  const ended = succeeded + sum(rows, (row) => row.charges_failed);
  const { deferred, in_doubt: doubts } = queue;
  const letters = countOf(queue.dead_letters);
  const [main, ...others] = collected(rows);
  return (
    <Stats label={`Numbers of ${range.words}, and what waits now`}>
      <Stat label="Success rate" value={share(successRate(rows))} note={`${count(succeeded)} of ${count(ended)} charges, ${range.words}`} />
      <Stat
        label="Collected"
        value={main === undefined ? "–" : <Money {...main} />}
        note={others.length === 0 ? range.words : `and ${moneys(others)}, ${range.words}`}
      />
      <Stat
        label="Deferred now"
        tone={deferred.length > 0 ? "warn" : "quiet"}
        value={count(countOf(deferred))}
        note={deferred.length === 0 ? "nothing waits" : <Waiting rows={deferred} />}
      />
      <Stat
        label="In doubt now"
        tone={doubts.length > 0 ? "doubt" : "quiet"}
        value={count(countOf(doubts))}
        note={doubts.length === 0 ? "all is known" : <Waiting rows={doubts} />}
      />
      <Stat
        label="For a person"
        tone={letters > 0 ? "bad" : "quiet"}
        value={count(letters)}
        note={letters === 0 ? "no dead letters" : "dead letters"}
      />
    </Stats>
  );
}

function Waiting({ rows }: { rows: Queue["deferred"] }) {
  const oldest = rows.map(({ oldest_at }) => oldest_at).sort()[0];
  return (
    <>
      {moneys(rows)}
      {oldest === undefined ? null : (
        <>
          , since <Time at={oldest} />
        </>
      )}
    </>
  );
}

function Pictures({
  rows,
  bands,
  providers,
  range,
}: {
  rows: readonly StatsRow[];
  bands: readonly Band[];
  providers: readonly Provider[];
  range: Range;
}) {
  const { sandbox } = useSession();
  const maySend = mayUse(useSession(), ["ops"]);
  if (rows.length === 0 && bands.length === 0)
    return (
      <Empty title={`No charges in ${range.words}.`}>
        {sandbox && maySend ? <Link to="/try">Start some traffic in the sandbox</Link> : "They appear here as they come."}
      </Empty>
    );
  return (
    <div className="columns">
      <Panel title="Who collects" note="Share of the approved attempts; below, when a breaker or a person decided about a provider.">
        <ShareChart rows={rows} bands={bands} ids={providers.map(({ id }) => id)} range={range} />
      </Panel>
      <Panel title="Charges" note="By their end, and the rate of success.">
        <ChargesChart rows={rows} range={range} />
      </Panel>
    </div>
  );
}
