import { z } from "zod";
import type { Operation } from "../charges/operation.ts";
import type { ChargeService } from "../charges/service.ts";
import { fingerprintOf } from "../idempotency/fingerprint.ts";
import type { ChargeId, OperationId } from "../ids.ts";
import { Problem } from "../problems.ts";
import type { Database } from "../store/database.ts";
import { listRefunds, readRefund } from "../store/read-refunds.ts";
import { amount, metadata, text } from "./charge-request.ts";
import { pageJson, pageQuery, pageSchema } from "./list-page.ts";
import { refundJson, refundSchema } from "./refund-json.ts";
import { type Route, route } from "./route.ts";

export interface RefundRouteDeps {
  readonly db: Database;
  readonly charges: Pick<ChargeService, "refund" | "resolveRefund">;
}

const MAX_REASON = 500;
const CHARGE_FAULT = "must be the id of a charge";

const chargeId = z.string(CHARGE_FAULT).regex(/^ch_[0-9a-z]{1,60}$/, CHARGE_FAULT);

const refundIdParams = z.object({ id: z.string().regex(/^re_[0-9a-z]{1,60}$/) });

const refundRequest = z
  .strictObject({
    charge: chargeId,
    amount: amount.optional().meta({ description: "Minor units of the charge's currency; default: what is left of it" }),
    reason: text("Why, for people", MAX_REASON).optional(),
    metadata: metadata.default({}),
  })
  .meta({ id: "RefundRequest" });

export function refundRoutes(deps: RefundRouteDeps): Route[] {
  return [createRoute(deps), resolveRoute(deps), listRoute(deps), readRoute(deps)];
}

function createRoute({ charges }: RefundRouteDeps): Route {
  const headers = { Location: "The refund", "Idempotent-Replayed": "`true` when this key was used before" };
  return route({
    method: "post",
    path: "/v1/refunds",
    roles: ["billing"],
    summary: "Give back captured money, once",
    description:
      "Goes to the provider and account that took the money, and to no other. What is refunded, or may yet be, is never more than what was captured. " +
      "A refusal by the provider is 201 with `status: failed`. Repeat with the same Idempotency-Key after any failure to get an answer: it is never refunded twice.",
    idempotent: true,
    body: refundRequest,
    example: { charge: "ch_01k9x6w2v8p7n5m3k1j0h9g8f7", amount: 1000, reason: "returned one of four" },
    responses: {
      201: { description: "Decided: succeeded or failed", schema: refundSchema, headers },
      202: { description: "Still to be decided: processing, pending, in_doubt, deferred", schema: refundSchema, headers },
    },
    problems: [
      "not_found",
      "charge_not_refundable",
      "charge_disputed",
      "refund_exceeds_captured",
      "idempotency_key_in_use",
      "idempotency_key_reused",
      "not_ready",
      "too_many_requests",
    ],
    async handler(request) {
      const { body, principal } = request;
      const { refund, replayed } = await charges.refund({
        accountId: principal.accountId,
        actor: principal.actor,
        idempotencyKey: request.idempotencyKey,
        fingerprint: fingerprintOf(request),
        chargeId: body.charge as ChargeId,
        amount: body.amount ?? null,
        reason: body.reason ?? null,
        metadata: body.metadata,
      });
      return {
        status: isDecided(refund) ? 201 : 202,
        body: refundJson(refund),
        headers: { Location: `/v1/refunds/${refund.id}`, ...(replayed ? { "Idempotent-Replayed": "true" } : {}) },
        chargeId: refund.chargeId,
      };
    },
  });
}

function isDecided({ state }: Operation): boolean {
  return state === "succeeded" || state === "failed";
}

const REASON_FAULT = "must say why, in 1 to 500 characters";

const resolveBody = z
  .strictObject({
    outcome: z.enum(["refunded", "not_refunded"], "must be refunded or not_refunded"),
    provider_reference: z.string("must be what the provider calls the refund").min(1).max(255).optional(),
    reason: z.string(REASON_FAULT).min(1, REASON_FAULT).max(MAX_REASON, REASON_FAULT),
  })
  .refine(({ outcome, provider_reference }) => outcome !== "refunded" || provider_reference !== undefined, {
    path: ["provider_reference"],
    error: "is needed when the outcome is refunded",
  })
  .refine(({ outcome, provider_reference }) => outcome !== "not_refunded" || provider_reference === undefined, {
    path: ["provider_reference"],
    error: "does not go with not_refunded",
  });

function resolveRoute({ charges }: RefundRouteDeps): Route {
  return route({
    method: "post",
    path: "/v1/refunds/{id}/resolve",
    roles: ["ops"],
    summary: "Settle a refund's doubt by hand",
    description:
      "Also of one that has been `pending` for 30 days. `refunded` is checked at the provider when it can be reached; `not_refunded` is refused when the provider has carried it out or has it in work. " +
      "`not_refunded` ends it as failed: its amount can be refunded again. Sends nothing.",
    params: refundIdParams,
    body: resolveBody,
    example: { outcome: "refunded", provider_reference: "re_3N41", reason: "seen in the dashboard" },
    responses: { 200: { description: "The refund as it is now", schema: refundSchema } },
    problems: ["refund_not_in_doubt", "resolution_in_progress", "provider_disagrees", "not_ready", "too_many_requests"],
    async handler({ principal, params, body }) {
      const refund = await charges.resolveRefund({
        accountId: principal.accountId,
        actor: principal.actor,
        refundId: params.id as OperationId,
        outcome: body.outcome,
        providerReference: body.provider_reference ?? null,
        reason: body.reason,
      });
      return { status: 200, body: refundJson(refund), chargeId: refund.chargeId };
    },
  });
}

function listRoute({ db }: RefundRouteDeps): Route {
  return route({
    method: "get",
    path: "/v1/refunds",
    roles: ["billing", "finance", "ops"],
    summary: "List refunds, newest first",
    description: "All of them, or those of one charge; failed ones too, which give their amount free again.",
    query: z.strictObject({ ...pageQuery, charge: chargeId.optional() }),
    responses: { 200: { description: "A page", schema: pageSchema(refundSchema) } },
    problems: [],
    async handler({ principal, query }) {
      const refunds = await listRefunds(db, {
        accountId: principal.accountId,
        chargeId: query.charge ?? null,
        after: query.starting_after ?? null,
        limit: query.limit + 1,
      });
      return { status: 200, body: pageJson(refunds, query.limit, refundJson, ({ id }) => id) };
    },
  });
}

function readRoute({ db }: RefundRouteDeps): Route {
  return route({
    method: "get",
    path: "/v1/refunds/{id}",
    roles: ["billing", "finance", "ops"],
    summary: "One refund",
    description: "Read it after a 202, until its status is `succeeded` or `failed`.",
    params: refundIdParams,
    responses: { 200: { description: "The refund as it is now", schema: refundSchema } },
    problems: [],
    async handler({ principal, params }) {
      const refund = await readRefund(db, { accountId: principal.accountId, id: params.id });
      if (refund === null) throw new Problem("not_found", "There is no such refund.");
      return { status: 200, body: refundJson(refund), chargeId: refund.chargeId };
    },
  });
}
