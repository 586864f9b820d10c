import { useState } from "react";
import { mayUse, useSession } from "../../data/session.tsx";
import { useApi } from "../../data/use-api.ts";
import type { PageProps } from "../../page-props.ts";
import { StatusBadge } from "../../parts/badge.tsx";
import { Loaded } from "../../parts/loaded.tsx";
import { Panel } from "../../parts/panel.tsx";
import { money } from "../../parts/words.ts";
import { PageHead } from "../../shell/page-head.tsx";
import { Link } from "../../shell/router.tsx";
import { SettleCharge } from "../queue/settle-charge.tsx";
import type { AttemptDecision, ChargeInFull } from "./charge.ts";
import { AttemptsPanel, DisputesPanel, FactsPanel, RefundsPanel } from "./charge-panels.tsx";
import { storyOf } from "./story.ts";
import { summaryOf } from "./summary.ts";
import { Timeline } from "./timeline.tsx";
import "./charges.css";

/** One charge, as its story. */
export default function ChargePage({ params }: PageProps) {
  // Another charge is another page: nothing of the one before stays.
  return <OneCharge key={params.id} id={params.id ?? ""} />;
}

function OneCharge({ id }: { id: string }) {
  const charge = useApi<ChargeInFull>(`/v1/charges/${encodeURIComponent(id)}`, { topics: ["charges"] });
  const session = useSession();
  const mayRead = mayUse(session, ["finance", "ops"]);
  const decisions = useApi<{ data: readonly AttemptDecision[] }>(
    mayRead && charge.data !== null ? `/v1/routing/decisions/${charge.data.id}` : null,
    { topics: ["charges"] },
  );
  return (
    <>
      <p className="back">
        <Link to="/charges">All charges</Link>
      </p>
      <Loaded from={charge} what="the charge">
        {(data) => (
          <>
            <Head charge={data} maySettle={mayUse(session, ["ops"])} reload={charge.reload} />
            <div className="charge-columns">
              <Panel title="What happened">
                <Timeline chapters={storyOf(data, decisions.data?.data ?? [])} />
              </Panel>
              <div className="charge-side">
                <FactsPanel charge={data} />
                <AttemptsPanel charge={data} />
                <RefundsPanel refunds={data.refunds} />
                <DisputesPanel disputes={data.disputes} />
              </div>
            </div>
          </>
        )}
      </Loaded>
    </>
  );
}

/** Those that a person may settle. */
const UNSETTLED: readonly string[] = ["in_doubt", "pending", "requires_action"];

function Head({ charge, maySettle, reload }: { charge: ChargeInFull; maySettle: boolean; reload: () => void }) {
  const [settling, setSettling] = useState(false);
  const close = () => {
    setSettling(false);
    reload();
  };
  const settle = (
    <button type="button" className="primary" onClick={() => setSettling(true)}>
      Settle by hand
    </button>
  );
  return (
    <>
      <PageHead
        title={`${money(charge.amount, charge.currency)} for ${charge.reference ?? charge.id}`}
        {...(maySettle && UNSETTLED.includes(charge.status) ? { actions: settle } : {})}
      />
      <div className="charge-summary">
        <StatusBadge status={charge.status} />
        <p>{summaryOf(charge).join(" ")}</p>
      </div>
      {settling ? <SettleCharge charge={charge} onClose={close} /> : null}
    </>
  );
}
