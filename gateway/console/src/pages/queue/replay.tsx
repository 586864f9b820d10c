import { useEffect, useState } from "react";
import { ApiProblem, getJson, send } from "../../data/api.ts";
import { Confirm } from "../../parts/confirm.tsx";
import { Moneys } from "../../parts/money.tsx";
import { count } from "../../parts/words.ts";
import type { Charge, Refund } from "../charges/charge.ts";
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
          {replayConsequences(left).map(({ kind, head, text }) => (
            <div key={kind}>
              <dt>{head}</dt>
              <dd>{text}</dd>
            </div>
          ))}
        </dl>
        <Concerned letters={left} />
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

/** The money that replaying may move, by currency: of the charges behind them, or of the refunds. */
function Concerned({ letters }: { letters: readonly DeadLetter[] }) {
  const paths = [...new Set(letters.flatMap((letter) => moneyAt(letter) ?? []))].join();
  const [moved, setMoved] = useState<readonly Pick<Charge, "amount" | "currency">[]>([]);
  useEffect(() => {
    setMoved([]);
    if (paths === "") return;
    const abort = new AbortController();
    // Only a help: what cannot be read now keeps nobody from replaying.
    Promise.all(paths.split(",").map((path) => getJson<Charge | Refund>(path, abort.signal))).then(setMoved, () => {});
    return () => abort.abort();
  }, [paths]);
  if (moved.length === 0) return null;
  const sums = new Map<string, number>();
  for (const { amount, currency } of moved) sums.set(currency, (sums.get(currency) ?? 0) + amount);
  return (
    <p>
      Money concerned: <Moneys amounts={[...sums].map(([currency, amount]) => ({ currency, amount }))} />
    </p>
  );
}

function moneyAt({ kind, charge, operation }: DeadLetter): string | null {
  if (kind === "webhook" || kind === "job") return null;
  if (kind === "refund" && operation !== null) return `/v1/refunds/${operation}`;
  return charge === null ? null : `/v1/charges/${charge}`;
}
