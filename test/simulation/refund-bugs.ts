import type { Statement } from "../../gateway/store/database.ts";
import { refundFailed } from "./outcomes.ts";
import { type Bug, inText, overlay } from "./plant.ts";

type Write = Record<string, unknown> & { readonly state: string };

/** What a turn at a refund writes, changed. */
function inWrites(change: (write: Write) => Write): (statement: Statement) => Statement {
  return (statement) => {
    if (statement.name !== "write_operation") return statement;
    const values = [...(statement.values ?? [])];
    values[4] = JSON.stringify(change(JSON.parse(values[4] as string) as Write));
    return { ...statement, values };
  };
}

/** What can go wrong when money goes back. */
export const REFUND_BUGS: readonly Bug[] = [
  {
    name: "a refund under a new key after a crash",
    sql: inText(
      "claim_operations",
      "tries = o.tries + 1,",
      `tries = o.tries + 1, provider_key = case when o.kind = 'refund' and o.state = 'processing' and due.sent_before
        then o.provider_key || ':' || o.lease_no else o.provider_key end,`,
    ),
  },
  {
    name: "a refund without an answer read as refused",
    provider: (provider) =>
      overlay(provider, {
        refund: async (...args) => {
          const outcome = await provider.refund(...args);
          return outcome.kind === "unknown" ? refundFailed(outcome.cause) : outcome;
        },
      }),
  },
  {
    name: "a refund in doubt forgotten",
    sql: inWrites((write) => (write.state === "in_doubt" ? { ...write, next_action_at: null } : write)),
  },
  {
    name: "a refund's key not kept",
    sql: inText("accept_refund", "o.charge_id, o.id, $10 from opened o", "o.charge_id, o.id, $10 from opened o where false"),
  },
  {
    name: "a refund that its charge does not show",
    sql: inText("write_operation", "c.amount_refunded + m.amount *", "c.amount_refunded + 0 *"),
  },
  {
    name: "more given back than was asked for",
    provider: (provider) =>
      overlay(provider, {
        refund: (request, ...others) =>
          provider.refund({ ...request, money: { ...request.money, amount: request.money.amount + 1n } }, ...others),
      }),
  },
];
