import { brandName, plain, providerName } from "../../parts/words.ts";

export const FLOW_BY = ["country", "brand", "currency", "type"] as const;
export type FlowBy = (typeof FLOW_BY)[number];

/** One link of `GET /v1/routing/flow`. */
export interface FlowLink {
  readonly segment: string | null;
  readonly provider: string | null;
  readonly outcome: string;
  readonly count: number;
  readonly amount: number;
  readonly currency: string;
}

export interface FlowNode {
  /** Unique over the three layers. */
  readonly name: string;
  readonly layer: 0 | 1 | 2;
  readonly label: string;
  readonly count: number;
}

export interface FlowPicture {
  readonly nodes: readonly FlowNode[];
  readonly links: readonly { readonly source: string; readonly target: string; readonly value: number }[];
  readonly total: number;
}

/** Segments that have a band of their own; the rest is one. */
const MAX_SEGMENTS = 8;
const OTHERS = "others";

/** By number: amounts of different currencies are never added. */
export function pictureOf(flow: readonly FlowLink[], by: FlowBy): FlowPicture {
  const sizes = summed(flow.map(({ segment, count }) => [segment ?? "", count]));
  const shown = new Set(
    [...sizes]
      .sort((a, b) => b[1] - a[1])
      .slice(0, MAX_SEGMENTS)
      .map(([segment]) => segment),
  );
  const folded = flow
    .filter(({ count }) => count > 0)
    .map((link) => ({ ...link, segment: shown.has(link.segment ?? "") ? (link.segment ?? "") : OTHERS, provider: link.provider ?? "" }));
  const first = summed(folded.map(({ segment, provider, count }) => [`${segment}\n${provider}`, count]));
  const second = summed(folded.map(({ provider, outcome, count }) => [`${provider}\n${outcome}`, count]));
  const layer = (of: readonly [string, number][], at: 0 | 1 | 2, label: (name: string) => string): FlowNode[] =>
    [...summed(of)].map(([name, count]) => ({ name: `${at} ${name}`, layer: at, label: label(name), count }));
  return {
    nodes: [
      ...layer(
        folded.map(({ segment, count }) => [segment, count]),
        0,
        (segment) => segmentName(segment, by),
      ),
      ...layer(
        folded.map(({ provider, count }) => [provider, count]),
        1,
        (provider) => (provider === "" ? "nobody asked" : providerName(provider)),
      ),
      ...layer(
        folded.map(({ outcome, count }) => [outcome, count]),
        2,
        outcomeName,
      ),
    ],
    links: [...linksOf(first, 0), ...linksOf(second, 1)],
    total: folded.reduce((sum, { count }) => sum + count, 0),
  };
}

function linksOf(sums: ReadonlyMap<string, number>, from: 0 | 1): FlowPicture["links"] {
  return [...sums].map(([pair, value]) => {
    const [source = "", target = ""] = pair.split("\n");
    return { source: `${from} ${source}`, target: `${from + 1} ${target}`, value };
  });
}

function summed(pairs: readonly (readonly [string, number])[]): Map<string, number> {
  const sums = new Map<string, number>();
  for (const [key, value] of pairs) sums.set(key, (sums.get(key) ?? 0) + value);
  return sums;
}

export function segmentName(segment: string | null, by: FlowBy): string {
  if (segment === null || segment === "") return "not known";
  if (segment === OTHERS) return OTHERS;
  if (by === "brand") return brandName(segment);
  return by === "type" ? plain(segment) : segment.toUpperCase();
}

const OUTCOMES: Readonly<Record<string, string>> = { not_sent: "could not be asked" };

export function outcomeName(outcome: string): string {
  return OUTCOMES[outcome] ?? plain(outcome);
}
