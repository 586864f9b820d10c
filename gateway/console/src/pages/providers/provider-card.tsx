import { useId, useState } from "react";
import type { OverrideMode, Provider } from "../../data/providers.ts";
import { Badge } from "../../parts/badge.tsx";
import { Time } from "../../parts/time.tsx";
import { useNow } from "../../parts/use-now.ts";
import { count, providerName, share } from "../../parts/words.ts";
import { EndOverrideDialog, OverrideDialog } from "./override-dialog.tsx";
import { MODES } from "./override-words.ts";

/** One provider: what it is, its numbers, and what can be forced. */
export function ProviderCard({ provider, all, onChange }: { provider: Provider; all: readonly Provider[]; onChange: () => void }) {
  const [dialog, setDialog] = useState<OverrideMode | "end" | null>(null);
  const id = useId();
  const close = () => setDialog(null);
  const { override } = provider;
  return (
    <section className={`panel provider provider-${provider.health}`} aria-labelledby={id}>
      <header className="panel-head">
        <h2 id={id}>{providerName(provider.id)}</h2>
        <Health provider={provider} />
      </header>
      {override === null ? null : (
        <p className="forced">
          <strong>Forced: {MODES[override.mode].verb.toLowerCase()}.</strong> {override.reason}. By <code>{override.actor}</code>,{" "}
          <Time at={override.created_at} />
          {override.expires_at === null ? (
            ", until somebody ends it."
          ) : (
            <>
              ; ends <Time at={override.expires_at} />.
            </>
          )}
        </p>
      )}
      <BreakerLine provider={provider} />
      <Facts provider={provider} />
      <footer className="provider-actions">
        {override === null ? null : (
          <button type="button" className="primary" onClick={() => setDialog("end")}>
            End the override
          </button>
        )}
        {(Object.keys(MODES) as OverrideMode[])
          .filter((mode) => mode !== override?.mode)
          .map((mode) => (
            <button key={mode} type="button" onClick={() => setDialog(mode)} title={MODES[mode].words}>
              {MODES[mode].verb} <span className="visually-hidden">{providerName(provider.id)}</span>
            </button>
          ))}
      </footer>
      {dialog === "end" ? <EndOverrideDialog provider={provider} onDone={onChange} onClose={close} /> : null}
      {dialog === null || dialog === "end" ? null : (
        <OverrideDialog mode={dialog} provider={provider} all={all} onDone={onChange} onClose={close} />
      )}
    </section>
  );
}

export function Health({ provider: { health } }: { provider: Provider }) {
  switch (health) {
    case "up":
      return <Badge tone="good">works</Badge>;
    case "testing":
      return <Badge tone="warn">being tested</Badge>;
    case "unavailable":
      return <Badge tone="bad">gets no charges</Badge>;
  }
}

/** The breaker in a sentence. */
function BreakerLine({ provider: { breaker, verified, reason, override } }: { provider: Provider }) {
  const alone = breaker.scope === "instance" ? " Only this instance finds it ill: look at its network." : "";
  return (
    <div className="breaker">
      {breaker.state === "closed" ? (
        <p>
          Breaker closed; it last changed <Time at={breaker.since} />.
          {breaker.weight < 1 ? ` It came back shortly and gets ${share(breaker.weight)} of its traffic so far.` : null}
        </p>
      ) : (
        <p>
          <strong>{breaker.state === "open" ? "Breaker opened" : "Breaker half open, probes test it,"}</strong> <Time at={breaker.since} />:{" "}
          {breaker.reason}.{breaker.open_until === null ? null : <Again at={breaker.open_until} />}
          {alone}
        </p>
      )}
      {verified ? null : <p>Its account could not be checked yet{reason === null ? "" : `: ${reason}`}.</p>}
      {verified && breaker.state === "closed" && override === null && reason !== null ? <p>{reason}</p> : null}
    </div>
  );
}

/** An open breaker lets a probe through once its time is over: with the next charge, or with a read of ours. */
function Again({ at }: { at: string }) {
  const now = useNow(1_000);
  return Date.parse(at) <= now ? (
    " The next charge may test it."
  ) : (
    <>
      {" "}
      A charge may test it <Time at={at} />.
    </>
  );
}

function Facts({ provider }: { provider: Provider }) {
  const { approval, latency_ms: latency, breaker } = provider;
  return (
    <dl className="measures">
      <Fact name="Share of attempts" value={share(provider.share)} note="recent ones" />
      <Fact
        name="Approval"
        value={approval.outcomes === 0 ? "–" : share(approval.rate)}
        note={`${count(Math.round(approval.outcomes))} answers`}
      />
      <Fact
        name="Expected faults"
        value={share(breaker.fault_rate)}
        note={breaker.trips === 0 ? "no opening lately" : `${count(breaker.trips)} ${breaker.trips === 1 ? "opening" : "openings"} lately`}
      />
      <Fact name="Latency p50" value={milliseconds(latency.p50)} note="of a call, 5 minutes" />
      <Fact name="Latency p95" value={milliseconds(latency.p95)} note={`p99 ${milliseconds(latency.p99)}`} />
      <Fact name="Under way" value={count(provider.in_flight)} note="steps, this instance" />
    </dl>
  );
}

function Fact({ name, value, note }: { name: string; value: string; note: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <strong>{value}</strong>
        <span className="quiet">{note}</span>
      </dd>
    </div>
  );
}

function milliseconds(value: number | null): string {
  return value === null ? "–" : `${count(value)} ms`;
}
