import type { PaymentMethod } from "../charges/charge.ts";
import { type ChargeAnswer, type CreateCharge, StoredMethodChanged } from "../charges/service.ts";
import { Problem } from "../problems.ts";
import type { Database } from "../store/database.ts";
import { readMethod } from "../store/read-payment-methods.ts";
import { usableTokens } from "./payment-method.ts";

/** What a charge copies of the stored method that it is made with. */
export type FromStored = Required<Pick<CreateCharge, "paymentMethodId" | "paymentMethodVersion" | "paymentMethod">>;

/** Each time somebody changed the method between our reading and the commit of the intent. */
const MAX_TRIES = 5;

/**
 * Charges with a stored method: `create` is given what it holds at this moment, and again if that had changed when it was committed.
 * `known` is asked before a refusal is told: the same key may have been accepted while the method could still be charged.
 */
export async function chargeWithStored(
  { db, providers }: { readonly db: Pick<Database, "query">; readonly providers: { has(id: string): boolean } },
  by: { readonly accountId: string; readonly id: string },
  create: (method: FromStored) => Promise<ChargeAnswer>,
  known: () => Promise<ChargeAnswer | null>,
): Promise<ChargeAnswer> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const read = await readForCharge(db, providers, by);
    if (read instanceof Problem) {
      const answer = await known();
      if (answer) return answer;
      throw read;
    }
    try {
      return await create(read);
    } catch (error) {
      if (!(error instanceof StoredMethodChanged)) throw error;
    }
  }
  const detail = "The payment method is being changed at this moment. Repeat with the same key.";
  throw new Problem("outcome_unknown_retry_same_key", detail, { retryAfterS: 1 });
}

async function readForCharge(
  db: Pick<Database, "query">,
  providers: { has(id: string): boolean },
  by: { readonly accountId: string; readonly id: string },
): Promise<FromStored | Problem> {
  const method = await readMethod(db, by);
  if (!method) return unusable("is no payment method of this account");
  if (method.deletedAt) return unusable("was deleted");
  const tokens = usableTokens(method, providers);
  if (Object.keys(tokens).length === 0) {
    return new Problem(
      "payment_method_gone",
      "It has no token left that a provider could charge: add one, or take another payment method.",
    );
  }
  const { type, brand, country, id: paymentMethodId, version: paymentMethodVersion } = method;
  return { paymentMethodId, paymentMethodVersion, paymentMethod: { tokens, type, brand, country } satisfies PaymentMethod };
}

function unusable(message: string): Problem {
  return new Problem("validation_failed", "The body has an invalid field.", { faults: [{ pointer: "/payment_method", message }] });
}
