import { useEffect, useState } from "react";
import { ApiProblem, getJson, send } from "../../data/api.ts";
import { Confirm } from "../../parts/confirm.tsx";
import { Moneys } from "../../parts/money.tsx";
import { count } from "../../parts/words.ts";
import type { Charge } from "../charges/charge.ts";
import { replayConsequences } from "./consequence.ts";
import type { DeadLetter } from "./dead-letter.ts";

/** Puts one or many back to work, after saying what that does to the money. */
export function Replay({ letters, onClose }: { letters: readonly DeadLetter[]; onClose: () => void }) {
  const [left, setLeft] = useState(letters);
  const one = letters.length === 1;
  return (
    <Confirm
      title={one ? "Replay it?" : `Replay ${letters.length} dead letters?`}
      verb={left.length === letters.length ? (one ? "Replay" : `Replay ${letters.length}`) : `Replay the other ${left.length}`}
      action={async () => {
        const failed = await replayAll(left);
        setLeft(failed.map(({ letter }) => letter));
        if (failed.length > 0) throw notAll(left.length, failed);
      }}
      onClose={onClose}
    >
      <div className="consequence">
        <strong>What will happen</strong>
        <dl>
          {replayConsequences(letters).map(({ kind, head, text }) => (
            <div key={kind}>
              <dt>{head}</dt>
              <dd>{text}</dd>
            </div>
          ))}
        </dl>
        <Concerned letters={letters} />
      </div>
    </Confirm>
  );
}

interface Failed {
  readonly letter: DeadLetter;
  readonly problem: ApiProblem;
}

/** One after the other: each is its own change, and one that fails holds up no other. */
async function replayAll(letters: readonly DeadLetter[]): Promise<Failed[]> {
  const failed: Failed[] = [];
  for (const letter of letters) {
    try {
      await send("POST", `/v1/dead-letters/${letter.id}/replay`);
    } catch (error) {
      if (!(error instanceof ApiProblem)) throw error;
      failed.push({ letter, problem: error });
    }
  }
  return failed;
}

function notAll(of: number, failed: readonly Failed[]): ApiProblem {
  const [first] = failed as [Failed, ...Failed[]];
  if (of === 1) return first.problem;
  return new ApiProblem(first.problem.status, {
    code: first.problem.code,
    title: `${count(of - failed.length)} of ${count(of)} replayed`,
    detail: "The others were not:",
    errors: failed.map(({ letter, problem }) => ({ pointer: letter.id, detail: problem.message })),
  });
}

/** The charges behind them, added up by currency. */
function Concerned({ letters }: { letters: readonly DeadLetter[] }) {
  const ids = [...new Set(letters.flatMap(({ charge }) => charge ?? []))].join();
  const [charges, setCharges] = useState<readonly Charge[]>([]);
  useEffect(() => {
    if (ids === "") return;
    const abort = new AbortController();
    Promise.all(ids.split(",").map((id) => getJson<Charge>(`/v1/charges/${id}`, abort.signal))).then(setCharges, () => setCharges([]));
    return () => abort.abort();
  }, [ids]);
  if (charges.length === 0) return null;
  const sums = new Map<string, number>();
  for (const { amount, currency } of charges) sums.set(currency, (sums.get(currency) ?? 0) + amount);
  return (
    <p>
      Money concerned: <Moneys amounts={[...sums].map(([currency, amount]) => ({ currency, amount }))} />
    </p>
  );
}
