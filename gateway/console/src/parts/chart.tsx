import { BarChart, CustomChart, LineChart, SankeyChart } from "echarts/charts";
import { AriaComponent, GridComponent, LegendComponent, MarkAreaComponent, MarkLineComponent, TooltipComponent } from "echarts/components";
import { type EChartsCoreOption, type EChartsType, init, use } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import { type ReactNode, useEffect, useRef } from "react";
import { useScheme } from "../shell/theme.ts";
import { type ChartColors, readColors } from "./chart-colors.ts";

use([
  BarChart,
  CustomChart,
  LineChart,
  SankeyChart,
  AriaComponent,
  GridComponent,
  LegendComponent,
  MarkAreaComponent,
  MarkLineComponent,
  TooltipComponent,
  CanvasRenderer,
]);

/**
 * A picture of numbers. `option` is ECharts' own, made with the present theme's colours; keep it in `useCallback`, or it is
 * drawn again with each change of the page. Who cannot see it gets `summary`, one sentence, and may open the numbers (`table`).
 * Tooltips: `tooltip(colors)` of chart-colors.ts; HTML ones are forbidden by the content security policy.
 */
export function Chart({
  option,
  summary,
  legend,
  table,
  height = 240,
}: {
  option: (colors: ChartColors) => EChartsCoreOption;
  summary: string;
  /** Below the picture: what its own legend does not say. */
  legend?: ReactNode;
  table?: ReactNode;
  height?: number;
}) {
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<EChartsType | null>(null);
  const scheme = useScheme();

  useEffect(() => {
    const element = box.current as HTMLDivElement;
    const made = init(element, null, { renderer: "canvas" });
    chart.current = made;
    const watcher = new ResizeObserver(() => made.resize());
    watcher.observe(element);
    return () => {
      watcher.disconnect();
      made.dispose();
      chart.current = null;
    };
  }, []);

  // biome-ignore lint/correctness/useExhaustiveDependencies: another scheme means other colours, read from the style sheet
  useEffect(() => {
    chart.current?.setOption({ animationDuration: 300, animationDurationUpdate: 300, ...option(readColors()) }, { notMerge: true });
  }, [option, scheme]);

  return (
    <figure className="chart">
      <div ref={box} role="img" aria-label={summary} style={{ height }} />
      {legend}
      {table === undefined ? null : (
        <details className="chart-table">
          <summary>The numbers</summary>
          {table}
        </details>
      )}
    </figure>
  );
}
