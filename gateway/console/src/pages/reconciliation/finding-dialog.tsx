import { useState } from "react";
import { send } from "../../data/api.ts";
import { useSend } from "../../data/use-send.ts";
import { Dialog } from "../../parts/dialog.tsx";
import { Fact, Facts } from "../../parts/facts.tsx";
import { Failure } from "../../parts/loaded.tsx";
import { Time } from "../../parts/time.tsx";
import { plain, providerName } from "../../parts/words.ts";
import { Link } from "../../shell/router.tsx";
import { actorWords } from "../charges/reason-words.ts";
import { type Finding, findingWords } from "./finding.ts";
import { Amount } from "./findings-table.tsx";

/** One difference: what it means, what to do, and for who may, who does it and whether it is done. */
export function FindingDialog({ finding, mayChange, onClose }: { finding: Finding; mayChange: boolean; onClose: () => void }) {
  const words = findingWords(finding.kind, finding.charge !== null);
  return (
    <Dialog title={words.title} onClose={onClose}>
      <div className="form">
        <p>{words.meaning}</p>
        <p>
          <strong>What to do:</strong> {words.todo}
        </p>
        <Facts>
          <Fact name={`At ${providerName(finding.provider)}`}>
            <code>{finding.subject}</code>
          </Fact>
          <Fact name="Charge">
            {finding.charge === null ? null : (
              <Link to={`/charges/${finding.charge}`} className="mono">
                {finding.charge}
              </Link>
            )}
          </Fact>
          <Fact name="We have">
            <Amount amount={finding.our_amount} currency={finding.currency} />
          </Fact>
          <Fact name="They have">
            <Amount amount={finding.their_amount} currency={finding.currency} />
          </Fact>
          {Object.entries(finding.detail).map(([name, value]) => (
            <Fact key={name} name={plain(name)}>
              <code>{typeof value === "string" ? value : JSON.stringify(value)}</code>
            </Fact>
          ))}
          <Fact name="Seen">
            first <Time at={finding.first_seen_at} />, last <Time at={finding.last_seen_at} />
          </Fact>
          <Fact name="Closed">
            {finding.closed_at === null || finding.closed_by === null ? null : (
              <>
                <Time at={finding.closed_at} /> by {actorWords(finding.closed_by)}
              </>
            )}
          </Fact>
        </Facts>
        {mayChange ? <Work finding={finding} onClose={onClose} /> : <Record finding={finding} />}
      </div>
    </Dialog>
  );
}

/** For who may only read. */
function Record({ finding }: { finding: Finding }) {
  return (
    <p>
      Owner: {finding.owner ?? "nobody yet"}. {finding.note === null ? "No note." : `Note: ${finding.note}`}
    </p>
  );
}

function Work({ finding, onClose }: { finding: Finding; onClose: () => void }) {
  const [owner, setOwner] = useState(finding.owner ?? "");
  const [note, setNote] = useState(finding.note ?? "");
  const { run, busy, problem } = useSend();
  const open = finding.state === "open";
  const save = async (state: Finding["state"]) => {
    const body = { owner: owner.trim() || null, note: note.trim() || null, ...(state === finding.state ? {} : { state }) };
    if (await run(() => send("POST", `/v1/reconciliation/${finding.id}`, body))) onClose();
  };
  return (
    <form
      className="form"
      onSubmit={(event) => {
        event.preventDefault();
        void save(finding.state);
      }}
    >
      <label className="field">
        <span>Owner</span>
        <input value={owner} maxLength={100} autoComplete="off" onChange={(event) => setOwner(event.target.value)} />
      </label>
      <label className="field">
        <span>What was found out, and done</span>
        <textarea value={note} maxLength={2_000} onChange={(event) => setNote(event.target.value)} />
      </label>
      <p className="quiet">
        {open
          ? "Closing it moves no money. The same difference is not told again, unless its amounts change."
          : "Opening it again moves no money; it is on the list of open ones again."}
      </p>
      {problem === null ? null : <Failure problem={problem} />}
      <footer className="dialog-foot">
        <button type="submit" disabled={busy}>
          Save
        </button>
        <button
          type="button"
          className="primary"
          disabled={busy || (open && note.trim() === "")}
          onClick={() => void save(open ? "resolved" : "open")}
        >
          {open ? "Save and close it" : "Open it again"}
        </button>
      </footer>
      {open && note.trim() === "" ? <p className="quiet">A note is needed to close it: the next auditor will ask.</p> : null}
    </form>
  );
}
