import { useState } from "react";
import { useApi } from "../../data/use-api.ts";
import { Empty, Loaded } from "../../parts/loaded.tsx";
import { Money } from "../../parts/money.tsx";
import { type Page, Pager, useCursor } from "../../parts/pager.tsx";
import { Panel } from "../../parts/panel.tsx";
import { type Column, Table } from "../../parts/table.tsx";
import { Time } from "../../parts/time.tsx";
import { plain } from "../../parts/words.ts";
import type { Attempt, Charge } from "../charges/charge.ts";
import { ChargeLink } from "../charges/charges-table.tsx";
import { attemptWords } from "../charges/summary.ts";
import { SettleCharge } from "./settle-charge.tsx";

const CHARGE: Column<Charge> = { head: "Charge", rowHead: true, cell: (charge) => <ChargeLink charge={charge} /> };
const AMOUNT: Column<Charge> = {
  head: "Amount",
  align: "end",
  cell: ({ amount, currency }) => <Money amount={amount} currency={currency} />,
};

/** Nobody knows whether the money moved; the machine goes on asking, a person may know better. */
export function DoubtfulCharges({ maySettle }: { maySettle: boolean }) {
  const [settled, setSettled] = useState<Charge | null>(null);
  const columns: Column<Charge>[] = [
    CHARGE,
    AMOUNT,
    { head: "What is known", cell: ({ attempts }) => attempts.map(attemptWords).join("; ") },
    { head: "Since", cell: ({ attempts, created_at }) => <Time at={attempts.at(-1)?.started_at ?? created_at} /> },
  ];
  if (maySettle)
    columns.push({
      head: "Settle",
      cell: (charge) => (
        <button type="button" aria-label={`Settle ${charge.reference ?? charge.id} by hand`} onClick={() => setSettled(charge)}>
          Settle
        </button>
      ),
    });
  return (
    <Panel
      title="In doubt"
      note="The processor was asked, and its answer was lost. It is asked again by itself; nobody else is tried meanwhile."
    >
      <Waiting status="in_doubt" columns={columns} empty="Nothing is in doubt" />
      {settled === null ? null : <SettleCharge charge={settled} onClose={() => setSettled(null)} />}
    </Panel>
  );
}

const DEFERRED: readonly Column<Charge>[] = [
  CHARGE,
  AMOUNT,
  { head: "Why", cell: ({ attempts }) => lastWords(attempts.at(-1)) },
  { head: "Since", cell: ({ deferred, created_at }) => <Time at={deferred?.since ?? created_at} /> },
  { head: "Kept until", cell: ({ deferred }) => (deferred === null ? "–" : <Time at={deferred.until} />) },
];

function lastWords(attempt: Attempt | undefined): string {
  return attempt === undefined ? "No processor could be asked" : attemptWords(attempt);
}

/** Kept, and collected when a processor returns. */
export function DeferredCharges() {
  return (
    <Panel title="Deferred" note="No processor could be used. They are collected by themselves when one returns, oldest first.">
      <Waiting status="deferred" columns={DEFERRED} empty="No charge is deferred" />
    </Panel>
  );
}

function Waiting({ status, columns, empty }: { status: "in_doubt" | "deferred"; columns: readonly Column<Charge>[]; empty: string }) {
  const cursor = useCursor(status);
  const after = cursor.after === null ? "" : `&starting_after=${cursor.after}`;
  const charges = useApi<Page<Charge>>(`/v1/charges?status=${status}&limit=10${after}`, { topics: ["queue", "charges"] });
  return (
    <Loaded from={charges} what={empty}>
      {(page) =>
        page.data.length === 0 && cursor.number === 1 ? (
          <Empty title={empty} />
        ) : (
          <>
            <Table caption={`Charges ${plain(status)}`} columns={columns} rows={page.data} rowKey={({ id }) => id} />
            <Pager cursor={cursor} page={page} />
          </>
        )
      }
    </Loaded>
  );
}
