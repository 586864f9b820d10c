import { useApi } from "../../data/use-api.ts";
import { Filters, SearchField } from "../../parts/filters.tsx";
import { Empty, Loaded } from "../../parts/loaded.tsx";
import { type Page, Pager, useCursor } from "../../parts/pager.tsx";
import { Panel } from "../../parts/panel.tsx";
import { PageHead } from "../../shell/page-head.tsx";
import { useSearch } from "../../shell/router.tsx";
import { DateField } from "../charges/date-field.tsx";
import { startOfDay } from "../charges/query.ts";
import { TrailTable } from "./trail-table.tsx";
import type { TrailEvent } from "./trail-words.ts";
import { VerifyChain } from "./verify-chain.tsx";

/** Who did what, and proof that nobody changed the record of it. */
export default function AuditPage() {
  const [search, change] = useSearch();
  const query = queryOf(search);
  const cursor = useCursor(query);
  const after = cursor.after === null ? "" : `&starting_after=${cursor.after}`;
  const trail = useApi<Page<TrailEvent>>(`/v1/audit?limit=25${query}${after}`, { topics: ["audit"] });
  const set = (name: string) => (value: string) => change({ [name]: value });
  return (
    <>
      <PageHead title="Audit" note="Every change has an author. Nothing here can be changed or removed." />
      <VerifyChain />
      <Panel title="The trail" note="Newest first. Events are numbered within a second.">
        <div className="trail-filters">
          <Filters label="Search the trail">
            <SearchField label="Charge" value={search.get("charge") ?? ""} placeholder="ch_…" onChange={set("charge")} />
            <SearchField label="Who" value={search.get("actor") ?? ""} placeholder="key:…" onChange={set("actor")} />
            <SearchField label="Event" value={search.get("type") ?? ""} placeholder="override.set" onChange={set("type")} />
            <DateField label="From" value={search.get("from") ?? ""} onChange={set("from")} />
            <DateField label="To" value={search.get("to") ?? ""} onChange={set("to")} />
          </Filters>
        </div>
        <Loaded from={trail} what="the trail">
          {(page) => (
            <>
              {page.data.length > 0 ? (
                <TrailTable events={page.data} narrow={(name, value) => change({ [name]: value })} />
              ) : (
                <Empty title={page.has_more ? "None among the newest of these" : "Nothing fits"}>
                  {page.has_more
                    ? "Older ones may fit: go on with Older."
                    : "The search finds whole names: charge.failed, key:… as the table shows them."}
                </Empty>
              )}
              <Pager cursor={cursor} page={page} />
            </>
          )}
        </Loaded>
      </Panel>
    </>
  );
}

function queryOf(search: URLSearchParams): string {
  const query = new URLSearchParams();
  for (const name of ["charge", "actor", "type"]) {
    const value = search.get(name);
    if (value) query.set(name, value);
  }
  const from = startOfDay(search.get("from"), 0);
  const to = startOfDay(search.get("to"), 1);
  if (from !== null) query.set("from", from);
  if (to !== null) query.set("to", to);
  const text = query.toString();
  return text === "" ? "" : `&${text}`;
}
