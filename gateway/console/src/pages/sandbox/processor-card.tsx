import { useId } from "react";
import type { Provider } from "../../data/providers.ts";
import { useSend } from "../../data/use-send.ts";
import { Badge } from "../../parts/badge.tsx";
import { Failure } from "../../parts/loaded.tsx";
import { providerName, share } from "../../parts/words.ts";
import { type Fault, setFault } from "./sandbox-data.ts";

/** One simulated processor: how it is broken now, every way to break it, and what the gateway thinks of it. */
export function ProcessorCard({
  id,
  fault,
  faults,
  provider,
  onChange,
}: {
  id: string;
  fault: Fault | null;
  faults: readonly Fault[];
  provider: Provider | undefined;
  onChange: () => void;
}) {
  const { run, busy, problem } = useSend();
  const heading = useId();
  const set = async (kind: string | null) => {
    await run(() => setFault(id, kind));
    onChange();
  };
  return (
    <section className="panel processor" aria-labelledby={heading}>
      <header className="panel-head">
        <h2 id={heading}>{providerName(id)}</h2>
        {fault === null ? <Badge tone="good">works</Badge> : <Badge tone="bad">{fault.title}</Badge>}
      </header>
      <p className="processor-words">{fault === null ? "It does what a processor should." : fault.words}</p>
      <fieldset className="fault-buttons" disabled={busy}>
        <legend className="visually-hidden">Break {providerName(id)}</legend>
        <button type="button" className="fault-none" aria-pressed={fault === null} onClick={() => void set(null)}>
          Works
        </button>
        {faults.map(({ kind, title, words }) => (
          <button type="button" key={kind} aria-pressed={fault?.kind === kind} title={words} onClick={() => void set(kind)}>
            {title}
          </button>
        ))}
      </fieldset>
      {problem === null ? null : <Failure problem={problem} />}
      {provider === undefined ? null : <p className="quiet">The gateway: {opinion(provider)}</p>}
    </section>
  );
}

function opinion({ health, breaker, share: part, latency_ms: { p50 }, override }: Provider): string {
  const gets = part === null ? "" : ` ${share(part)} of the recent attempts went there.`;
  if (override !== null) return `an operator forces it (${override.mode}).${gets}`;
  if (breaker.state !== "closed") return `${breaker.state === "open" ? "breaker open" : "being tested"}, because ${breaker.reason}.`;
  if (health !== "up") return "not used now.";
  return `healthy${p50 === null ? "" : `, median ${p50} ms`}.${gets}`;
}
