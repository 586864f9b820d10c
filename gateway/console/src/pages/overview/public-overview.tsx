import { useApi } from "../../data/use-api.ts";
import { Empty, Loaded } from "../../parts/loaded.tsx";
import { Panel } from "../../parts/panel.tsx";
import { PageHead } from "../../shell/page-head.tsx";
import type { Charge } from "../charges/charge.ts";
import { ChargesTable } from "../charges/charges-table.tsx";
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
              <ChargesTable charges={data} />
            )
          }
        </Loaded>
      </Panel>
    </>
  );
}
