import type { ReactNode } from "react";
import { StatusBadge } from "../../parts/badge.tsx";
import { Money } from "../../parts/money.tsx";
import { Panel } from "../../parts/panel.tsx";
import { Time } from "../../parts/time.tsx";
import { plain, providerName } from "../../parts/words.ts";
import type { ChargeInFull, Dispute, Refund } from "./charge.ts";
import { attemptWords } from "./summary.ts";

export function FactsPanel({ charge }: { charge: ChargeInFull }) {
  const { amount, amount_captured, amount_refunded, currency } = charge;
  return (
    <Panel title="Facts">
      <dl className="facts">
        <Fact name="Asked for" value={<Money amount={amount} currency={currency} />} />
        <Fact name="Collected" value={<Money amount={amount_captured} currency={currency} />} />
        {amount_refunded === 0 ? null : <Fact name="Sent back" value={<Money amount={amount_refunded} currency={currency} />} />}
        <Fact name="Reference" value={charge.reference} />
        <Fact name="Processor" value={charge.provider === null ? null : providerName(charge.provider)} />
        <Fact name="Known there as" value={charge.provider_reference === null ? null : <code>{charge.provider_reference}</code>} />
        <Fact name="Charge" value={<code>{charge.id}</code>} />
        <Fact name="Payment method" value={charge.payment_method === null ? null : <code>{charge.payment_method}</code>} />
        <Fact name="Created" value={<Time at={charge.created_at} exact />} />
        <Fact name="Last change" value={<Time at={charge.updated_at} exact />} />
        {charge.failure === null ? null : <Fact name="Code" value={<code>{codes(charge.failure)}</code>} />}
        {Object.entries(charge.metadata).map(([name, value]) => (
          <Fact key={name} name={name} value={value} />
        ))}
      </dl>
    </Panel>
  );
}

function codes({ code, provider_code, network_code }: NonNullable<ChargeInFull["failure"]>): string {
  return [code, provider_code, network_code].filter((one) => one !== null).join(" / ");
}

function Fact({ name, value }: { name: string; value: ReactNode }) {
  if (value === null) return null;
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

export function AttemptsPanel({ charge }: { charge: ChargeInFull }) {
  if (charge.attempts.length === 0) return null;
  return (
    <Panel title={charge.attempts.length === 1 ? "One attempt" : `${charge.attempts.length} attempts`}>
      <ol className="cards">
        {charge.attempts.map((attempt) => (
          <li key={attempt.id}>
            <p>
              <StatusBadge status={attempt.outcome === "unknown" ? "in_doubt" : (attempt.outcome ?? "processing")} />{" "}
              {attemptWords(attempt)}
            </p>
            <p className="quiet">
              {attempt.latency_ms === null ? null : `${attempt.latency_ms} ms · `}
              <code>{attempt.provider_reference ?? attempt.id}</code>
            </p>
          </li>
        ))}
      </ol>
    </Panel>
  );
}

export function RefundsPanel({ refunds }: { refunds: readonly Refund[] }) {
  if (refunds.length === 0) return null;
  return (
    <Panel title="Refunds">
      <ul className="cards">
        {refunds.map((refund) => (
          <li key={refund.id}>
            <p>
              <StatusBadge status={refund.status} /> <Money amount={refund.amount} currency={refund.currency} /> by{" "}
              {providerName(refund.provider)}
            </p>
            <p className="quiet">
              <Time at={refund.created_at} />
              {refund.reason === null ? null : ` · ${refund.reason}`}
              {refund.failure === null ? null : ` · ${refund.failure.message}`}
            </p>
            <p className="quiet">
              <code>{refund.provider_reference ?? refund.id}</code>
            </p>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

export function DisputesPanel({ disputes }: { disputes: readonly Dispute[] }) {
  if (disputes.length === 0) return null;
  return (
    <Panel title="Disputes">
      <ul className="cards">
        {disputes.map((dispute) => (
          <li key={dispute.id}>
            <p>
              <strong>{plain(dispute.status)}</strong> at {providerName(dispute.provider)}
              {dispute.reason === null ? null : `: ${plain(dispute.reason).toLowerCase()}`}
            </p>
            <p className="quiet">
              {dispute.amount === null || dispute.currency === null ? null : <Money amount={dispute.amount} currency={dispute.currency} />}
              {dispute.evidence_due_at === null ? null : (
                <>
                  {" "}
                  · answer there <Time at={dispute.evidence_due_at} />
                </>
              )}
            </p>
            <p className="quiet">
              <code>{dispute.provider_dispute}</code>
            </p>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
