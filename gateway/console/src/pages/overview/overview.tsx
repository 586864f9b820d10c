import { useProviders } from "../../data/providers.ts";
import { Badge } from "../../parts/badge.tsx";
import { Loaded } from "../../parts/loaded.tsx";
import { Panel } from "../../parts/panel.tsx";
import { Table } from "../../parts/table.tsx";
import { share } from "../../parts/words.ts";
import { PageHead } from "../../shell/page-head.tsx";

export default function Overview() {
  const providers = useProviders();
  return (
    <>
      <PageHead title="Overview" />
      <Panel title="Providers">
        <Loaded from={providers} what="the providers">
          {({ data }) => (
            <Table
              caption="Providers"
              rows={data}
              rowKey={({ id }) => id}
              columns={[
                { head: "Provider", rowHead: true, cell: ({ id }) => id },
                { head: "Health", cell: ({ health }) => <Badge tone={health === "up" ? "good" : "warn"}>{health}</Badge> },
                { head: "Share", align: "end", cell: (one) => share(one.share) },
              ]}
            />
          )}
        </Loaded>
      </Panel>
    </>
  );
}
