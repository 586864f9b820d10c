import { useState } from "react";
import { useApi } from "../../data/use-api.ts";
import { Choice, Filters } from "../../parts/filters.tsx";
import { Empty, Loaded } from "../../parts/loaded.tsx";
import { type Page, Pager, useCursor } from "../../parts/pager.tsx";
import { Panel } from "../../parts/panel.tsx";
import { plain } from "../../parts/words.ts";
import { DEAD_LETTER_KINDS, type DeadLetter } from "./dead-letter.ts";
import { DeadLettersTable } from "./dead-letters-table.tsx";
import { Replay } from "./replay.tsx";
import { SettleRefund } from "./settle-refund.tsx";

const KINDS = [{ value: "", text: "Any" }, ...DEAD_LETTER_KINDS.map((kind) => ({ value: kind, text: plain(kind) }))];
const STATES = [
  { value: "open", text: "Open" },
  { value: "replayed", text: "Replayed" },
  { value: "settled", text: "Settled" },
];

/** What the machine gave up on: a person replays it, one or many, or settles it. */
export function DeadLetters() {
  const [kind, setKind] = useState("");
  const [state, setState] = useState("open");
  const query = `state=${state}${kind === "" ? "" : `&kind=${kind}`}`;
  const cursor = useCursor(query);
  const after = cursor.after === null ? "" : `&starting_after=${cursor.after}`;
  const letters = useApi<Page<DeadLetter>>(`/v1/dead-letters?${query}&limit=20${after}`, { topics: ["queue", "charges"] });
  return (
    <Panel title="Dead letters" note="What the machine gave up on. Each keeps its state and waits for a person; nothing is lost.">
      <Filters label="Filter dead letters">
        <Choice label="State" value={state} options={STATES} onChange={setState} />
        <Choice label="About" value={kind} options={KINDS} onChange={setKind} />
      </Filters>
      <Loaded from={letters} what="dead letters">
        {(page) =>
          page.data.length === 0 && cursor.number === 1 ? (
            <Empty title={state === "open" ? "Nothing waits for a person" : "None"} />
          ) : (
            <>
              <Letters letters={page.data} reload={letters.reload} />
              <Pager cursor={cursor} page={page} />
            </>
          )
        }
      </Loaded>
    </Panel>
  );
}

function Letters({ letters, reload }: { letters: readonly DeadLetter[]; reload: () => void }) {
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [replayed, setReplayed] = useState<readonly DeadLetter[] | null>(null);
  const [refund, setRefund] = useState<string | null>(null);
  const open = letters.filter(({ state }) => state === "open");
  // What was replayed meanwhile, here or by somebody else, is chosen no more.
  const selected = open.filter(({ id }) => chosen.has(id));
  const close = () => {
    setReplayed(null);
    setRefund(null);
    reload();
  };
  return (
    <>
      {open.length === 0 ? null : (
        <div className="bulk">
          <label className="check">
            <input
              type="checkbox"
              checked={selected.length === open.length}
              onChange={({ target }) => setChosen(new Set(target.checked ? open.map(({ id }) => id) : []))}
            />
            <span>All on this page</span>
          </label>
          <button type="button" className="primary" disabled={selected.length === 0} onClick={() => setReplayed(selected)}>
            {selected.length === 0 ? "Replay" : `Replay ${selected.length}`}
          </button>
        </div>
      )}
      <DeadLettersTable
        letters={letters}
        chosen={chosen}
        choose={(id, on) => setChosen(new Set(on ? [...chosen, id] : [...chosen].filter((one) => one !== id)))}
        replay={(letter) => setReplayed([letter])}
        settleRefund={setRefund}
      />
      {replayed === null ? null : <Replay letters={replayed} onClose={close} />}
      {refund === null ? null : <SettleRefund id={refund} onClose={close} />}
    </>
  );
}
