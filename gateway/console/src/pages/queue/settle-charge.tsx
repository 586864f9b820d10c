import { send } from "../../data/api.ts";
import { Confirm } from "../../parts/confirm.tsx";
import { money, providerName } from "../../parts/words.ts";
import type { Charge } from "../charges/charge.ts";
import { settleConsequence } from "./consequence.ts";
import { bodyOf, SettleFields, useVerdict } from "./settle-fields.tsx";

type Outcome = "charged" | "not_charged";

/** A person says what became of a payment that nobody knows about. */
export function SettleCharge({
  charge,
  onClose,
}: {
  charge: Pick<Charge, "id" | "amount" | "currency" | "provider" | "reference">;
  onClose: () => void;
}) {
  const [verdict, change] = useVerdict<Outcome>();
  const amount = money(charge.amount, charge.currency);
  const who = charge.provider === null ? "the processor" : providerName(charge.provider);
  const body = bodyOf(verdict, "charged");
  const verbs = { charged: `Count ${amount} as collected`, not_charged: `End it: ${amount} not collected` };
  return (
    <Confirm
      title={`Settle ${charge.reference ?? charge.id}`}
      verb={verdict.outcome === null ? "Settle" : verbs[verdict.outcome]}
      danger={verdict.outcome === "not_charged"}
      ready={body !== null}
      action={() => send("POST", `/v1/charges/${charge.id}/resolve`, body)}
      onClose={onClose}
    >
      <p>
        Look for it in the dashboard of {who} first: the charge is <code>{charge.id}</code>.
      </p>
      <SettleFields
        verdict={verdict}
        change={change}
        question={`Did ${who} take the ${amount}?`}
        options={[
          { value: "charged", text: "Yes, the money was taken" },
          { value: "not_charged", text: "No, no money was taken" },
        ]}
        proof="charged"
        referenceLabel={`What ${who} calls the payment`}
        consequence={verdict.outcome === null ? [] : settleConsequence(charge, verdict.outcome, verdict.reference.trim())}
      />
    </Confirm>
  );
}
