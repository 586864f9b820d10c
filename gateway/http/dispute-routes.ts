import { z } from "zod";
import { Problem } from "../problems.ts";
import type { Database } from "../store/database.ts";
import { DISPUTE_STATUSES, listDisputes, readDispute } from "../store/read-disputes.ts";
import { disputeJson, disputeSchema } from "./dispute-json.ts";
import { pageJson, pageQuery, pageSchema } from "./list-page.ts";
import { type Route, route } from "./route.ts";

/** Disputes as the providers' webhooks tell them. They are answered at the provider, not here. */
export function disputeRoutes(deps: { readonly db: Database }): Route[] {
  return [listRoute(deps), readRoute(deps)];
}

function listRoute({ db }: { readonly db: Database }): Route {
  return route({
    method: "get",
    path: "/v1/disputes",
    roles: ["billing", "finance", "ops"],
    summary: "List disputes, newest first",
    description:
      "The ones to answer have the status `open`, or `warning` before any money was taken; `evidence_due_at` is the day until which.",
    query: z.strictObject({
      ...pageQuery,
      charge: z.string().min(1).max(100).optional(),
      status: z.enum(DISPUTE_STATUSES, `must be one of: ${DISPUTE_STATUSES.join(", ")}`).optional(),
    }),
    responses: { 200: { description: "A page", schema: pageSchema(disputeSchema) } },
    problems: [],
    async handler({ principal, query }) {
      const rows = await listDisputes(db, {
        accountId: principal.accountId,
        charge: query.charge ?? null,
        status: query.status ?? null,
        after: query.starting_after ?? null,
        limit: query.limit + 1,
      });
      return { status: 200, body: pageJson(rows, query.limit, disputeJson, (dispute) => dispute.id) };
    },
  });
}

function readRoute({ db }: { readonly db: Database }): Route {
  return route({
    method: "get",
    path: "/v1/disputes/{id}",
    roles: ["billing", "finance", "ops"],
    summary: "One dispute",
    description: "Where it stands by the latest webhook. It is answered at the processor.",
    params: z.object({ id: z.string().max(100) }),
    responses: { 200: { description: "The dispute", schema: disputeSchema } },
    problems: [],
    async handler({ principal, params }) {
      const dispute = await readDispute(db, { accountId: principal.accountId, id: params.id });
      if (dispute === null) throw new Problem("not_found", "There is no such dispute.");
      return { status: 200, body: disputeJson(dispute), chargeId: dispute.charge_id };
    },
  });
}
