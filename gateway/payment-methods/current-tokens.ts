import type { Charge } from "../charges/charge.ts";
import type { Core } from "../charges/core.ts";
import { readMethod } from "../store/read-payment-methods.ts";
import { usableTokens } from "./payment-method.ts";

/**
 * A charge of a stored payment method with the tokens that it has now, for what a worker begins after the request that made it: none of a
 * method that was deleted meanwhile, none that went, and those that were added. What was sent before is in the attempts' own requests.
 */
export async function withCurrentTokens(core: Pick<Core, "db" | "providers">, charge: Charge): Promise<Charge> {
  if (charge.paymentMethodId === null) return charge;
  const method = await readMethod(core.db, { accountId: charge.accountId, id: charge.paymentMethodId });
  const tokens = method ? usableTokens(method, core.providers) : {};
  return { ...charge, paymentMethod: { ...charge.paymentMethod, tokens } };
}
