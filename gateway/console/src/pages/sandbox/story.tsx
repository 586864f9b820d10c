import { useState } from "react";
import { useSend } from "../../data/use-send.ts";
import { Failure } from "../../parts/loaded.tsx";
import { providerName } from "../../parts/words.ts";
import { setFault, setTraffic } from "./sandbox-data.ts";

interface Step {
  readonly title: string;
  readonly watch: string;
  readonly act: () => Promise<unknown>;
}

const STORY_PER_SECOND = 6;

/** The demonstration, step by step: each does one thing and says what to look at. */
function stepsFor(first: string, second: string): readonly Step[] {
  const a = providerName(first);
  const b = providerName(second);
  return [
    {
      title: "Start charges",
      watch: `Six a second, from six countries. The router learns who approves more, and sends more there.`,
      act: () => setTraffic(STORY_PER_SECOND),
    },
    {
      title: `Take ${a} down`,
      watch: `The first charges that meet it fail over at once: nothing was sent. Then its breaker opens, and ${b} collects everything.`,
      act: () => setFault(first, "down"),
    },
    {
      title: `Take ${b} down as well`,
      watch: "Nobody can be asked. Charges are answered 202 and kept: the queue grows, and no charge is lost.",
      act: () => setFault(second, "down"),
    },
    {
      title: `Bring ${b} back`,
      watch: "One charge tests it. Then the queue is collected, oldest first and gently, each charge once.",
      act: () => setFault(second, null),
    },
    { title: `Bring ${a} back`, watch: "It gets its share back bit by bit.", act: () => setFault(first, null) },
    {
      title: `Let ${b} charge, then hang`,
      watch: `The hardest one: the money moved, and no answer comes. No other processor is tried; the charge is in doubt until ${b} is asked what became of it.`,
      act: () => setFault(second, "hang_after"),
    },
    {
      title: "All back to normal",
      watch: "The doubts are settled one by one: each charge was paid once.",
      act: () => Promise.all([setFault(first, null), setFault(second, null)]),
    },
  ];
}

export function Story({ ids, running, onChange }: { ids: readonly string[]; running: boolean; onChange: () => void }) {
  const [done, setDone] = useState(running ? 1 : 0);
  const { run, busy, problem } = useSend();
  const [first, second] = ids;
  if (first === undefined || second === undefined) return null;
  const steps = stepsFor(first, second);
  const go = async (step: Step, index: number) => {
    if (await run(step.act)) setDone(index + 1);
    onChange();
  };
  return (
    <>
      <ol className="story">
        {steps.map((step, index) => (
          <li
            key={step.title}
            className={index < done ? "story-done" : index === done ? "story-next" : undefined}
            aria-current={index === done ? "step" : undefined}
          >
            <button type="button" className={index === done ? "primary" : undefined} disabled={busy} onClick={() => void go(step, index)}>
              {step.title}
            </button>
            {index === done - 1 || (done === 0 && index === 0) ? <p aria-live="polite">{step.watch}</p> : null}
          </li>
        ))}
      </ol>
      {problem === null ? null : <Failure problem={problem} />}
    </>
  );
}
