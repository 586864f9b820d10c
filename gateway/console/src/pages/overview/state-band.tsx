import type { State } from "./state.ts";

/** The one sentence; read out when it changes. */
export function StateBand({ state }: { state: State }) {
  const { tone, headline, details } = state;
  return (
    <section className={`state state-${tone}`} aria-label="State">
      <span className="state-mark" aria-hidden="true" />
      <div>
        <p className="state-headline" role="status">
          {headline}
        </p>
        <ul>
          {details.map((detail) => (
            <li key={detail}>{detail}</li>
          ))}
        </ul>
      </div>
    </section>
  );
}
