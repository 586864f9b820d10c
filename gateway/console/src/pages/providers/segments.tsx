import { useState } from "react";
import type { Range } from "../../data/time-range.ts";
import { useApi } from "../../data/use-api.ts";
import { Switch } from "../../parts/filters.tsx";
import { Empty, Loaded } from "../../parts/loaded.tsx";
import { Panel } from "../../parts/panel.tsx";
import { Table } from "../../parts/table.tsx";
import { count, providerName, share } from "../../parts/words.ts";
import { type FlowLink, segmentName } from "../routing/flow-links.ts";

interface Row {
  /** Empty: not known. */
  readonly segment: string;
  readonly total: number;
  readonly of: ReadonlyMap<string, Answers>;
}

interface Answers {
  readonly approved: number;
  readonly declined: number;
}

type By = "brand" | "country" | "currency";
const BY: readonly { readonly value: By; readonly text: string }[] = [
  { value: "brand", text: "Brand" },
  { value: "country", text: "Country" },
  { value: "currency", text: "Currency" },
];

/** Who is better at what: approved of approved and declined, by provider. */
export function Segments({ ids, range }: { ids: readonly string[]; range: Range }) {
  const [by, setBy] = useState<By>("brand");
  const query = new URLSearchParams({ from: range.from.toISOString(), to: range.to.toISOString(), by });
  const flow = useApi<{ readonly links: readonly FlowLink[] }>(`/v1/routing/flow?${query}`, { topics: ["stats"] });
  return (
    <Panel
      title="Approval by segment"
      note={`Of the issuers' answers in ${range.words}; faults do not count.`}
      actions={<Switch label="Segment" value={by} options={BY} onChange={setBy} />}
    >
      <Loaded from={flow} what="the approval rates">
        {({ links }) => {
          const rows = rowsOf(links);
          return rows.length === 0 ? (
            <Empty title={`No issuer answered in ${range.words}.`} />
          ) : (
            <Table
              caption={`Approval rate by ${by} and provider`}
              rows={rows}
              rowKey={({ segment }) => segment}
              columns={[
                {
                  head: BY.find(({ value }) => value === by)?.text ?? "",
                  rowHead: true,
                  cell: ({ segment }) => segmentName(segment, by),
                },
                ...ids.map((id) => ({
                  head: providerName(id),
                  align: "end" as const,
                  cell: ({ of }: Row) => <Rate answers={of.get(id)} best={isBest(of, id)} />,
                })),
              ]}
            />
          );
        }}
      </Loaded>
    </Panel>
  );
}

function Rate({ answers, best }: { answers: Answers | undefined; best: boolean }) {
  const total = answers === undefined ? 0 : answers.approved + answers.declined;
  if (answers === undefined || total === 0) return <span className="quiet">–</span>;
  return (
    <span className="rate">
      {best ? <strong>{share(answers.approved / total)}</strong> : share(answers.approved / total)}{" "}
      <span className="quiet">of {count(total)}</span>
    </span>
  );
}

function isBest(of: Row["of"], id: string): boolean {
  const rate = (answers: Answers | undefined) =>
    answers === undefined || answers.approved + answers.declined === 0 ? -1 : answers.approved / (answers.approved + answers.declined);
  const own = rate(of.get(id));
  const others = [...of].filter(([other]) => other !== id).map(([, answers]) => rate(answers));
  return own >= 0 && others.length > 0 && others.every((other) => other < own);
}

function rowsOf(links: readonly FlowLink[]): Row[] {
  const rows = new Map<string, { total: number; of: Map<string, { approved: number; declined: number }> }>();
  for (const { segment, provider, outcome, count: number } of links) {
    if (provider === null || (outcome !== "approved" && outcome !== "declined")) continue;
    const name = segment ?? "";
    const row = rows.get(name) ?? { total: 0, of: new Map() };
    const answers = row.of.get(provider) ?? { approved: 0, declined: 0 };
    answers[outcome] += number;
    row.of.set(provider, answers);
    row.total += number;
    rows.set(name, row);
  }
  return [...rows].map(([segment, row]) => ({ segment, ...row })).sort((a, b) => b.total - a.total);
}
