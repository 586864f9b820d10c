import { useApi } from "../../data/use-api.ts";
import { StatusBadge } from "../../parts/badge.tsx";
import { Empty, Loaded } from "../../parts/loaded.tsx";
import { Money } from "../../parts/money.tsx";
import { Panel } from "../../parts/panel.tsx";
import { Table } from "../../parts/table.tsx";
import { Time } from "../../parts/time.tsx";
import { providerName } from "../../parts/words.ts";
import { PageHead } from "../../shell/page-head.tsx";
import type { Charge } from "../charges/charge.ts";
import type { State } from "./state.ts";
import { StateBand } from "./state-band.tsx";

const STATES: Readonly<Record<string, State>> = {
  operational: { tone: "good", headline: "All processors work.", details: ["Charges go to whichever does best."] },
  degraded: {
    tone: "warn",
    headline: "Charges are taken, by fewer processors than usual.",
    details: ["Nothing is to be done: what one refuses, another takes."],
  },
  outage: { tone: "bad", headline: "No processor can be used.", details: ["Charges are kept, and collected when one returns."] },
};

/** For the billing role, which reads charges, and no totals. */
export function PublicOverview() {
  const status = useApi<{ readonly status: string }>("/status", { topics: ["providers"] });
  const charges = useApi<{ readonly data: readonly Charge[] }>("/v1/charges?limit=10", { topics: ["charges"] });
  return (
    <>
      <PageHead title="Overview" />
      <Loaded from={status} what="the state">
        {({ status: word }) => <StateBand state={STATES[word] ?? { tone: "quiet", headline: word, details: [] }} />}
      </Loaded>
      <Panel title="Newest charges">
        <Loaded from={charges} what="the charges">
          {({ data }) =>
            data.length === 0 ? (
              <Empty title="No charges yet.">The first one appears here as soon as it is made.</Empty>
            ) : (
              <Table
                caption="Newest charges"
                rows={data}
                rowKey={({ id }) => id}
                columns={[
                  { head: "Charge", rowHead: true, cell: ({ id }) => <code>{id}</code> },
                  { head: "Reference", cell: ({ reference }) => reference ?? "–" },
                  { head: "Status", cell: ({ status: now }) => <StatusBadge status={now} /> },
                  { head: "Processor", cell: ({ provider }) => (provider === null ? "–" : providerName(provider)) },
                  { head: "Amount", align: "end", cell: ({ amount, currency }) => <Money amount={amount} currency={currency} /> },
                  { head: "Made", align: "end", cell: ({ created_at }) => <Time at={created_at} /> },
                ]}
              />
            )
          }
        </Loaded>
      </Panel>
    </>
  );
}
