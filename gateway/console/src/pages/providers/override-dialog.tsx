import { useId, useState } from "react";
import { send } from "../../data/api.ts";
import type { OverrideMode, Provider } from "../../data/providers.ts";
import { Confirm } from "../../parts/confirm.tsx";
import { Choice } from "../../parts/filters.tsx";
import { useNow } from "../../parts/use-now.ts";
import { providerName } from "../../parts/words.ts";
import { consequences, doing, MODES } from "./override-words.ts";

const REASONS = ["Incident at the processor", "Maintenance", "Drill"];
const EXPIRIES = [
  { value: "900", text: "15 minutes" },
  { value: "3600", text: "1 hour" },
  { value: "14400", text: "4 hours" },
  { value: "86400", text: "1 day" },
  { value: "", text: "until somebody ends it" },
];
/** As the gateway takes it. */
const MAX_REASON = 500;

/** The second click. Reason and expiry are filled in with the usual ones, so that an emergency needs no typing. */
export function OverrideDialog({
  mode: first,
  provider,
  all,
  onDone,
  onClose,
}: {
  mode: OverrideMode;
  provider: Provider;
  all: readonly Provider[];
  onDone: () => void;
  onClose: () => void;
}) {
  const [mode, setMode] = useState(first);
  const [reason, setReason] = useState(REASONS[0] as string);
  const [expiry, setExpiry] = useState("3600");
  const now = useNow(60_000);
  const reasons = useId();
  const name = providerName(provider.id);
  const until = expiry === "" ? null : now + Number(expiry) * 1_000;
  const set = async () => {
    const body = { mode, reason: reason.trim(), ...(expiry === "" ? {} : { expires_in: Number(expiry) }) };
    await send("PUT", `/v1/providers/${encodeURIComponent(provider.id)}/override`, body);
    onDone();
  };
  return (
    <Confirm title={doing(mode, name)} verb={doing(mode, name)} danger ready={reason.trim() !== ""} action={set} onClose={onClose}>
      <Choice
        label="What"
        value={mode}
        options={(Object.keys(MODES) as OverrideMode[]).map((value) => ({ value, text: MODES[value].verb }))}
        onChange={(value) => setMode(value as OverrideMode)}
      />
      <p className="quiet">{MODES[mode].words}</p>
      <label className="field">
        <span>Reason</span>
        <input value={reason} onChange={(event) => setReason(event.target.value)} maxLength={MAX_REASON} list={reasons} required />
        <datalist id={reasons}>
          {REASONS.map((one) => (
            <option key={one} value={one} />
          ))}
        </datalist>
      </label>
      <Choice label="For" value={expiry} options={EXPIRIES} onChange={setExpiry} />
      <section className="will-happen" aria-label="What will happen" aria-live="polite">
        <h3>What will happen</h3>
        <ul>
          {consequences({ mode, provider, all, until, now }).map((sentence) => (
            <li key={sentence}>{sentence}</li>
          ))}
        </ul>
      </section>
    </Confirm>
  );
}

/** Back to what the health gate and the rules decide. */
export function EndOverrideDialog({ provider, onDone, onClose }: { provider: Provider; onDone: () => void; onClose: () => void }) {
  const name = providerName(provider.id);
  const end = async () => {
    await send("DELETE", `/v1/providers/${encodeURIComponent(provider.id)}/override`);
    onDone();
  };
  return (
    <Confirm title={`${name}: end the override`} verb={`Leave ${name} to the router`} action={end} onClose={onClose}>
      <section className="will-happen" aria-label="What will happen">
        <h3>What will happen</h3>
        <ul>
          <li>
            {provider.breaker.state === "closed"
              ? `${name} gets charges again, as many as its success rate and the rules earn it.`
              : `${name}'s breaker decides again: it is ${provider.breaker.state === "open" ? "open, so it still gets no charge until a probe succeeds" : "half open, so a few charges test it first"}.`}
          </li>
          <li>It is in force on every instance within a second, and kept in the audit trail under your key.</li>
        </ul>
      </section>
    </Confirm>
  );
}
