import { successRate } from "../../data/stats.ts";
import { useApi } from "../../data/use-api.ts";
import { CsvButton } from "../../parts/csv-button.tsx";
import { Choice, Switch } from "../../parts/filters.tsx";
import { Empty, Loaded } from "../../parts/loaded.tsx";
import { Moneys } from "../../parts/money.tsx";
import { Panel } from "../../parts/panel.tsx";
import { Stat, Stats } from "../../parts/stat.tsx";
import { Table } from "../../parts/table.tsx";
import { useNow } from "../../parts/use-now.ts";
import { count, share } from "../../parts/words.ts";
import { PageHead } from "../../shell/page-head.tsx";
import { useSearch } from "../../shell/router.tsx";
import { Flow } from "./flow.tsx";
import { columnsOf, csvOf } from "./report.ts";
import "./routing.css";
import { folded, fromOf, type Grouping, groupingOf, keyOf, type MoneyRow, RANGES, rangeOf, statsQuery } from "./stats.ts";

interface Answer {
  readonly from: string;
  readonly to: string;
  readonly data: readonly MoneyRow[];
}

const MINUTE_MS = 60_000;
const GROUPING_OPTIONS: readonly { value: Grouping; text: string }[] = [
  { value: "provider", text: "Processor" },
  { value: "currency", text: "Currency" },
  { value: "brand", text: "Brand" },
  { value: "country", text: "Country" },
  { value: "day", text: "Day" },
];
const RANGE_OPTIONS = Object.entries(RANGES).map(([value, text]) => ({ value, text }));

/** For finance: what was collected, what it cost, and what would have been lost without a second processor. */
export default function RoutingPage() {
  const [search, change] = useSearch();
  const range = rangeOf(search.get("days"));
  const grouping = groupingOf(search.get("by"));
  const now = useNow(MINUTE_MS);
  const from = fromOf(range, grouping, now);
  return (
    <>
      <PageHead
        title="Routing"
        note="What was collected, what it cost, and what one processor alone would have lost."
        actions={<Choice label="The last" value={range} options={RANGE_OPTIONS} onChange={(days) => change({ days })} />}
      />
      <Totals from={from} />
      <Flow from={from} />
      <Report from={from} grouping={grouping} choose={(by) => change({ by })} />
    </>
  );
}

function Totals({ from }: { from: string }) {
  const totals = useApi<Answer>(statsQuery(from, "currency"), { topics: ["stats"] });
  return (
    <Loaded from={totals} what="the totals">
      {(answer) => {
        const data = folded(answer.data, "currency");
        const recovered = data.filter(({ charges_recovered }) => charges_recovered !== 0);
        const saved = recovered.reduce((sum, { charges_recovered }) => sum + charges_recovered, 0);
        const priced = data.filter(({ cost }) => cost !== null);
        const decided = data.reduce((sum, row) => sum + row.charges_succeeded + row.charges_failed, 0);
        return (
          <Stats label="Totals">
            <Stat label="Success rate" value={share(successRate(data))} note={`of ${count(decided)} decided charges`} />
            <Stat
              label="Collected"
              value={
                <Moneys
                  amounts={data
                    .filter(({ charges_succeeded }) => charges_succeeded !== 0)
                    .map((row) => ({ amount: row.amount_succeeded, currency: row.currency }))}
                />
              }
            />
            <Stat
              label="Recovered"
              tone={saved > 0 ? "good" : "quiet"}
              value={<Moneys amounts={recovered.map((row) => ({ amount: row.amount_recovered, currency: row.currency }))} />}
              note={
                saved === 0
                  ? "nothing had to be"
                  : `${count(saved)} ${saved === 1 ? "charge" : "charges"} collected only by trying another processor, or by waiting for one`
              }
            />
            <Stat
              label="Cost"
              value={<Moneys amounts={priced.map((row) => ({ amount: row.cost ?? 0, currency: row.currency }))} />}
              note={costNote(data.length, priced.length)}
            />
          </Stats>
        );
      }}
    </Loaded>
  );
}

function costNote(currencies: number, priced: number): string {
  if (currencies === 0) return "nothing was collected";
  return priced === 0 ? "no fees are configured" : "by the fees that are configured now";
}

function Report({ from, grouping, choose }: { from: string; grouping: Grouping; choose: (by: Grouping) => void }) {
  const report = useApi<Answer>(statsQuery(from, grouping), { topics: ["stats"] });
  // The answer to the grouping before may still be shown for a moment: its rows have other columns.
  const rows = folded(report.data?.data.filter((row) => isBy(row, grouping)) ?? [], grouping);
  const name =
    report.data === null ? "routing.csv" : `routing-by-${grouping}-${report.data.from.slice(0, 10)}-${report.data.to.slice(0, 10)}.csv`;
  const columns = columnsOf(grouping).map(({ head, number, screen }, index) => ({
    head,
    cell: screen,
    ...(number ? { align: "end" as const } : {}),
    ...(index === 0 ? { rowHead: true } : {}),
  }));
  return (
    <Panel
      title="The numbers"
      note="Recovered: charges that succeeded only because another processor was tried, or because they were kept until one was back."
      actions={
        <>
          <Switch label="Group by" value={grouping} options={GROUPING_OPTIONS} onChange={choose} />
          <CsvButton name={name} content={() => csvOf(rows, grouping)} />
        </>
      }
    >
      <Loaded from={report} what="the numbers">
        {() =>
          rows.length === 0 ? (
            <Empty title="Nothing was charged in this time">Choose a longer time, or wait for the first charge.</Empty>
          ) : (
            <div className="report">
              <Table
                caption={`Charges by ${grouping}`}
                columns={columns}
                rows={rows}
                rowKey={(row) => `${keyOf(row, grouping)} ${row.currency}`}
              />
            </div>
          )
        }
      </Loaded>
    </Panel>
  );
}

function isBy(row: MoneyRow, grouping: Grouping): boolean {
  return grouping === "day" ? row.interval_start !== undefined : row[grouping] !== undefined;
}
