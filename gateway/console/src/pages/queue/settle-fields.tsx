import { useState } from "react";

/** What a person says became of it. */
export interface Verdict<Outcome extends string> {
  readonly outcome: Outcome | null;
  readonly reference: string;
  readonly reason: string;
}

export function useVerdict<Outcome extends string>(): [Verdict<Outcome>, (change: Partial<Verdict<Outcome>>) => void] {
  const [verdict, setVerdict] = useState<Verdict<Outcome>>({ outcome: null, reference: "", reason: "" });
  return [verdict, (change) => setVerdict((before) => ({ ...before, ...change }))];
}

/** The API's body, once nothing is missing; `proof` is the outcome that needs the processor's reference. */
export function bodyOf<Outcome extends string>({ outcome, reference, reason }: Verdict<Outcome>, proof: Outcome): object | null {
  if (outcome === null || reason.trim() === "" || (outcome === proof && reference.trim() === "")) return null;
  return { outcome, reason: reason.trim(), ...(outcome === proof ? { provider_reference: reference.trim() } : {}) };
}

/** Radio buttons, the reference where it is needed, the reason, and what will happen. */
export function SettleFields<Outcome extends string>({
  verdict,
  change,
  question,
  options,
  proof,
  referenceLabel,
  consequence,
}: {
  verdict: Verdict<Outcome>;
  change: (change: Partial<Verdict<Outcome>>) => void;
  question: string;
  options: readonly { readonly value: Outcome; readonly text: string }[];
  proof: Outcome;
  referenceLabel: string;
  consequence: readonly string[];
}) {
  return (
    <>
      <fieldset className="choices">
        <legend>{question}</legend>
        {options.map(({ value, text }) => (
          <label key={value} className="check">
            <input
              type="radio"
              name="outcome"
              value={value}
              checked={verdict.outcome === value}
              onChange={() => change({ outcome: value })}
            />
            <span>{text}</span>
          </label>
        ))}
      </fieldset>
      {verdict.outcome === proof ? (
        <label className="field">
          <span>{referenceLabel}</span>
          <input
            value={verdict.reference}
            maxLength={255}
            required
            autoComplete="off"
            spellCheck={false}
            onChange={(event) => change({ reference: event.target.value })}
          />
        </label>
      ) : null}
      <label className="field">
        <span>Reason, for the audit trail</span>
        <textarea value={verdict.reason} maxLength={500} required onChange={(event) => change({ reason: event.target.value })} />
      </label>
      <div className="consequence" aria-live="polite">
        <strong>What will happen</strong>
        {consequence.length === 0 ? (
          <p className="quiet">Say first what became of it.</p>
        ) : (
          consequence.map((line) => <p key={line}>{line}</p>)
        )}
      </div>
    </>
  );
}
