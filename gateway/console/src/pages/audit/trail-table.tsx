import { Money } from "../../parts/money.tsx";
import { type Column, Table } from "../../parts/table.tsx";
import { Time } from "../../parts/time.tsx";
import { Link } from "../../shell/router.tsx";
import { type TrailEvent, trailWords } from "./trail-words.ts";
import "./audit.css";

/** `narrow`: sets one of the filters to what a cell says. */
export function TrailTable({
  events,
  narrow,
}: {
  events: readonly TrailEvent[];
  narrow: (filter: "actor" | "type", value: string) => void;
}) {
  const columns: readonly Column<TrailEvent>[] = [
    { head: "No.", align: "end", cell: ({ seq }) => seq ?? "–" },
    {
      head: "What",
      rowHead: true,
      cell: (event) => (
        <>
          {trailWords(event)}
          <br />
          <Narrow label="event" value={event.type} onNarrow={() => narrow("type", event.type)} />
        </>
      ),
    },
    { head: "Charge", cell: ({ charge }) => (charge === null ? null : <ShortId id={charge} />) },
    {
      head: "Amount",
      align: "end",
      cell: ({ amount, currency }) => (amount === null || currency === null ? null : <Money amount={amount} currency={currency} />),
    },
    { head: "Who", cell: ({ actor }) => <Narrow label="author" value={actor} onNarrow={() => narrow("actor", actor)} /> },
    { head: "When", cell: ({ at }) => <Time at={at} exact /> },
  ];
  return <Table caption="The trail" columns={columns} rows={events} rowKey={({ id }) => String(id)} />;
}

/** The end of an id tells charges apart; the whole one is at the link. */
function ShortId({ id }: { id: string }) {
  return (
    <Link to={`/charges/${id}`} className="mono short-id" title={id}>
      …{id.slice(-8)}
    </Link>
  );
}

function Narrow({ label, value, onNarrow }: { label: string; value: string; onNarrow: () => void }) {
  return (
    <button type="button" className="plain narrow mono" title={`Only this ${label}`} onClick={onNarrow}>
      {value}
    </button>
  );
}
