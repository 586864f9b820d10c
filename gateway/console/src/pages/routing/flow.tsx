import type { EChartsCoreOption } from "echarts/core";
import { useCallback, useMemo } from "react";
import { useApi } from "../../data/use-api.ts";
import { useProviders } from "../../data/use-providers.ts";
import { Chart } from "../../parts/chart.tsx";
import { type ChartColors, seriesColor, textStyle, tooltip } from "../../parts/chart-colors.ts";
import { Switch } from "../../parts/filters.tsx";
import { Empty, Loaded } from "../../parts/loaded.tsx";
import { Panel } from "../../parts/panel.tsx";
import { Table } from "../../parts/table.tsx";
import { count, list, money, providerName } from "../../parts/words.ts";
import { useSearch } from "../../shell/router.tsx";
import { FLOW_BY, type FlowBy, type FlowLink, type FlowPicture, outcomeName, pictureOf, segmentName } from "./flow-links.ts";

const OPTIONS: readonly { value: FlowBy; text: string }[] = [
  { value: "country", text: "Country" },
  { value: "brand", text: "Brand" },
  { value: "currency", text: "Currency" },
  { value: "type", text: "Method" },
];

/** Where attempts went and what came of them: segment, processor, outcome. */
export function Flow({ from }: { from: string }) {
  const [search, change] = useSearch();
  const by = FLOW_BY.find((one) => one === search.get("flow")) ?? "country";
  const flow = useApi<{ links: readonly FlowLink[] }>(`/v1/routing/flow?from=${from}&by=${by}`, { topics: ["stats"] });
  return (
    <Panel
      title="Where attempts went"
      note="From the customers' segment over the processor to what came of it. The width is the number of attempts."
      actions={<Switch label="Segment" value={by} options={OPTIONS} onChange={(value) => change({ flow: value })} />}
    >
      <Loaded from={flow} what="the flow">
        {({ links }) => (links.length === 0 ? <Empty title="No attempts in this time" /> : <Picture links={links} by={by} />)}
      </Loaded>
    </Panel>
  );
}

function Picture({ links, by }: { links: readonly FlowLink[]; by: FlowBy }) {
  const ids = (useProviders().data?.data ?? []).map(({ id }) => id).join();
  const picture = useMemo(() => pictureOf(links, by), [links, by]);
  const option = useCallback((colors: ChartColors) => sankey(picture, colors, ids.split(",")), [picture, ids]);
  const height = Math.max(220, Math.max(...[0, 1, 2].map((layer) => picture.nodes.filter((node) => node.layer === layer).length)) * 46);
  return <Chart option={option} summary={sentence(picture)} height={height} table={<Numbers links={links} by={by} />} />;
}

function sentence({ nodes, total }: FlowPicture): string {
  const part = (layer: number) =>
    list(nodes.filter((node) => node.layer === layer).map(({ label, count: size }) => `${label} ${count(size)}`));
  return `${count(total)} attempts. Processors: ${part(1)}. Outcomes: ${part(2)}.`;
}

function Numbers({ links, by }: { links: readonly FlowLink[]; by: FlowBy }) {
  return (
    <Table
      caption="Attempts by segment, processor and outcome"
      columns={[
        { head: "Segment", rowHead: true, cell: ({ segment }) => segmentName(segment, by) },
        { head: "Processor", cell: ({ provider }) => (provider === null ? "none" : providerName(provider)) },
        { head: "Outcome", cell: ({ outcome }) => outcomeName(outcome) },
        { head: "Attempts", align: "end", cell: (link) => count(link.count) },
        { head: "Amount", align: "end", cell: ({ amount, currency }) => money(amount, currency) },
      ]}
      rows={links}
      rowKey={({ segment, provider, outcome, currency }) => `${segment} ${provider} ${outcome} ${currency}`}
    />
  );
}

function sankey(picture: FlowPicture, colors: ChartColors, providers: readonly string[]): EChartsCoreOption {
  const labels = new Map(picture.nodes.map(({ name, label, count: size }) => [name, `${label}  ${count(size)}`]));
  // A phone has no room for numbers beside the names; they are in the table, and under the finger.
  const narrow = matchMedia("(max-width: 640px)").matches;
  return {
    textStyle: textStyle(colors),
    tooltip: tooltip(colors, {
      formatter: ({ dataType, name, data }: { dataType: string; name: string; data: { source: string; target: string; value: number } }) =>
        dataType === "node"
          ? (labels.get(name) ?? "")
          : `${plainLabel(labels, data.source)} → ${plainLabel(labels, data.target)}: ${count(data.value)}`,
    }),
    series: [
      {
        type: "sankey",
        left: 4,
        right: 4,
        top: 8,
        bottom: 8,
        nodeWidth: 12,
        nodeGap: 14,
        draggable: false,
        layoutIterations: 32,
        emphasis: { focus: "adjacency" },
        lineStyle: { color: "source", opacity: 0.28, curveness: 0.5 },
        data: picture.nodes.map(({ name, layer, label }) => ({
          name,
          depth: layer,
          itemStyle: { color: nodeColor(name, layer, colors, providers), borderWidth: 0 },
          label: {
            color: colors.text,
            fontFamily: colors.font,
            fontSize: narrow ? 11 : 12,
            textBorderColor: colors.surface,
            textBorderWidth: 3,
            position: layer === 2 ? "left" : "right",
            formatter: () => (narrow ? label : (labels.get(name) ?? "")),
          },
        })),
        links: picture.links,
      },
    ],
  };
}

function plainLabel(labels: ReadonlyMap<string, string>, name: string): string {
  return (labels.get(name) ?? "").replace(/ {2}[\d,]+$/, "");
}

function nodeColor(name: string, layer: number, colors: ChartColors, providers: readonly string[]): string {
  const id = name.slice(2);
  if (layer === 1) return seriesColor(colors, providers, id);
  if (layer === 0) return colors.muted;
  if (id === "approved") return colors.good;
  if (id === "declined") return colors.bad;
  return id === "in_doubt" ? colors.doubt : colors.warn;
}
