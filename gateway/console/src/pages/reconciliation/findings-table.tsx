import { Badge } from "../../parts/badge.tsx";
import { Money } from "../../parts/money.tsx";
import { type Column, Table } from "../../parts/table.tsx";
import { Time } from "../../parts/time.tsx";
import { providerName } from "../../parts/words.ts";
import { type Finding, findingWords } from "./finding.ts";

export function FindingsTable({
  findings,
  open,
  mayChange,
}: {
  findings: readonly Finding[];
  open: (finding: Finding) => void;
  mayChange: boolean;
}) {
  const columns: readonly Column<Finding>[] = [
    { head: "What", rowHead: true, cell: (finding) => <What finding={finding} /> },
    { head: "We have", align: "end", cell: ({ our_amount, currency }) => <Amount amount={our_amount} currency={currency} /> },
    { head: "They have", align: "end", cell: ({ their_amount, currency }) => <Amount amount={their_amount} currency={currency} /> },
    { head: "State", cell: ({ state }) => <Badge tone={state === "open" ? "warn" : "good"}>{state === "open" ? "open" : "closed"}</Badge> },
    { head: "Owner", cell: ({ owner }) => owner ?? <span className="quiet">nobody</span> },
    { head: "First seen", cell: ({ first_seen_at }) => <Time at={first_seen_at} /> },
    {
      head: "More",
      cell: (finding) => (
        <button type="button" aria-label={`${mayChange ? "Work on it" : "Read"}: ${finding.subject}`} onClick={() => open(finding)}>
          {mayChange ? "Work on it" : "Read"}
        </button>
      ),
    },
  ];
  return <Table caption="Findings" columns={columns} rows={findings} rowKey={({ id }) => id} />;
}

function What({ finding }: { finding: Finding }) {
  return (
    <>
      {findingWords(finding.kind, finding.charge !== null).title} at {providerName(finding.provider)}
      <br />
      <code className="quiet finding-subject">{finding.subject}</code>
    </>
  );
}

export function Amount({ amount, currency }: { amount: number | null; currency: string | null }) {
  if (amount === null || currency === null) return <span className="quiet">nothing</span>;
  return <Money amount={amount} currency={currency} />;
}
