import { Badge } from "../../parts/badge.tsx";
import { type Column, Table } from "../../parts/table.tsx";
import { Time } from "../../parts/time.tsx";
import { Link } from "../../shell/router.tsx";
import { actorWords } from "../charges/reason-words.ts";
import { KIND_WORDS } from "./consequence.ts";
import type { DeadLetter } from "./dead-letter.ts";

interface Handlers {
  readonly chosen: ReadonlySet<string>;
  readonly choose: (id: string, on: boolean) => void;
  readonly replay: (letter: DeadLetter) => void;
  readonly settleRefund: (refund: string) => void;
}

export function DeadLettersTable({ letters, ...handlers }: Handlers & { letters: readonly DeadLetter[] }) {
  return <Table caption="Dead letters" columns={columnsOf(handlers)} rows={letters} rowKey={({ id }) => id} />;
}

function columnsOf({ chosen, choose, replay, settleRefund }: Handlers): Column<DeadLetter>[] {
  return [
    {
      head: "Choose",
      cell: (letter) =>
        letter.state === "open" ? (
          <input
            type="checkbox"
            aria-label={`Choose ${letter.id}`}
            checked={chosen.has(letter.id)}
            onChange={({ target }) => choose(letter.id, target.checked)}
          />
        ) : null,
    },
    { head: "About", rowHead: true, cell: (letter) => <About letter={letter} /> },
    { head: "Why", cell: ({ reason }) => reason },
    { head: "Since", cell: ({ created_at }) => <Time at={created_at} /> },
    {
      head: "What now",
      cell: (letter) =>
        letter.state === "open" ? <Acts letter={letter} replay={replay} settleRefund={settleRefund} /> : <Closed letter={letter} />,
    },
  ];
}

function About({ letter }: { letter: DeadLetter }) {
  const words = KIND_WORDS[letter.kind][0];
  const what = words.charAt(0).toUpperCase() + words.slice(1);
  if (letter.charge === null) return <>{what}</>;
  return (
    <>
      {what}
      <br />
      <Link to={`/charges/${letter.charge}`} className="mono">
        {letter.charge}
      </Link>
    </>
  );
}

function Acts({ letter, replay, settleRefund }: Pick<Handlers, "replay" | "settleRefund"> & { letter: DeadLetter }) {
  const { operation } = letter;
  return (
    <span className="acts">
      <button type="button" aria-label={`Replay ${letter.id}`} onClick={() => replay(letter)}>
        Replay
      </button>
      {letter.kind === "refund" && operation !== null ? (
        <button type="button" aria-label={`Settle the refund ${operation}`} onClick={() => settleRefund(operation)}>
          Settle
        </button>
      ) : null}
    </span>
  );
}

function Closed({ letter }: { letter: DeadLetter }) {
  return (
    <>
      <Badge tone="good">{letter.state}</Badge>
      {letter.closed_by === null || letter.closed_at === null ? null : (
        <small className="under">
          by {actorWords(letter.closed_by)}, <Time at={letter.closed_at} />
        </small>
      )}
    </>
  );
}
