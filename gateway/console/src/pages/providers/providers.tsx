import { BAND_WORDS, type Band, useBands } from "../../data/bands.ts";
import { type StatsRow, useStats } from "../../data/stats.ts";
import { RANGE_OPTIONS, useRange } from "../../data/time-range.ts";
import { useProviders } from "../../data/use-providers.ts";
import { Switch } from "../../parts/filters.tsx";
import { Empty, Loaded } from "../../parts/loaded.tsx";
import { Panel } from "../../parts/panel.tsx";
import { Table } from "../../parts/table.tsx";
import { count, dateTime, duration, providerName, share } from "../../parts/words.ts";
import { PageHead } from "../../shell/page-head.tsx";
import { ProviderCard } from "./provider-card.tsx";
import { Segments } from "./segments.tsx";
import "./providers.css";

/** Who works, why not, and what a person can force. */
export default function Providers() {
  const [range, choose] = useRange("day");
  const providers = useProviders();
  const outcomes = useStats(range, ["provider"]);
  const bands = useBands(range);
  const ids = providers.data?.data.map(({ id }) => id) ?? [];
  return (
    <>
      <PageHead title="Providers" note="As the instance that answers sees them." />
      <Loaded from={providers} what="the providers">
        {({ data }) =>
          data.length === 0 ? (
            <Empty title="No provider is configured.">Every charge is kept until there is one.</Empty>
          ) : (
            <div className="columns">
              {data.map((provider) => (
                <ProviderCard key={provider.id} provider={provider} all={data} onChange={providers.reload} />
              ))}
            </div>
          )
        }
      </Loaded>
      <div className="over-time">
        <h2>Over time</h2>
        <Switch label="Time" value={range.name} options={RANGE_OPTIONS} onChange={choose} />
      </div>
      <div className="columns">
        <Segments ids={ids} range={range} />
        <Panel title="What attempts came to" note={`In ${range.words}. Not sent: with proof that nothing was executed.`}>
          <Loaded from={outcomes} what="the outcomes">
            {({ data }) => <Outcomes rows={ordered(data, ids)} words={range.words} />}
          </Loaded>
        </Panel>
      </div>
      <Panel title="Kept out or forced" note={`Breakers and people, in ${range.words}, newest first.`}>
        <Loaded from={bands} what="the breakers">
          {({ data }) => <Bands bands={data.toReversed()} words={range.words} />}
        </Loaded>
      </Panel>
    </>
  );
}

/** Those that had attempts, in configured order. */
function ordered(rows: readonly StatsRow[], ids: readonly string[]): StatsRow[] {
  const place = ({ provider }: StatsRow) => (ids.includes(provider ?? "") ? ids.indexOf(provider ?? "") : ids.length);
  return rows.filter(({ provider, attempts }) => provider && attempts > 0).sort((a, b) => place(a) - place(b));
}

function Outcomes({ rows, words }: { rows: readonly StatsRow[]; words: string }) {
  if (rows.length === 0) return <Empty title={`No attempt in ${words}.`} />;
  return (
    <Table
      caption="Attempts by provider and outcome"
      rows={rows}
      rowKey={({ provider }) => provider ?? ""}
      columns={[
        { head: "Provider", rowHead: true, cell: ({ provider }) => providerName(provider ?? "") },
        { head: "Attempts", align: "end", cell: ({ attempts }) => count(attempts) },
        { head: "Approved", align: "end", cell: ({ approved, attempts }) => <Part value={approved} of={attempts} /> },
        { head: "Declined", align: "end", cell: ({ declined, attempts }) => <Part value={declined} of={attempts} /> },
        { head: "Not sent", align: "end", cell: ({ not_sent, attempts }) => <Part value={not_sent} of={attempts} /> },
        { head: "Doubts", align: "end", cell: ({ in_doubt, attempts }) => <Part value={in_doubt} of={attempts} /> },
      ]}
    />
  );
}

function Part({ value, of }: { value: number; of: number }) {
  if (value === 0) return <span className="quiet">0</span>;
  return (
    <span className="rate rate-below">
      {count(value)} <span className="quiet">{share(of === 0 ? null : value / of)}</span>
    </span>
  );
}

function Bands({ bands, words }: { bands: readonly Band[]; words: string }) {
  if (bands.length === 0) return <Empty title={`Nothing in ${words}.`}>No breaker opened, and nobody forced anything.</Empty>;
  return (
    <Table
      caption="When a provider was kept out or forced"
      rows={bands}
      rowKey={({ provider, state, from }) => provider + state + from}
      columns={[
        { head: "Provider", rowHead: true, cell: ({ provider }) => providerName(provider) },
        { head: "What", cell: ({ state }) => BAND_WORDS[state] },
        { head: "From", cell: ({ from }) => dateTime(from) },
        { head: "For", cell: ({ from, to }) => (to === null ? "until now" : duration(Date.parse(to) - Date.parse(from))) },
        { head: "Why", cell: ({ reason }) => reason ?? "–" },
      ]}
    />
  );
}
