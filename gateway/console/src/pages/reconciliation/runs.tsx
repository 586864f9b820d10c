import { useState } from "react";
import { send } from "../../data/api.ts";
import { useApi } from "../../data/use-api.ts";
import { Badge } from "../../parts/badge.tsx";
import { Confirm } from "../../parts/confirm.tsx";
import { Empty, Loaded } from "../../parts/loaded.tsx";
import type { Page } from "../../parts/pager.tsx";
import { Panel } from "../../parts/panel.tsx";
import { type Column, Table } from "../../parts/table.tsx";
import { Time } from "../../parts/time.tsx";
import type { Tone } from "../../parts/tone.ts";
import { count, dayTime, providerName } from "../../parts/words.ts";
import { actorWords } from "../charges/reason-words.ts";

/** `GET /v1/reconciliation/runs`. */
export interface Run {
  readonly id: string;
  readonly state: "queued" | "running" | "finished" | "failed";
  readonly from: string;
  readonly to: string;
  readonly provider: string | null;
  readonly actor: string;
  readonly error: string | null;
  /** Empty before it ends. */
  readonly report: {
    readonly findings?: { readonly new: number; readonly seen: number; readonly resolved: number };
    readonly unverified?: { readonly count: number };
  };
  readonly created_at: string;
}

const TONES: Readonly<Record<Run["state"], Tone>> = { queued: "quiet", running: "info", finished: "good", failed: "bad" };

const COLUMNS: readonly Column<Run>[] = [
  { head: "Compared", rowHead: true, cell: ({ from, to }) => `${dayTime(from)} – ${dayTime(to)}` },
  { head: "With", cell: ({ provider }) => (provider === null ? "all processors" : providerName(provider)) },
  { head: "State", cell: ({ state }) => <Badge tone={TONES[state]}>{state}</Badge> },
  { head: "Outcome", cell: (run) => outcomeOf(run) },
  { head: "Asked for", cell: (run) => <AskedFor run={run} /> },
];

/** The comparisons that were made. */
export function Runs({ mayStart }: { mayStart: boolean }) {
  const [starting, setStarting] = useState(false);
  const runs = useApi<Page<Run>>("/v1/reconciliation/runs?limit=5", { topics: ["reconciliation"] });
  const start = (
    <button type="button" onClick={() => setStarting(true)}>
      Compare now
    </button>
  );
  return (
    <Panel title="Comparisons" note="The last five." {...(mayStart ? { actions: start } : {})}>
      <Loaded from={runs} what="comparisons">
        {(page) =>
          page.data.length === 0 ? (
            <Empty title="None yet">The first one is made at 04:30 UTC.</Empty>
          ) : (
            <Table caption="Comparisons" columns={COLUMNS} rows={page.data} rowKey={({ id }) => id} />
          )
        }
      </Loaded>
      {starting ? (
        <CompareNow
          onClose={() => {
            setStarting(false);
            runs.reload();
          }}
        />
      ) : null}
    </Panel>
  );
}

const DAY_MS = 86_400_000;
/** This device's clock may be ahead of the gateway's, which compares nothing of the future. */
const CLOCK_MS = 60_000;

function CompareNow({ onClose }: { onClose: () => void }) {
  const [days, setDays] = useState(1);
  const start = () => {
    const to = Date.now() - CLOCK_MS;
    return send("POST", "/v1/reconciliation/runs", { from: new Date(to - days * DAY_MS).toISOString(), to: new Date(to).toISOString() });
  };
  return (
    <Confirm title="Compare with the processors' records" verb="Compare" action={start} onClose={onClose}>
      <label className="field">
        <span>How far back</span>
        <select value={days} onChange={(event) => setDays(Number(event.target.value))}>
          <option value={1}>the last 24 hours</option>
          <option value={3}>the last 3 days</option>
          <option value={7}>the last 7 days</option>
          <option value={30}>the last 30 days</option>
        </select>
      </label>
      <p>
        A worker reads the records of all processors within seconds, and compares them with ours. It moves no money. What differs becomes a
        finding.
      </p>
    </Confirm>
  );
}

function outcomeOf({ state, error, report }: Run): string {
  if (state === "failed") return error ?? "no reason given";
  if (state !== "finished") return "not yet";
  const { findings, unverified } = report;
  const words = findings === undefined ? "done" : findingsWords(findings);
  return unverified === undefined || unverified.count === 0 ? words : `${words}; ${count(unverified.count)} could not be verified`;
}

/** `seen`: those that were open before. */
function findingsWords({ new: fresh, seen, resolved }: NonNullable<Run["report"]["findings"]>): string {
  if (fresh + seen + resolved === 0) return "no differences";
  const parts = [
    fresh === 0 ? "" : `${count(fresh)} new`,
    seen === 0 ? "" : `${count(seen)} known`,
    resolved === 0 ? "" : `${count(resolved)} settled`,
  ];
  return parts.filter((part) => part !== "").join(", ");
}

function AskedFor({ run }: { run: Run }) {
  return (
    <>
      <Time at={run.created_at} /> by {actorWords(run.actor)}
    </>
  );
}
