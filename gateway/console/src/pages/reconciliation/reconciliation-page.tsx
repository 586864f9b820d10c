import { useState } from "react";
import { getCsv } from "../../data/api.ts";
import { mayUse, useSession } from "../../data/session.tsx";
import { useApi } from "../../data/use-api.ts";
import { useProviders } from "../../data/use-providers.ts";
import { CsvButton } from "../../parts/csv-button.tsx";
import { Choice, Filters } from "../../parts/filters.tsx";
import { Empty, Loaded } from "../../parts/loaded.tsx";
import { type Page, Pager, useCursor } from "../../parts/pager.tsx";
import { Panel } from "../../parts/panel.tsx";
import { providerName } from "../../parts/words.ts";
import { PageHead } from "../../shell/page-head.tsx";
import { useSearch } from "../../shell/router.tsx";
import { FINDING_KINDS, type Finding, findingWords } from "./finding.ts";
import { FindingDialog } from "./finding-dialog.tsx";
import { FindingsTable } from "./findings-table.tsx";
import { NothingOpen } from "./nothing-open.tsx";
import { Runs } from "./runs.tsx";
import "./reconciliation.css";

const STATES = [
  { value: "open", text: "Open" },
  { value: "resolved", text: "Closed" },
  { value: "any", text: "Any" },
];
const KINDS = [{ value: "", text: "Any" }, ...FINDING_KINDS.map((kind) => ({ value: kind, text: findingWords(kind, false).title }))];

/** What the processors' records say and ours do not. */
export default function ReconciliationPage() {
  const mayChange = mayUse(useSession(), ["ops"]);
  return (
    <>
      <PageHead title="Reconciliation" note="Every night the processors' own records are compared with ours, both ways." />
      <Findings mayChange={mayChange} />
      <Runs mayStart={mayChange} />
    </>
  );
}

function Findings({ mayChange }: { mayChange: boolean }) {
  const [search, change] = useSearch();
  const [opened, setOpened] = useState<Finding | null>(null);
  const query = queryOf(search);
  const cursor = useCursor(query);
  const after = cursor.after === null ? "" : `&starting_after=${cursor.after}`;
  const findings = useApi<Page<Finding>>(`/v1/reconciliation?limit=20&${query}${after}`, { topics: ["reconciliation"] });
  const providers = useProviders();
  const set = (name: string) => (value: string) => change({ [name]: value });
  const close = () => {
    setOpened(null);
    findings.reload();
  };
  return (
    <Panel
      title="Findings"
      note="A finding moves no money by itself."
      actions={<CsvButton name="findings.csv" content={() => getCsv(`/v1/reconciliation?${query}`)} />}
    >
      <Filters label="Filter findings">
        <Choice label="State" value={search.get("state") ?? "open"} options={STATES} onChange={set("state")} />
        <Choice label="Kind" value={search.get("kind") ?? ""} options={KINDS} onChange={set("kind")} />
        <Choice
          label="Processor"
          value={search.get("provider") ?? ""}
          options={optionsOf(providers.data?.data ?? [])}
          onChange={set("provider")}
        />
      </Filters>
      <Loaded from={findings} what="findings">
        {(page) =>
          page.data.length === 0 && cursor.number === 1 ? (
            query === OPEN ? (
              <NothingOpen />
            ) : (
              <Empty title="None fits the filters" />
            )
          ) : (
            <>
              <FindingsTable findings={page.data} open={setOpened} mayChange={mayChange} />
              <Pager cursor={cursor} page={page} />
            </>
          )
        }
      </Loaded>
      {opened === null ? null : <FindingDialog finding={opened} mayChange={mayChange} onClose={close} />}
    </Panel>
  );
}

const OPEN = "state=open";

/** Open ones unless something else is asked for. */
function queryOf(search: URLSearchParams): string {
  const query = new URLSearchParams();
  const state = search.get("state") ?? "open";
  if (state !== "any") query.set("state", state);
  for (const name of ["kind", "provider"]) {
    const value = search.get(name);
    if (value) query.set(name, value);
  }
  return query.toString();
}

function optionsOf(providers: readonly { readonly id: string }[]): { value: string; text: string }[] {
  return [{ value: "", text: "Any" }, ...providers.map(({ id }) => ({ value: id, text: providerName(id) }))];
}
