import type { ChargeAnswer, CreateCharge } from "../../../gateway/charges/service.ts";
import type { PaymentMethodId } from "../../../gateway/ids.ts";
import { chargeWithStored } from "../../../gateway/payment-methods/charge-with.ts";
import { insertMethod, type MethodChange } from "../../../gateway/store/payment-methods.ts";
import { chargeInput, type Engine } from "../../support/engine.ts";

/** Stores a Visa card with these tokens, as the route does. */
export async function store(
  engine: Pick<Engine, "core" | "db">,
  tokens: Record<string, unknown>,
  more: { expMonth?: number; expYear?: number } = {},
): Promise<PaymentMethodId> {
  const id = engine.core.newId("pm");
  await insertMethod(engine.db, {
    ...by(id),
    id,
    type: "card",
    brand: "visa",
    country: "US",
    expMonth: more.expMonth ?? null,
    expYear: more.expYear ?? null,
    metadata: {},
    tokens: Object.entries(tokens).map(([provider, token]) => tokenOf(engine, provider, token)),
  });
  return id;
}

export function tokenOf({ core }: Pick<Engine, "core">, provider: string, token: unknown) {
  return { provider, reference: core.providers.get(provider)?.tokenReference(token) ?? "", token };
}

export function by(id: string): MethodChange {
  return { accountId: "acct_default", id, actor: "key:test", now: new Date() };
}

/** What POST /v1/charges does with `payment_method: "pm_..."`. `known`: what the same key got before. */
export function chargeStored(
  engine: Pick<Engine, "core" | "db" | "charges">,
  id: string,
  more: Partial<Omit<CreateCharge, "paymentMethod">> = {},
  known: () => Promise<ChargeAnswer | null> = async () => null,
): Promise<ChargeAnswer> {
  const { paymentMethod: _, ...input } = chargeInput(more);
  const create: Parameters<typeof chargeWithStored>[2] = (method) => engine.charges.create({ ...input, ...method });
  return chargeWithStored({ db: engine.db, providers: engine.core.providers }, { accountId: "acct_default", id }, create, known);
}

export interface Told {
  readonly type: string;
  readonly actor: string;
  readonly provider: string | null;
  readonly charge_id: string | null;
  readonly attempt_id: string | null;
  readonly data: Readonly<Record<string, unknown>>;
}

/** What the trail says of a payment method after it was stored. */
export function told({ db }: Pick<Engine, "db">, id: string): Promise<Told[]> {
  return db.query<Told>({
    name: "test_told",
    text: `select type, actor, provider, charge_id, attempt_id, data - 'payment_method' as data from events
      where data ->> 'payment_method' = $1 and type <> 'payment_method.created' order by id`,
    values: [id],
  });
}
