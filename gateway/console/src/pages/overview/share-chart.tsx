import { useCallback, useMemo } from "react";
import { BAND_WORDS, type Band } from "../../data/bands.ts";
import type { StatsRow } from "../../data/stats.ts";
import { sum } from "../../data/stats.ts";
import { INTERVAL_MS, type Range } from "../../data/time-range.ts";
import { Chart } from "../../parts/chart.tsx";
import { axisStyle, type ChartColors, seriesColor, textStyle, timeAxisLabel, tooltip } from "../../parts/chart-colors.ts";
import { Table } from "../../parts/table.tsx";
import { count, dateTime, dayTime, list, providerName, share } from "../../parts/words.ts";

const LANE_PX = 22;
const SHARES_PX = 190;

interface Point {
  readonly start: number;
  /** Approved attempts by provider. */
  readonly approved: ReadonlyMap<string, number>;
  readonly total: number;
}

/** Who collected, interval by interval; below it, on the same time axis, when a breaker or a person kept a provider out. */
export function ShareChart({
  rows,
  bands,
  ids,
  range,
}: {
  rows: readonly StatsRow[];
  bands: readonly Band[];
  ids: readonly string[];
  range: Range;
}) {
  const points = useMemo(() => pointsOf(rows, range.starts), [rows, range.starts]);
  const option = useCallback((colors: ChartColors) => optionOf({ colors, points, bands, ids, range }), [points, bands, ids, range]);
  const shares = ids.map((id) => {
    const total = sum(rows, ({ approved }) => approved);
    const own = sum(rows, (row) => (row.provider === id ? row.approved : 0));
    return `${providerName(id)} ${share(total === 0 ? null : own / total)}`;
  });
  return (
    <Chart
      option={option}
      height={SHARES_PX + 74 + LANE_PX * ids.length}
      summary={`Share of the approved attempts in ${range.words}: ${list(shares)}. ${bands.length === 0 ? "No provider was kept out." : `${count(bands.length)} times a provider was kept out or forced.`}`}
      legend={<BandLegend bands={bands} />}
      table={<Numbers points={points} bands={bands} ids={ids} />}
    />
  );
}

/** What the colours of the lanes mean, of those that are there. */
function BandLegend({ bands }: { bands: readonly Band[] }) {
  const there = new Set(bands.map(({ state }) => state));
  if (there.size === 0) return null;
  return (
    <ul className="band-legend" aria-label="Colours of the lanes">
      {[...there].map((state) => (
        <li key={state}>
          <span className={`swatch swatch-${state}`} aria-hidden="true" />
          {BAND_WORDS[state]}
        </li>
      ))}
    </ul>
  );
}

function pointsOf(rows: readonly StatsRow[], starts: readonly number[]): Point[] {
  const byStart = Map.groupBy(rows, ({ interval_start }) => Date.parse(interval_start ?? ""));
  return starts.map((start) => {
    const approved = new Map<string, number>();
    for (const { provider, approved: number } of byStart.get(start) ?? []) {
      if (provider) approved.set(provider, (approved.get(provider) ?? 0) + number);
    }
    return { start, approved, total: [...approved.values()].reduce((all, one) => all + one, 0) };
  });
}

function optionOf({
  colors,
  points,
  bands,
  ids,
  range,
}: {
  colors: ChartColors;
  points: readonly Point[];
  bands: readonly Band[];
  ids: readonly string[];
  range: Range;
}) {
  const half = INTERVAL_MS[range.interval] / 2;
  const first = range.starts[0] ?? 0;
  const last = (range.starts.at(-1) ?? 0) + INTERVAL_MS[range.interval];
  const time = { type: "time", min: first, max: last, ...axisStyle(colors), splitLine: { show: false } };
  const lanesTop = SHARES_PX + 44;
  return {
    textStyle: textStyle(colors),
    legend: {
      type: "scroll",
      top: 0,
      left: 0,
      icon: "roundRect",
      itemWidth: 12,
      itemHeight: 12,
      textStyle: textStyle(colors),
      data: ids.map(providerName),
    },
    grid: [
      { left: 64, right: 12, top: 32, height: SHARES_PX - 20 },
      { left: 64, right: 12, top: lanesTop, height: LANE_PX * ids.length },
    ],
    xAxis: [
      { ...time, gridIndex: 0, axisLabel: { show: false } },
      { ...time, gridIndex: 1, axisLabel: timeAxisLabel(colors, last - first) },
    ],
    yAxis: [
      {
        type: "value",
        gridIndex: 0,
        min: 0,
        max: 100,
        interval: 50,
        ...axisStyle(colors),
        axisLabel: { color: colors.muted, formatter: "{value} %", fontSize: 11 },
      },
      { type: "category", gridIndex: 1, data: ids.map(providerName), inverse: true, ...axisStyle(colors), splitLine: { show: false } },
    ],
    tooltip: tooltip(colors, { trigger: "item", axisPointer: { type: "none" } }),
    series: [
      ...ids.map((id) => ({
        name: providerName(id),
        type: "bar",
        stack: "share",
        xAxisIndex: 0,
        yAxisIndex: 0,
        barWidth: `${Math.min(98, Math.max(60, 9000 / points.length))}%`,
        itemStyle: { color: seriesColor(colors, ids, id) },
        data: points.map((point) => [point.start + half, point.total === 0 ? null : (100 * (point.approved.get(id) ?? 0)) / point.total]),
        tooltip: {
          formatter: ({ dataIndex }: { dataIndex: number }) => {
            const point = points[dataIndex] as Point;
            const lines = ids.map(
              (one) =>
                `${providerName(one)}  ${count(point.approved.get(one) ?? 0)}  (${share((point.approved.get(one) ?? 0) / point.total)})`,
            );
            return [dateTime(point.start), ...lines].join("\n");
          },
        },
      })),
      lanes({ colors, bands, ids, first, last }),
    ],
  };
}

function lanes({
  colors,
  bands,
  ids,
  first,
  last,
}: {
  colors: ChartColors;
  bands: readonly Band[];
  ids: readonly string[];
  first: number;
  last: number;
}) {
  const tones: Readonly<Record<Band["state"], string>> = {
    open: colors.bad,
    down: colors.muted,
    drain: colors.muted,
    only: colors.info,
    up: colors.good,
  };
  return {
    type: "custom",
    xAxisIndex: 1,
    yAxisIndex: 1,
    clip: true,
    encode: { x: [0, 1], y: 2 },
    data: bands.map((band) => [
      Math.max(first, Date.parse(band.from)),
      band.to === null ? Math.min(Date.now(), last) : Math.min(last, Date.parse(band.to)),
      ids.indexOf(band.provider),
    ]),
    renderItem: (params: { dataIndex: number }, api: { value(index: number): number; coord(point: readonly number[]): number[] }) => {
      const [from = 0, y = 0] = api.coord([api.value(0), api.value(2)]);
      const [to = 0] = api.coord([api.value(1), api.value(2)]);
      const height = LANE_PX - 8;
      return {
        type: "rect",
        shape: { x: from, y: y - height / 2, width: Math.max(3, to - from), height, r: 3 },
        style: { fill: tones[(bands[params.dataIndex] as Band).state] },
      };
    },
    tooltip: {
      formatter: ({ dataIndex }: { dataIndex: number }) => {
        const band = bands[dataIndex] as Band;
        const until = band.to === null ? "now" : dayTime(band.to);
        return [
          `${providerName(band.provider)}: ${BAND_WORDS[band.state]}`,
          `${dayTime(band.from)} – ${until}`,
          ...(band.reason === null ? [] : [band.reason]),
        ].join("\n");
      },
    },
  };
}

function Numbers({ points, bands, ids }: { points: readonly Point[]; bands: readonly Band[]; ids: readonly string[] }) {
  const filled = points.filter(({ total }) => total > 0).reverse();
  return (
    <>
      <Table
        caption="Approved attempts by provider"
        rows={filled}
        rowKey={({ start }) => String(start)}
        columns={[
          { head: "From", rowHead: true, cell: ({ start }) => dateTime(start) },
          ...ids.map((id) => ({
            head: providerName(id),
            align: "end" as const,
            cell: (point: Point) => count(point.approved.get(id) ?? 0),
          })),
        ]}
      />
      {bands.length === 0 ? null : (
        <Table
          caption="When a provider was kept out or forced"
          rows={bands}
          rowKey={({ provider, state, from }) => provider + state + from}
          columns={[
            { head: "Provider", rowHead: true, cell: ({ provider }) => providerName(provider) },
            { head: "What", cell: ({ state }) => BAND_WORDS[state] },
            { head: "From", cell: ({ from }) => dateTime(from) },
            { head: "To", cell: ({ to }) => (to === null ? "it lasts" : dateTime(to)) },
            { head: "Why", cell: ({ reason }) => reason ?? "–" },
          ]}
        />
      )}
    </>
  );
}
