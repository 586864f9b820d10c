import { z } from "zod";
import type { Clock } from "../../providers/contract/clock.ts";
import { isRunning } from "../charges/accept.ts";
import type { ChargeAnswer, ChargeService, CreateCharge } from "../charges/service.ts";
import { fingerprintOf } from "../idempotency/fingerprint.ts";
import type { ChargeId } from "../ids.ts";
import { chargeWithStored } from "../payment-methods/charge-with.ts";
import { Problem } from "../problems.ts";
import type { Database } from "../store/database.ts";
import { readChargeByKey } from "../store/read-charges.ts";
import { chargeJson, chargeSchema, isOpen } from "./charge-json.ts";
import { amount, chargeExample, chargeRequestSchema, DEFAULT_DEFER_MS, type TokenCheckers } from "./charge-request.ts";
import { type Reply, type Route, type RouteRequest, route } from "./route.ts";

export interface ChargeRouteDeps {
  readonly db: Database;
  readonly charges: ChargeService;
  readonly providers: TokenCheckers;
  readonly clock: Pick<Clock, "now">;
}

export const chargeIdParams = z.object({ id: z.string().regex(/^ch_[0-9a-z]{1,60}$/) });

const replayHeaders = { Location: "The charge", "Idempotent-Replayed": "`true` when this key was used before" };

const commandDoc = { schema: chargeSchema, headers: replayHeaders };

/** Of this instance as a whole: another one may do it now. */
const BUSY = ["not_ready", "too_many_requests"] as const;

/** The routes that change charges; reading them is in charge-read-routes.ts. */
export function chargeRoutes(deps: ChargeRouteDeps): Route[] {
  return [createRoute(deps), captureRoute(deps), cancelRoute(deps), resolveRoute(deps)];
}

function createRoute({ db, charges, providers, clock }: ChargeRouteDeps): Route {
  return route({
    method: "post",
    path: "/v1/charges",
    roles: ["billing"],
    summary: "Charge a saved payment method, once",
    description:
      "A decline is 201 with `status: failed`. Repeat with the same Idempotency-Key after any failure to get an answer: it is never charged twice.",
    idempotent: true,
    body: chargeRequestSchema(providers, clock),
    example: chargeExample(providers),
    responses: {
      201: {
        description: "Final for the caller: succeeded, authorized, failed, canceled, requires_action",
        schema: chargeSchema,
        headers: replayHeaders,
      },
      202: { description: "Still to be decided: processing, pending, in_doubt, deferred", schema: chargeSchema, headers: replayHeaders },
    },
    problems: [
      "idempotency_key_in_use",
      "idempotency_key_reused",
      "reference_in_use",
      "payment_method_gone",
      "no_provider_available",
      ...BUSY,
    ],
    async replay(request) {
      const answer = await answered(db, clock, request);
      return answer && createdReply(answer);
    },
    async handler(request) {
      const { body, principal } = request;
      const { payment_method: given } = body;
      const create = (method: Pick<CreateCharge, "paymentMethodId" | "paymentMethodVersion" | "paymentMethod">) =>
        charges.create({
          accountId: principal.accountId,
          actor: principal.actor,
          idempotencyKey: request.idempotencyKey,
          fingerprint: fingerprintOf(request),
          money: { amount: body.amount, currency: body.currency },
          reference: body.reference ?? null,
          allowDuplicateReference: body.allow_duplicate_reference,
          capture: body.capture,
          failover: body.failover,
          ...method,
          description: body.description ?? null,
          metadata: body.metadata,
          defer: body.defer === false ? false : { untilMs: body.defer?.until ?? clock.now() + DEFAULT_DEFER_MS },
        });
      if (typeof given !== "string") return createdReply(await create({ paymentMethodId: null, paymentMethod: given }));
      const by = { accountId: principal.accountId, id: given };
      return createdReply(await chargeWithStored({ db, providers }, by, create, () => answered(db, clock, request)));
    },
  });
}

const captureBody = z.strictObject({ amount: amount.optional() }).meta({ id: "CaptureRequest" });

function captureRoute({ charges }: ChargeRouteDeps): Route {
  return route({
    method: "post",
    path: "/v1/charges/{id}/capture",
    roles: ["billing"],
    summary: "Take the money of an authorized charge",
    description:
      "All of it, or `amount` of it; once: the rest of the authorization is released. Refused for good, the charge stays `authorized` and `failure` says why.",
    idempotent: true,
    params: chargeIdParams,
    body: captureBody,
    emptyBody: true,
    example: { amount: 4200 },
    responses: {
      200: { description: "The charge: succeeded; authorized, if it was refused; canceled, if the authorization was gone", ...commandDoc },
      202: { description: "Still to be decided: repeat with the same key, or read the charge", ...commandDoc },
    },
    problems: ["charge_in_flight", "charge_final", "idempotency_key_in_use", "idempotency_key_reused", ...BUSY],
    async handler(request) {
      const { principal, params, body } = request;
      const answer = await charges.capture({
        accountId: principal.accountId,
        actor: principal.actor,
        chargeId: params.id as ChargeId,
        idempotencyKey: request.idempotencyKey,
        fingerprint: fingerprintOf(request),
        amount: body.amount ?? null,
      });
      return commandReply(answer);
    },
  });
}

function cancelRoute({ charges }: ChargeRouteDeps): Route {
  return route({
    method: "post",
    path: "/v1/charges/{id}/cancel",
    roles: ["billing"],
    summary: "Withdraw a deferred charge, or void an authorized one",
    description: "Anything else is refused: what is in flight may have moved money, and what is final holds it or not.",
    idempotent: true,
    params: chargeIdParams,
    responses: {
      200: { description: "The canceled charge", ...commandDoc },
      202: { description: "The void has no answer yet; it is repeated until it has", ...commandDoc },
    },
    problems: ["charge_in_flight", "charge_final", "idempotency_key_in_use", "idempotency_key_reused", ...BUSY],
    async handler(request) {
      const { principal, params } = request;
      const answer = await charges.cancel({
        accountId: principal.accountId,
        actor: principal.actor,
        chargeId: params.id as ChargeId,
        idempotencyKey: request.idempotencyKey,
        fingerprint: fingerprintOf(request),
      });
      return commandReply(answer);
    },
  });
}

const REASON_FAULT = "must say why, in 1 to 500 characters";

const resolveBody = z
  .strictObject({
    outcome: z.enum(["charged", "not_charged"], "must be charged or not_charged"),
    provider_reference: z.string("must be what the provider calls the payment").min(1).max(255).optional(),
    reason: z.string(REASON_FAULT).min(1, REASON_FAULT).max(500, REASON_FAULT),
  })
  .refine(({ outcome, provider_reference }) => outcome !== "charged" || provider_reference !== undefined, {
    path: ["provider_reference"],
    error: "is needed when the outcome is charged",
  })
  .refine(({ outcome, provider_reference }) => outcome !== "not_charged" || provider_reference === undefined, {
    path: ["provider_reference"],
    error: "does not go with not_charged",
  });

function resolveRoute({ charges }: ChargeRouteDeps): Route {
  return route({
    method: "post",
    path: "/v1/charges/{id}/resolve",
    roles: ["ops"],
    summary: "Settle a doubt by hand",
    description:
      "`charged` is checked at the provider when it can be reached. `not_charged` makes sure first, where the provider can: it ends failed and never starts another attempt.",
    params: chargeIdParams,
    body: resolveBody,
    example: { outcome: "charged", provider_reference: "pi_3N41", reason: "seen in the dashboard" },
    responses: { 200: { description: "The charge as it is now", schema: chargeSchema } },
    problems: ["charge_not_in_doubt", "resolution_in_progress", "provider_disagrees", ...BUSY],
    async handler({ principal, params, body }) {
      const answer = await charges.resolve({
        accountId: principal.accountId,
        actor: principal.actor,
        chargeId: params.id as ChargeId,
        outcome: body.outcome,
        providerReference: body.provider_reference ?? null,
        reason: body.reason,
      });
      return chargeReply(200, answer);
    },
  });
}

/**
 * The body is not valid (any more), or its stored payment method can be charged no more. If this very request was accepted before, then
 * with the same key it gets the same answer: to call it invalid, with "no money moved", could be a lie.
 */
async function answered(
  db: Database,
  clock: Pick<Clock, "now">,
  request: Pick<RouteRequest, "method" | "path" | "json" | "principal" | "idempotencyKey">,
): Promise<ChargeAnswer | null> {
  if (request.principal === null || request.idempotencyKey === null) return null;
  const known = await readChargeByKey(db, { accountId: request.principal.accountId, key: request.idempotencyKey });
  if (known === null || !known.fingerprint.equals(fingerprintOf(request))) return null;
  const { charge } = known;
  if (isRunning(charge, clock.now())) {
    const more = { chargeId: charge.id, retryAfterS: 1 };
    throw new Problem("idempotency_key_in_use", "The first request with this key is still running.", more);
  }
  return { charge, replayed: true };
}

function createdReply(answer: ChargeAnswer): Reply {
  return chargeReply(isOpen(answer.charge) ? 202 : 201, answer);
}

function commandReply(answer: ChargeAnswer): Reply {
  return chargeReply(isOpen(answer.charge) ? 202 : 200, answer);
}

function chargeReply(status: number, { charge, replayed }: ChargeAnswer): Reply {
  const headers = { Location: `/v1/charges/${charge.id}`, ...(replayed ? { "Idempotent-Replayed": "true" } : {}) };
  return { status, body: chargeJson(charge), headers, chargeId: charge.id };
}
