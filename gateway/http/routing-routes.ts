import { z } from "zod";
import type { Clock } from "../../providers/contract/clock.ts";
import type { RoutingRules } from "../../routing/rules.ts";
import type { Fleet } from "../health/fleet.ts";
import type { RulesWatcher } from "../health/rules-watcher.ts";
import { Problem } from "../problems.ts";
import type { Database } from "../store/database.ts";
import { readCharge } from "../store/read-charges.ts";
import { listRoutingRules, type RulesVersion, readRoutingRules } from "../store/routing-rules.ts";
import { amount, country, currency, paymentMethodSchema, type TokenCheckers, text, word } from "./charge-request.ts";
import { decisionJson, decisionSchema, storedDecisionJson } from "./decision-json.ts";
import { pageJson, pageQuery, pageSchema } from "./list-page.ts";
import { type Route, route } from "./route.ts";
import { RULES_EXAMPLE, routingRulesSchema } from "./routing-rules-schema.ts";

export interface RoutingRouteDeps {
  readonly db: Database;
  readonly fleet: Pick<Fleet, "explain">;
  readonly rules: RulesWatcher;
  readonly providers: TokenCheckers;
  readonly clock: Pick<Clock, "now">;
}

/** Rules that a business sets, what they would decide, and what was decided. */
export function routingRoutes(deps: RoutingRouteDeps): Route[] {
  const schema = routingRulesSchema([...deps.providers.keys()]);
  return [readRoute(deps, schema), setRoute(deps, schema), versionsRoute(deps), explainRoute(deps, schema), decisionsRoute(deps)];
}

type RulesSchema = ReturnType<typeof routingRulesSchema>;

/** integer of PostgreSQL. */
const MAX_VERSION = 2_147_483_646;
const MAX_COMMENT = 500;

const versionText = z
  .string()
  .regex(/^[1-9]\d{0,9}$/, "must be a version, from 1 on")
  .transform(Number)
  .refine((version) => version <= MAX_VERSION, "must be a version, from 1 on");

const versionFields = {
  version: z.int().meta({ description: "0: none were ever set" }),
  actor: z.string().nullable(),
  comment: z.string().nullable(),
  created_at: z.iso.datetime().nullable(),
};

function rulesSchema(schema: RulesSchema) {
  return z.object({ object: z.literal("routing_rules"), ...versionFields, rules: schema });
}

function readRoute({ db }: RoutingRouteDeps, schema: RulesSchema): Route {
  return route({
    method: "get",
    path: "/v1/routing/rules",
    roles: ["finance", "ops"],
    summary: "The routing rules in force",
    description: "Or an earlier version of them. Version 0 has no rules: the best expected success rate decides.",
    query: z.strictObject({ version: versionText.optional().meta({ description: "An earlier version. Default: the one in force" }) }),
    responses: { 200: { description: "The rules", schema: rulesSchema(schema) } },
    problems: ["not_found"],
    async handler({ query }) {
      const version = query.version ?? null;
      const stored = await readRoutingRules(db, version);
      if (stored === null && version !== null) throw new Problem("not_found", "There is no such version of the rules.");
      return { status: 200, body: rulesJson(stored) };
    },
  });
}

function setRoute({ rules, clock }: RoutingRouteDeps, schema: RulesSchema): Route {
  return route({
    method: "put",
    path: "/v1/routing/rules",
    roles: ["ops"],
    summary: "Set the routing rules",
    description:
      "Replaces all of them, as a new version: in force here with the answer, on every instance within a second. `version` is the one that was read: if another is in force by now, nothing is set.",
    body: z.strictObject({
      version: z.int("must be the version that is replaced; 0: none yet").min(0, "must not be negative").max(MAX_VERSION, "is too high"),
      rules: schema,
      comment: text("Why: kept with the version and in the audit trail", MAX_COMMENT).optional(),
    }),
    example: { version: 0, rules: RULES_EXAMPLE, comment: "contract volume for 2027" },
    responses: { 200: { description: "The rules, in force", schema: rulesSchema(schema) } },
    problems: ["routing_rules_changed"],
    async handler({ principal, body }) {
      const { accountId, actor } = principal;
      const change = {
        replaces: body.version,
        rules: body.rules,
        comment: body.comment ?? null,
        accountId,
        actor,
        now: new Date(clock.now()),
      };
      const written = await rules.set(change);
      if (written === null)
        throw new Problem(
          "routing_rules_changed",
          `Version ${rules.current().version} is in force, and not ${body.version}: nothing was set.`,
        );
      return { status: 200, body: rulesJson(written) };
    },
  });
}

function versionsRoute({ db }: RoutingRouteDeps): Route {
  return route({
    method: "get",
    path: "/v1/routing/rules/versions",
    roles: ["finance", "ops"],
    summary: "All versions of the routing rules, newest first",
    description: "Who changed them, when and why. The audit trail has the same changes.",
    query: z.strictObject({
      ...pageQuery,
      starting_after: versionText.optional().meta({ description: "The `next_cursor` of the page before" }),
    }),
    responses: {
      200: {
        description: "A page, without the rules themselves: read them with `?version=`",
        schema: pageSchema(z.object({ object: z.literal("routing_rules_version"), ...versionFields })),
      },
    },
    problems: [],
    async handler({ query }) {
      const versions = await listRoutingRules(db, { before: query.starting_after ?? null, limit: query.limit + 1 });
      const toJson = (one: RulesVersion) => ({ object: "routing_rules_version", ...versionJson(one) });
      return { status: 200, body: pageJson(versions, query.limit, toJson, ({ version }) => String(version)) };
    },
  });
}

function explainRoute({ fleet, providers }: RoutingRouteDeps, schema: RulesSchema): Route {
  const ids = [...providers.keys()];
  const fault = `must be providers here: ${ids.join(", ")}`;
  const named = z
    .strictObject({
      providers: z.array(z.enum(ids, fault), fault).min(1, fault).max(ids.length, fault),
      type: word("the method's type").default("card"),
      brand: word("the card's brand").optional(),
      country: country.optional(),
    })
    .transform(({ providers, type, brand, country }) => ({ providers, type, brand: brand ?? null, country: country ?? null }));
  const given = paymentMethodSchema(providers).transform(({ tokens, ...rest }) => ({ providers: Object.keys(tokens), ...rest }));
  return route({
    method: "post",
    path: "/v1/routing/explain",
    roles: ["ops"],
    summary: "What would be decided for a charge, without charging",
    description:
      "In the present state of this instance; takes no probe and counts against no limit. Coins and lots are drawn as for a charge: `propensity` says how they may fall.",
    body: z.strictObject({
      amount,
      currency,
      payment_method: z
        .union([named, given], "must be a payment method, or {providers, type, brand, country}")
        .meta({ description: "As in a charge; or the providers that it has tokens for" }),
      charge: text("A charge's id: what a volume split goes by", 64).optional(),
      rules: schema.optional().meta({ description: "A draft: as if it were in force" }),
    }),
    example: { amount: 4200, currency: "usd", payment_method: { providers: ids, type: "card", brand: "visa", country: "US" } },
    responses: { 200: { description: "The decision", schema: decisionSchema } },
    problems: [],
    async handler({ body }) {
      const { providers, ...segment } = body.payment_method;
      const money = { amount: body.amount, currency: body.currency };
      const query = { providers, excluded: [], chargeId: body.charge ?? "", segment: { ...segment, currency: body.currency }, money };
      const decision = fleet.explain(query, body.rules as RoutingRules | undefined);
      return { status: 200, body: decisionJson(decision, body.currency) };
    },
  });
}

const decidedSchema = z.object({
  attempt: z.string(),
  provider: z.string(),
  outcome: z.string().nullable().meta({ description: "null while it runs" }),
  started_at: z.iso.datetime(),
  decision: decisionSchema.nullable(),
});

function decisionsRoute({ db }: RoutingRouteDeps): Route {
  return route({
    method: "get",
    path: "/v1/routing/decisions/{charge}",
    roles: ["finance", "ops"],
    summary: "Why each attempt of a charge went where it went",
    description:
      "As it was decided then, with the health, approval rates and rules of that moment: the candidates, their scores, and a sentence for each.",
    params: z.object({ charge: z.string().regex(/^ch_[0-9a-z]{1,60}$/) }),
    responses: {
      200: {
        description: "The attempts, oldest first",
        schema: z.object({ object: z.literal("list"), charge: z.string(), data: z.array(decidedSchema) }),
      },
    },
    problems: [],
    async handler({ principal, params }) {
      const charge = await readCharge(db, { accountId: principal.accountId, id: params.charge });
      if (charge === null) throw new Problem("not_found", "There is no such charge.");
      const data = charge.attempts.map(({ id, provider, outcome, startedAt, decision }) => ({
        attempt: id,
        provider,
        outcome,
        started_at: startedAt,
        decision: storedDecisionJson(decision, charge.currency),
      }));
      return { status: 200, body: { object: "list", charge: charge.id, data }, chargeId: charge.id };
    },
  });
}

function rulesJson(stored: RulesVersion | null): object {
  return { object: "routing_rules", ...versionJson(stored), rules: stored?.rules ?? {} };
}

function versionJson(stored: RulesVersion | null): object {
  return {
    version: stored?.version ?? 0,
    actor: stored?.actor ?? null,
    comment: stored?.comment ?? null,
    created_at: stored?.createdAt ?? null,
  };
}
