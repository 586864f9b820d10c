import { useCallback, useMemo } from "react";
import { Chart } from "../../parts/chart.tsx";
import { axisStyle, type ChartColors, seriesColor, textStyle, tooltip } from "../../parts/chart-colors.ts";
import { useNow } from "../../parts/use-now.ts";
import { count, list, providerName } from "../../parts/words.ts";
import type { Charge } from "../charges/charge.ts";
import { endOf } from "./charge-log.ts";

const STEP_MS = 2_000;
const STEPS = 60;

/** Two minutes of charges, by what each came to. */
export function LiveChart({ log, ids }: { log: readonly Charge[]; ids: readonly string[] }) {
  const now = useNow(STEP_MS);
  const kinds = useMemo(() => kindsOf(ids), [ids]);
  const counts = useMemo(() => countsOf(log, kinds, now), [log, kinds, now]);
  const option = useCallback((colors: ChartColors) => optionOf({ colors, kinds, counts, ids, now }), [kinds, counts, ids, now]);
  const totals = kinds.map(({ name }, index) => `${name} ${count((counts[index] ?? []).reduce((sum, one) => sum + one, 0))}`);
  return <Chart option={option} height={250} summary={`Charges of the last two minutes. ${list(totals)}.`} />;
}

interface Kind {
  readonly name: string;
  readonly fits: (charge: Charge) => boolean;
  readonly color: (colors: ChartColors, ids: readonly string[]) => string;
}

function kindsOf(ids: readonly string[]): Kind[] {
  const is = (kind: string) => (charge: Charge) => endOf(charge).kind === kind;
  return [
    ...ids.map(
      (id): Kind => ({
        name: providerName(id),
        fits: (charge) => charge.status === "succeeded" && charge.provider === id,
        color: (colors) => seriesColor(colors, ids, id),
      }),
    ),
    { name: "waits", fits: is("waits"), color: ({ warn }) => warn },
    { name: "in doubt", fits: is("doubt"), color: ({ doubt }) => doubt },
    { name: "declined", fits: is("failed"), color: ({ line }) => line },
  ];
}

function countsOf(log: readonly Charge[], kinds: readonly Kind[], now: number): number[][] {
  const counts = kinds.map(() => Array<number>(STEPS).fill(0));
  const first = now - STEP_MS * (STEPS - 1);
  for (const charge of log) {
    const step = Math.floor((Date.parse(charge.created_at) - first) / STEP_MS);
    const own = counts[kinds.findIndex(({ fits }) => fits(charge))];
    if (own !== undefined && step >= 0 && step < STEPS) own[step] = (own[step] ?? 0) + 1;
  }
  return counts;
}

function optionOf({
  colors,
  kinds,
  counts,
  ids,
  now,
}: {
  colors: ChartColors;
  kinds: readonly Kind[];
  counts: readonly (readonly number[])[];
  ids: readonly string[];
  now: number;
}) {
  const ago = (index: number) => `${((STEPS - 1 - index) * STEP_MS) / 1_000} s ago`;
  return {
    animation: false,
    textStyle: textStyle(colors),
    legend: { type: "scroll", top: 0, left: 0, icon: "roundRect", itemWidth: 12, itemHeight: 12, textStyle: textStyle(colors) },
    grid: { left: 30, right: 8, top: 34, bottom: 24 },
    xAxis: {
      type: "category",
      data: Array.from({ length: STEPS }, (_, index) => index),
      ...axisStyle(colors),
      axisLabel: {
        color: colors.muted,
        fontSize: 11,
        interval: (index: number) => (STEPS - 1 - index) % 15 === 0,
        formatter: (index: string) => (Number(index) === STEPS - 1 ? "now" : ago(Number(index))),
      },
    },
    yAxis: { type: "value", minInterval: 1, ...axisStyle(colors) },
    tooltip: tooltip(colors, {
      trigger: "axis",
      axisPointer: { type: "shadow" },
      formatter: (shown: readonly { dataIndex: number; seriesName: string; value: number }[]) => {
        const at = new Date(now - (STEPS - 1 - (shown[0]?.dataIndex ?? 0)) * STEP_MS).toLocaleTimeString("en-GB");
        return [at, ...shown.filter(({ value }) => value > 0).map(({ seriesName, value }) => `${seriesName}  ${value}`)].join("\n");
      },
    }),
    series: kinds.map(({ name, color }, index) => ({
      name,
      type: "bar",
      stack: "charges",
      barCategoryGap: "12%",
      itemStyle: { color: color(colors, ids) },
      data: counts[index],
    })),
  };
}
