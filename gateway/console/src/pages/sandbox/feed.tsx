import { StatusBadge } from "../../parts/badge.tsx";
import { Empty } from "../../parts/loaded.tsx";
import { Money } from "../../parts/money.tsx";
import { plain, providerName } from "../../parts/words.ts";
import { Link } from "../../shell/router.tsx";
import type { Attempt, Charge } from "../charges/charge.ts";

const SHOWN = 12;

/** The newest charges, each with the way it took. */
export function Feed({ log }: { log: readonly Charge[] }) {
  if (log.length === 0) return <Empty title="No charges yet.">Start some: they appear here as they happen.</Empty>;
  return (
    <ul className="feed" aria-label="The newest charges">
      {log.slice(0, SHOWN).map((charge) => (
        <li key={charge.id}>
          <Link to={`/charges/${charge.id}`} title={charge.id}>
            <Money amount={charge.amount} currency={charge.currency} />
          </Link>
          <span className="way">
            {charge.attempts.length === 0 ? (
              <span className="quiet">nobody could be asked</span>
            ) : (
              charge.attempts.map((attempt) => <Stop key={attempt.id} attempt={attempt} />)
            )}
          </span>
          <StatusBadge status={charge.status} />
        </li>
      ))}
    </ul>
  );
}

const MARKS: Readonly<Record<string, string>> = { approved: "✓", declined: "–", not_sent: "✕", unknown: "?" };

function Stop({ attempt: { provider, outcome, reason, latency_ms: latency } }: { attempt: Attempt }) {
  const words = outcome === null ? "under way" : reason === null ? plain(outcome) : plain(reason);
  return (
    <span className={`stop stop-${outcome ?? "running"}`}>
      <strong>{providerName(provider)}</strong> <span aria-hidden="true">{outcome === null ? "…" : (MARKS[outcome] ?? "?")}</span> {words}
      {latency === null ? "" : `, ${Math.round(latency)} ms`}
    </span>
  );
}
