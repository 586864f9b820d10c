import { useApi } from "../../data/use-api.ts";
import { Empty, Loaded } from "../../parts/loaded.tsx";
import type { Page } from "../../parts/pager.tsx";
import { dayTime } from "../../parts/words.ts";
import type { Run } from "./runs.tsx";

/** No open finding is good news only after a comparison: before one, nobody has looked. */
export function NothingOpen() {
  const finished = useApi<Page<Run>>("/v1/reconciliation/runs?state=finished&limit=1", { topics: ["reconciliation"] });
  return (
    <Loaded from={finished} what="the last comparison">
      {({ data: [last] }) =>
        last === undefined ? (
          <Empty title="Nothing was compared yet">
            Whether the processors' records and ours agree is not known before the first comparison has finished.
          </Empty>
        ) : (
          <Empty title="No differences">
            Nothing is open in all that was compared, the last time {dayTime(last.from)} – {dayTime(last.to)}.
          </Empty>
        )
      }
    </Loaded>
  );
}
