import { StatusBadge } from "../../parts/badge.tsx";
import { Money } from "../../parts/money.tsx";
import { type Column, Table } from "../../parts/table.tsx";
import { Time } from "../../parts/time.tsx";
import { providerName } from "../../parts/words.ts";
import { Link } from "../../shell/router.tsx";
import type { Charge } from "./charge.ts";
import { declineWords } from "./reason-words.ts";
import "./charges.css";

const COLUMNS: readonly Column<Charge>[] = [
  { head: "Charge", rowHead: true, cell: (charge) => <ChargeLink charge={charge} /> },
  { head: "Amount", align: "end", cell: ({ amount, currency }) => <Money amount={amount} currency={currency} /> },
  { head: "Status", cell: (charge) => <ChargeState charge={charge} /> },
  { head: "Processors", cell: ({ attempts }) => <Way providers={attempts.map(({ provider }) => provider)} /> },
  { head: "Created", cell: ({ created_at }) => <Time at={created_at} /> },
];

export function ChargesTable({ charges }: { charges: readonly Charge[] }) {
  return <Table caption="Charges" columns={COLUMNS} rows={charges} rowKey={({ id }) => id} />;
}

/** By its invoice where it has one: that is what people know it by. */
export function ChargeLink({ charge }: { charge: Pick<Charge, "id" | "reference"> }) {
  const name = charge.reference ?? charge.id;
  return (
    <Link to={`/charges/${charge.id}`} className="charge-name" title={name}>
      {name}
    </Link>
  );
}

function ChargeState({ charge }: { charge: Charge }) {
  const { status, failure, amount_refunded, disputed } = charge;
  const more = [
    ...(failure === null || status !== "failed" ? [] : [declineWords(failure.code)]),
    ...(amount_refunded === 0 ? [] : [amount_refunded === charge.amount_captured ? "refunded" : "partly refunded"]),
    ...(disputed ? ["disputed"] : []),
  ];
  return (
    <>
      <StatusBadge status={status} />
      {more.length === 0 ? null : <small className="under">{more.join(", ")}</small>}
    </>
  );
}

/** A longer way is said by its processors and its length. */
const MAX_STEPS = 3;

/** Which processors were asked, in their order. */
function Way({ providers }: { providers: readonly string[] }) {
  const steps = providers.filter((provider, index) => provider !== providers[index - 1]);
  if (steps.length === 0) return <span className="quiet">none asked</span>;
  if (steps.length <= MAX_STEPS) return <>{steps.map(providerName).join(" → ")}</>;
  return (
    <>
      {[...new Set(steps)].map(providerName).join(", ")} <span className="quiet">in {providers.length} attempts</span>
    </>
  );
}
