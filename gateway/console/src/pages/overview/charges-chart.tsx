import { useCallback, useMemo } from "react";
import { type StatsRow, successRate, sum } from "../../data/stats.ts";
import { INTERVAL_MS, type Range } from "../../data/time-range.ts";
import { Chart } from "../../parts/chart.tsx";
import { axisStyle, type ChartColors, textStyle, timeAxisLabel, tooltip } from "../../parts/chart-colors.ts";
import { Table } from "../../parts/table.tsx";
import { count, dateTime, share, shortCount } from "../../parts/words.ts";

interface Point {
  readonly start: number;
  readonly succeeded: number;
  readonly failed: number;
  /** How often a charge was put off. */
  readonly deferred: number;
}

/** How many charges came to which end, and the rate of success. */
export function ChargesChart({ rows, range }: { rows: readonly StatsRow[]; range: Range }) {
  const points = useMemo(() => pointsOf(rows, range.starts), [rows, range.starts]);
  const option = useCallback((colors: ChartColors) => optionOf(colors, points, range), [points, range]);
  const ended = sum(rows, (row) => row.charges_succeeded + row.charges_failed);
  return (
    <Chart
      option={option}
      height={SHOWN_PX}
      summary={`${count(ended)} charges came to an end in ${range.words}; ${share(successRate(rows))} of them succeeded.`}
      table={
        <Table
          caption="Charges by their end"
          rows={points.filter(({ succeeded, failed, deferred }) => succeeded + failed + deferred !== 0).reverse()}
          rowKey={({ start }) => String(start)}
          columns={[
            { head: "From", rowHead: true, cell: ({ start }) => dateTime(start) },
            { head: "Succeeded", align: "end", cell: ({ succeeded }) => count(succeeded) },
            { head: "Failed", align: "end", cell: ({ failed }) => count(failed) },
            { head: "Deferred", align: "end", cell: ({ deferred }) => count(deferred) },
            { head: "Success", align: "end", cell: (point) => share(rateOf(point)) },
          ]}
        />
      }
    />
  );
}

const SHOWN_PX = 308;

function pointsOf(rows: readonly StatsRow[], starts: readonly number[]): Point[] {
  const byStart = Map.groupBy(rows, ({ interval_start }) => Date.parse(interval_start ?? ""));
  return starts.map((start) => {
    const own = byStart.get(start) ?? [];
    return {
      start,
      succeeded: sum(own, (row) => row.charges_succeeded),
      failed: sum(own, (row) => row.charges_failed),
      deferred: sum(own, (row) => row.charges_deferred),
    };
  });
}

function rateOf({ succeeded, failed }: Point): number | null {
  return succeeded + failed <= 0 ? null : succeeded / (succeeded + failed);
}

function optionOf(colors: ChartColors, points: readonly Point[], range: Range) {
  const step = INTERVAL_MS[range.interval];
  const first = range.starts[0] ?? 0;
  const bar = (name: string, color: string, of: (point: Point) => number) => ({
    name,
    type: "bar",
    stack: "charges",
    barWidth: `${Math.min(98, Math.max(60, 9000 / points.length))}%`,
    itemStyle: { color },
    data: points.map((point) => [point.start + step / 2, of(point)]),
  });
  return {
    textStyle: textStyle(colors),
    legend: { type: "scroll", top: 0, left: 0, icon: "roundRect", itemWidth: 12, itemHeight: 12, textStyle: textStyle(colors) },
    grid: { left: 44, right: 44, top: 32, bottom: 26 },
    xAxis: {
      type: "time",
      min: first,
      max: first + step * points.length,
      ...axisStyle(colors),
      splitLine: { show: false },
      axisLabel: timeAxisLabel(colors, step * points.length),
    },
    yAxis: [
      { type: "value", minInterval: 1, ...axisStyle(colors), axisLabel: { color: colors.muted, formatter: shortCount, fontSize: 11 } },
      {
        type: "value",
        min: 0,
        max: 100,
        interval: 50,
        ...axisStyle(colors),
        splitLine: { show: false },
        axisLabel: { color: colors.muted, formatter: "{value} %", fontSize: 11 },
      },
    ],
    tooltip: tooltip(colors, {
      trigger: "axis",
      axisPointer: { type: "shadow" },
      formatter: (shown: readonly { dataIndex: number }[]) => {
        const point = points[shown[0]?.dataIndex ?? 0] as Point;
        const { start, succeeded, failed, deferred } = point;
        return [
          dateTime(start),
          `Succeeded  ${count(succeeded)}`,
          `Failed  ${count(failed)}`,
          `Deferred  ${count(deferred)}`,
          `Success  ${share(rateOf(point))}`,
        ].join("\n");
      },
    }),
    series: [
      bar("Succeeded", colors.good, ({ succeeded }) => succeeded),
      bar("Failed", colors.bad, ({ failed }) => failed),
      bar("Deferred", colors.warn, ({ deferred }) => deferred),
      {
        name: "Success rate",
        type: "line",
        yAxisIndex: 1,
        // A point alone, without a line to either side, is one as well.
        showSymbol: true,
        symbol: "circle",
        symbolSize: 4,
        lineStyle: { width: 2, color: colors.text },
        itemStyle: { color: colors.text },
        data: points.map((point) => {
          const rate = rateOf(point);
          return [point.start + step / 2, rate === null ? null : 100 * rate];
        }),
      },
    ],
  };
}
