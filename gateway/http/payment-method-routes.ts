import { z } from "zod";
import type { Clock } from "../../providers/contract/clock.ts";
import type { Provider } from "../../providers/contract/provider.ts";
import type { PaymentMethodId } from "../ids.ts";
import type { StoredMethod } from "../payment-methods/payment-method.ts";
import { Problem } from "../problems.ts";
import type { Database } from "../store/database.ts";
import {
  deleteMethod,
  insertMethod,
  type MethodChange,
  type NewToken,
  putToken,
  removeToken,
  updateMethod,
} from "../store/payment-methods.ts";
import { listMethods, listMethodsByReference, readMethod } from "../store/read-payment-methods.ts";
import { aliasesOf, chargeExample, country, instrumentSchema, metadata, paymentMethodId, word } from "./charge-request.ts";
import { pageJson, pageQuery, pageSchema } from "./list-page.ts";
import { paymentMethodJson, storedMethodSchema } from "./payment-method-json.ts";
import { type Principal, type Reply, type Route, route } from "./route.ts";

export interface PaymentMethodRouteDeps {
  readonly db: Database;
  readonly providers: ReadonlyMap<string, Pick<Provider, "kind" | "checkToken" | "tokenReference">>;
  readonly clock: Pick<Clock, "now">;
  readonly newId: (prefix: "pm") => PaymentMethodId;
}

const READERS = ["billing", "finance", "ops"] as const;

const idParams = z.object({ id: paymentMethodId });
const tokenParams = z.object({ id: paymentMethodId, provider: z.string().regex(/^[a-z][a-z0-9-]{0,31}$/) });

const expMonth = z.int("must be a month from 1 to 12").min(1, "must be a month from 1 to 12").max(12, "must be a month from 1 to 12");
const YEAR_FAULT = "must be a year of four digits, from 2000 to 2199";
const expYear = z.int(YEAR_FAULT).min(2_000, YEAR_FAULT).max(2_199, YEAR_FAULT);

const ok = (description: string) => ({ 200: { description, schema: storedMethodSchema } });

/** Provider tokens of one instrument, stored once. */
export function paymentMethodRoutes(deps: PaymentMethodRouteDeps): Route[] {
  return [
    createRoute(deps),
    listRoute(deps),
    readRoute(deps),
    updateRoute(deps),
    deleteRoute(deps),
    putTokenRoute(deps),
    deleteTokenRoute(deps),
  ];
}

function createRoute({ db, providers, clock, newId }: PaymentMethodRouteDeps): Route {
  const more = { exp_month: expMonth.optional(), exp_year: expYear.optional(), metadata: metadata.default({}) };
  const body = instrumentSchema(providers, more).superRefine(({ more: { exp_month, exp_year } }, context) => {
    if ((exp_month === undefined) !== (exp_year === undefined)) context.addIssue(oneOfTwo(exp_month === undefined));
  });
  return route({
    method: "post",
    path: "/v1/payment-methods",
    roles: ["billing"],
    summary: "Store the providers' tokens of one instrument",
    description: 'Charge it with `payment_method: "pm_..."`. Not idempotent: a repetition stores it twice, which charges nobody.',
    body,
    example: { ...chargeExample(providers).payment_method, exp_month: 12, exp_year: 2030, metadata: { customer: "42" } },
    responses: {
      201: { description: "The stored payment method", schema: storedMethodSchema, headers: { Location: "The payment method" } },
    },
    problems: [],
    async handler({ principal, body }) {
      const { tokens, ...rest } = body.paymentMethod;
      const { exp_month, exp_year, metadata } = body.more;
      const change = { ...changeBy(principal, clock), id: newId("pm") };
      await insertMethod(db, {
        ...change,
        ...rest,
        expMonth: exp_month ?? null,
        expYear: exp_year ?? null,
        metadata,
        tokens: Object.entries(tokens).map(([provider, token]) => newToken(providers, provider, token)),
      });
      const reply = await shown(db, change);
      return { ...reply, status: 201, headers: { Location: `/v1/payment-methods/${change.id}` } };
    },
  });
}

const listQuery = z
  .strictObject({
    ...pageQuery,
    provider: z.string().min(1).max(64).optional().meta({ description: "With `reference`: the provider that calls the instrument so" }),
    reference: z
      .string()
      .min(1)
      .max(255)
      .optional()
      .meta({ description: "What the provider calls the instrument: Stripe's payment method, PayPal's vault id" }),
  })
  .superRefine(({ provider, reference }, context) => {
    if ((provider === undefined) === (reference === undefined)) return;
    const missing = provider === undefined ? "provider" : "reference";
    context.addIssue({ code: "custom", path: [missing], message: "provider and reference go together" });
  });

function listRoute({ db, clock }: PaymentMethodRouteDeps): Route {
  return route({
    method: "get",
    path: "/v1/payment-methods",
    roles: READERS,
    summary: "List stored payment methods, newest first",
    description: "Without the deleted ones.",
    query: listQuery,
    responses: { 200: { description: "A page", schema: pageSchema(storedMethodSchema) } },
    problems: [],
    async handler({ principal: { accountId }, query: { provider, reference, starting_after, limit } }) {
      const page = { accountId, after: starting_after ?? null, limit: limit + 1 };
      const named = provider !== undefined && reference !== undefined;
      const methods = named ? await listMethodsByReference(db, { ...page, provider, reference }) : await listMethods(db, page);
      const now = new Date(clock.now());
      return {
        status: 200,
        body: pageJson(
          methods,
          limit,
          (method) => paymentMethodJson(method, now),
          ({ id }) => id,
        ),
      };
    },
  });
}

function readRoute({ db, clock }: PaymentMethodRouteDeps): Route {
  return route({
    method: "get",
    path: "/v1/payment-methods/{id}",
    roles: READERS,
    summary: "Read a stored payment method, also a deleted one",
    description: "Which providers have a token of it, and which of these can still be charged. Never the tokens.",
    params: idParams,
    responses: ok("The payment method"),
    problems: [],
    handler: ({ principal, params }) => shown(db, { ...changeBy(principal, clock), id: params.id }),
  });
}

const updateBody = z
  .strictObject({
    brand: word("the card's brand").nullable().optional(),
    country: country.nullable().optional(),
    exp_month: expMonth.nullable().optional(),
    exp_year: expYear.nullable().optional(),
    metadata: metadata.optional(),
  })
  .superRefine(({ exp_month, exp_year }, context) => {
    const [month, year] = [exp_month ?? null, exp_year ?? null];
    if ((month === null) !== (year === null) || (exp_month === undefined) !== (exp_year === undefined)) {
      context.addIssue(oneOfTwo(month === null));
    }
  });

function updateRoute({ db, clock }: PaymentMethodRouteDeps): Route {
  return route({
    method: "post",
    path: "/v1/payment-methods/{id}",
    roles: ["billing"],
    summary: "Change what is known of a stored payment method",
    description: "What is left out stays; null forgets it. `metadata` is replaced as a whole. The two parts of the expiry go together.",
    params: idParams,
    body: updateBody,
    example: { exp_month: 12, exp_year: 2031 },
    responses: ok("The payment method as it is now"),
    problems: ["payment_method_gone"],
    async handler({ principal, params, body }) {
      const change = { ...changeBy(principal, clock), id: params.id };
      const given = Object.entries(body).filter(([, value]) => value !== undefined);
      if (given.length > 0) await updateMethod(db, change, Object.fromEntries(given));
      return shown(db, change, { alive: true });
    },
  });
}

function deleteRoute({ db, clock }: PaymentMethodRouteDeps): Route {
  return route({
    method: "delete",
    path: "/v1/payment-methods/{id}",
    roles: ["billing"],
    summary: "Delete a stored payment method",
    description:
      "No charge is accepted with it any more, and deferred ones of it fail with `payment_method_gone`. What was charged with it can still be captured, refunded and read. Repeating it changes nothing.",
    params: idParams,
    responses: ok("The deleted payment method"),
    problems: [],
    async handler({ principal, params }) {
      const change = { ...changeBy(principal, clock), id: params.id };
      await deleteMethod(db, change);
      return shown(db, change);
    },
  });
}

function putTokenRoute({ db, providers, clock }: PaymentMethodRouteDeps): Route {
  return route({
    method: "put",
    path: "/v1/payment-methods/{id}/tokens/{provider}",
    roles: ["billing"],
    summary: "Add a provider's token, or replace it",
    description: "A replaced token is active again. Deferred charges of the payment method can be collected at this provider from now on.",
    params: tokenParams,
    body: z.strictObject({ token: z.nonoptional(z.unknown(), "is required").meta({ description: "As in `payment_method` of a charge" }) }),
    example: { token: { vault_id: "8kk845", source: "card" } },
    responses: ok("The payment method as it is now"),
    problems: ["payment_method_gone"],
    async handler({ principal, params, body }) {
      const id = providerNamed(providers, params.provider);
      const provider = providers.get(id);
      if (!provider) throw new Problem("not_found", "There is no such provider here.");
      const fault = provider.checkToken(body.token);
      if (fault) {
        const faults = [{ pointer: `/token${fault.path}`, message: fault.message }];
        throw new Problem("validation_failed", "The body has an invalid field.", { faults });
      }
      const change = { ...changeBy(principal, clock), id: params.id };
      await putToken(db, change, newToken(providers, id, body.token));
      return shown(db, change, { alive: true });
    },
  });
}

function deleteTokenRoute({ db, providers, clock }: PaymentMethodRouteDeps): Route {
  return route({
    method: "delete",
    path: "/v1/payment-methods/{id}/tokens/{provider}",
    roles: ["billing"],
    summary: "Remove a provider's token",
    description:
      "No charge goes to this provider with it any more. The last one may go as well: then nothing can be charged until one is added.",
    params: tokenParams,
    responses: ok("The payment method as it is now"),
    problems: ["payment_method_gone"],
    async handler({ principal, params }) {
      const change = { ...changeBy(principal, clock), id: params.id };
      const removed = await removeToken(db, change, providerNamed(providers, params.provider));
      const reply = await shown(db, change, { alive: true });
      if (!removed) throw new Problem("not_found", "It has no token of this provider.");
      return reply;
    },
  });
}

/** The provider's id; an adapter's name stands for the one provider that has it. */
function providerNamed(providers: PaymentMethodRouteDeps["providers"], name: string): string {
  const [only, second] = aliasesOf(providers).get(name) ?? [];
  return only !== undefined && second === undefined ? only : name;
}

function newToken(providers: PaymentMethodRouteDeps["providers"], provider: string, token: unknown): NewToken {
  return { provider, reference: providers.get(provider)!.tokenReference(token), token };
}

function changeBy({ accountId, actor }: Principal, clock: Pick<Clock, "now">): Omit<MethodChange, "id"> {
  return { accountId, actor, now: new Date(clock.now()) };
}

/** The method as it is now; with `alive`, a deleted one is refused: it took no change. */
async function shown(db: Database, { accountId, id, now }: MethodChange, only: { alive?: boolean } = {}): Promise<Reply> {
  const method: StoredMethod | null = await readMethod(db, { accountId, id });
  if (!method) throw new Problem("not_found", "There is no such payment method.");
  if (only.alive && method.deletedAt) throw new Problem("payment_method_gone", "It was deleted; a deleted payment method takes no change.");
  return { status: 200, body: paymentMethodJson(method, now) };
}

function oneOfTwo(monthIsMissing: boolean) {
  const path = [monthIsMissing ? "exp_month" : "exp_year"];
  return { code: "custom" as const, path, message: "exp_month and exp_year go together" };
}
