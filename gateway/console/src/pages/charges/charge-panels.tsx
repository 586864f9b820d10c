import { StatusBadge } from "../../parts/badge.tsx";
import { Fact, Facts } from "../../parts/facts.tsx";
import { Money } from "../../parts/money.tsx";
import { Panel } from "../../parts/panel.tsx";
import { Time } from "../../parts/time.tsx";
import { plain, providerName } from "../../parts/words.ts";
import type { ChargeInFull, Dispute, Refund } from "./charge.ts";
import { attemptWords } from "./summary.ts";

export function FactsPanel({ charge }: { charge: ChargeInFull }) {
  const { amount, amount_captured, amount_refunded, currency, provider_reference, payment_method } = charge;
  return (
    <Panel title="Facts">
      <Facts>
        <Fact name="Asked for">
          <Money amount={amount} currency={currency} />
        </Fact>
        <Fact name="Collected">
          <Money amount={amount_captured} currency={currency} />
        </Fact>
        <Fact name="Sent back">{amount_refunded === 0 ? null : <Money amount={amount_refunded} currency={currency} />}</Fact>
        <Fact name="Reference">{charge.reference}</Fact>
        <Fact name="Processor">{charge.provider === null ? null : providerName(charge.provider)}</Fact>
        <Fact name="Known there as">{provider_reference === null ? null : <code>{provider_reference}</code>}</Fact>
        <Fact name="Charge">
          <code>{charge.id}</code>
        </Fact>
        <Fact name="Payment method">{payment_method === null ? null : <code>{payment_method}</code>}</Fact>
        <Fact name="Created">
          <Time at={charge.created_at} exact />
        </Fact>
        <Fact name="Last change">
          <Time at={charge.updated_at} exact />
        </Fact>
        <Fact name="Code">{charge.failure === null ? null : <code>{codes(charge.failure)}</code>}</Fact>
        {Object.entries(charge.metadata).map(([name, value]) => (
          <Fact key={name} name={name}>
            {value}
          </Fact>
        ))}
      </Facts>
    </Panel>
  );
}

function codes({ code, provider_code, network_code }: NonNullable<ChargeInFull["failure"]>): string {
  return [code, provider_code, network_code].filter((one) => one !== null).join(" / ");
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
