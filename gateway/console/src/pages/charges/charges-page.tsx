import { mayUse, useSession } from "../../data/session.tsx";
import { useApi } from "../../data/use-api.ts";
import { Choice, Filters, SearchField } from "../../parts/filters.tsx";
import { Empty, Loaded } from "../../parts/loaded.tsx";
import { type Page, Pager, useCursor } from "../../parts/pager.tsx";
import { plain, providerName } from "../../parts/words.ts";
import { PageHead } from "../../shell/page-head.tsx";
import { useSearch } from "../../shell/router.tsx";
import { CHARGE_STATUSES, type Charge } from "./charge.ts";
import { ChargesTable } from "./charges-table.tsx";
import { DateField } from "./date-field.tsx";
import { queryOf } from "./query.ts";

const STATUS_OPTIONS = [
  { value: "", text: "Any" },
  { value: "open", text: "Not decided yet" },
  ...CHARGE_STATUSES.map((status) => ({ value: status, text: plain(status) })),
];

/** Find charges; each opens as a story. */
export default function ChargesPage() {
  const [search, change] = useSearch();
  const query = queryOf(search);
  const cursor = useCursor(query);
  const after = cursor.after === null ? "" : `&starting_after=${cursor.after}`;
  const charges = useApi<Page<Charge>>(`/v1/charges?limit=25${query}${after}`, { topics: ["charges"] });
  const set = (name: string) => (value: string) => change({ [name]: value });
  return (
    <>
      <PageHead title="Charges" note="Newest first" />
      <Filters label="Find charges">
        <SearchField
          label="Search"
          value={search.get("q") ?? ""}
          placeholder="Invoice, charge, attempt, refund or processor's reference"
          onChange={set("q")}
        />
        <Choice label="Status" value={search.get("status") ?? ""} options={STATUS_OPTIONS} onChange={set("status")} />
        <ProviderChoice value={search.get("provider") ?? ""} onChange={set("provider")} />
        <DateField label="From" value={search.get("from") ?? ""} onChange={set("from")} />
        <DateField label="To" value={search.get("to") ?? ""} onChange={set("to")} />
      </Filters>
      <Loaded from={charges} what="charges">
        {(page) =>
          page.data.length === 0 ? (
            <Empty title={query === "" ? "No charges yet" : "No charge fits"}>
              {query === ""
                ? "The billing core makes them with POST /v1/charges."
                : "The search finds whole references and ids, not parts of them."}
            </Empty>
          ) : (
            <div className="panel">
              <ChargesTable charges={page.data} />
              <Pager cursor={cursor} page={page} />
            </div>
          )
        }
      </Loaded>
    </>
  );
}

/** Who may not read the providers filters without them. */
function ProviderChoice({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const allowed = mayUse(useSession(), ["finance", "ops"]);
  const { data } = useApi<{ data: readonly { id: string }[] }>(allowed ? "/v1/providers" : null);
  if (!allowed) return null;
  const options = [{ value: "", text: "Any" }, ...(data?.data ?? []).map(({ id }) => ({ value: id, text: providerName(id) }))];
  return <Choice label="Processor" value={value} options={options} onChange={onChange} />;
}
