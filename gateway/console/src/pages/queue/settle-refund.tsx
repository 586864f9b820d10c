import { send } from "../../data/api.ts";
import { useApi } from "../../data/use-api.ts";
import { Confirm } from "../../parts/confirm.tsx";
import { Dialog } from "../../parts/dialog.tsx";
import { Loaded } from "../../parts/loaded.tsx";
import { money, providerName } from "../../parts/words.ts";
import type { Refund } from "../charges/charge.ts";
import { settleRefundConsequence } from "./consequence.ts";
import { bodyOf, SettleFields, useVerdict } from "./settle-fields.tsx";

type Outcome = "refunded" | "not_refunded";

/** A person says what became of a refund. */
export function SettleRefund({ id, onClose }: { id: string; onClose: () => void }) {
  const refund = useApi<Refund>(`/v1/refunds/${id}`);
  if (refund.data !== null) return <Settle refund={refund.data} onClose={onClose} />;
  return (
    <Dialog title="Settle a refund" onClose={onClose}>
      <Loaded from={refund} what="the refund">
        {() => null}
      </Loaded>
    </Dialog>
  );
}

function Settle({ refund, onClose }: { refund: Refund; onClose: () => void }) {
  const [verdict, change] = useVerdict<Outcome>();
  const amount = money(refund.amount, refund.currency);
  const who = providerName(refund.provider);
  const body = bodyOf(verdict, "refunded");
  const verbs = { refunded: `Count ${amount} as sent back`, not_refunded: `End it: ${amount} not sent back` };
  return (
    <Confirm
      title={`Settle the refund of ${amount}`}
      verb={verdict.outcome === null ? "Settle" : verbs[verdict.outcome]}
      danger={verdict.outcome === "not_refunded"}
      ready={body !== null}
      action={() => send("POST", `/v1/refunds/${refund.id}/resolve`, body)}
      onClose={onClose}
    >
      <p>
        Look among the refunds of the payment in the dashboard of {who} first: ours is <code>{refund.id}</code>.
      </p>
      <SettleFields
        verdict={verdict}
        change={change}
        question={`Did the ${amount} go back to the customer?`}
        options={[
          { value: "refunded", text: "Yes, it went back" },
          { value: "not_refunded", text: "No, it did not" },
        ]}
        proof="refunded"
        referenceLabel={`What ${who} calls the refund`}
        consequence={verdict.outcome === null ? [] : settleRefundConsequence(refund, verdict.outcome)}
      />
    </Confirm>
  );
}
