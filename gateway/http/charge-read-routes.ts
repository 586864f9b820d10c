import { z } from "zod";
import { CHARGE_STATUSES, type ChargeStatus } from "../charges/charge.ts";
import { Problem } from "../problems.ts";
import type { Database } from "../store/database.ts";
import { listCharges } from "../store/list-charges.ts";
import { readChargeEvents } from "../store/read-charge-events.ts";
import { readCharge } from "../store/read-charges.ts";
import { readChargeDisputes } from "../store/read-disputes.ts";
import { listRefunds } from "../store/read-refunds.ts";
import { askedTime } from "./asked-time.ts";
import { chargeJson, chargeSchema, chargeWithEventsSchema, eventJson } from "./charge-json.ts";
import { chargeIdParams } from "./charge-routes.ts";
import { disputeJson } from "./dispute-json.ts";
import { pageJson, pageQuery, pageSchema } from "./list-page.ts";
import { refundJson } from "./refund-json.ts";
import { type Route, route } from "./route.ts";

/** Always from the primary: an empty answer must never say of a charge that it does not exist when it does. */
export function chargeReadRoutes(deps: { readonly db: Database }): Route[] {
  return [listRoute(deps), readRoute(deps)];
}

const isStatus = (text: string): text is ChargeStatus => (CHARGE_STATUSES as readonly string[]).includes(text);

const listQuery = z.strictObject({
  ...pageQuery,
  status: z
    .string()
    .refine((text) => text.split(",").every(isStatus), `must be one of, or several with commas: ${CHARGE_STATUSES.join(", ")}`)
    .transform((text) => text.split(",").filter(isStatus))
    .optional()
    .meta({ description: `One or several, comma separated: ${CHARGE_STATUSES.join(", ")}` }),
  q: z.string().trim().min(1).max(255).optional().meta({
    description: "Exactly: an id or reference of the charge, of an attempt or a refund of it, ours or the provider's; an idempotency key",
  }),
  provider: z.string().min(1).max(64).optional().meta({ description: "The provider that has, or last had, the charge" }),
  reference: z.string().min(1).max(255).optional(),
  idempotency_key: z.string().min(1).max(255).optional().meta({ description: "Any key that acted on the charge" }),
  created_from: askedTime.optional().meta({ description: "Created at this time or later, RFC 3339" }),
  created_before: askedTime.optional().meta({ description: "Created before this time, RFC 3339" }),
});

function listRoute({ db }: { readonly db: Database }): Route {
  return route({
    method: "get",
    path: "/v1/charges",
    roles: ["billing", "finance", "ops"],
    summary: "List charges, newest first",
    description:
      "Always from the primary: a charge that was answered is in it. Each with its attempts; events, refunds and disputes are with the single one.",
    query: listQuery,
    responses: { 200: { description: "A page", schema: pageSchema(chargeSchema) } },
    problems: [],
    async handler({ principal, query }) {
      const charges = await listCharges(db, {
        accountId: principal.accountId,
        filter: {
          statuses: query.status,
          search: query.q,
          provider: query.provider,
          reference: query.reference,
          idempotencyKey: query.idempotency_key,
          createdFrom: query.created_from,
          createdBefore: query.created_before,
        },
        after: query.starting_after,
        limit: query.limit + 1,
      });
      return { status: 200, body: pageJson(charges, query.limit, chargeJson, (charge) => charge.id) };
    },
  });
}

/** Of one charge's answer; `GET /v1/refunds?charge=` has them all. */
const MAX_REFUNDS = 100;

function readRoute({ db }: { readonly db: Database }): Route {
  return route({
    method: "get",
    path: "/v1/charges/{id}",
    roles: ["billing", "finance", "ops"],
    summary: "One charge with its attempts, refunds, events and disputes",
    description: "Read it after a 202, until its status is final. Its events say in words and order what was done, and by whom.",
    params: chargeIdParams,
    responses: { 200: { description: "The charge; its events oldest first", schema: chargeWithEventsSchema } },
    problems: [],
    async handler({ principal, params }) {
      const { accountId } = principal;
      const [charge, refunds, events, disputes] = await Promise.all([
        readCharge(db, { accountId, id: params.id }),
        listRefunds(db, { accountId, chargeId: params.id, after: null, limit: MAX_REFUNDS }),
        readChargeEvents(db, { accountId, chargeId: params.id }),
        readChargeDisputes(db, { accountId, chargeId: params.id }),
      ]);
      if (charge === null) throw new Problem("not_found", "There is no such charge.");
      const body = {
        ...chargeJson(charge),
        refunds: refunds.map(refundJson),
        events: events.map(eventJson),
        disputes: disputes.map(disputeJson),
      };
      return { status: 200, body, chargeId: charge.id };
    },
  });
}
