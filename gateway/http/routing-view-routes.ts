import { z } from "zod";
import type { Clock } from "../../providers/contract/clock.ts";
import type { Fleet } from "../health/fleet.ts";
import { bandsOf } from "../health/provider-bands.ts";
import { FLOW_OUTCOMES } from "../store/count-events.ts";
import type { Database } from "../store/database.ts";
import { readProviderHistory } from "../store/provider-history.ts";
import { readFlow } from "../store/stats.ts";
import { readOpenLetters, readWaiting } from "../store/waiting.ts";
import { HOUR_MS, rangeOf, reportTime } from "./report-time.ts";
import { type Route, route } from "./route.ts";
import { invalidQuery } from "./validate.ts";

/** Links of one picture: more are no picture. */
const MAX_LINKS = 500;
/** Changes of providers in one answer; a breaker that flaps every minute of a day stays below. */
const MAX_MOMENTS = 2_000;

export interface RoutingViewDeps {
  readonly db: Database;
  /** May be the replica. */
  readonly reports: Database;
  /** In configured order. */
  readonly providers: readonly string[];
  readonly fleet: Pick<Fleet, "status">;
  readonly clock: Pick<Clock, "now">;
}

/** What the console draws of the routing, for everybody who may see it. */
export function routingViewRoutes(deps: RoutingViewDeps): Route[] {
  return [queueRoute(deps), flowRoute(deps), bandsRoute(deps)];
}

const time = z.iso.datetime();
const amount = z.int().meta({ description: "Minor units" });
const waiting = { currency: z.string(), count: z.int(), amount, oldest_at: time };

function queueRoute({ db }: RoutingViewDeps): Route {
  return route({
    method: "get",
    path: "/v1/routing/queue",
    roles: ["finance", "ops"],
    summary: "What waits: deferred charges, charges in doubt, open dead letters",
    description: "Of this moment. Amounts by currency are never added up; a kind of which nothing waits is not in the list.",
    responses: {
      200: {
        description: "Counts and amounts",
        schema: z.object({
          object: z.literal("queue"),
          deferred: z.array(
            z.object({
              ...waiting,
              next_at: time.nullable().meta({ description: "When the first is tried again; null: all wait for a person" }),
            }),
          ),
          in_doubt: z.array(z.object(waiting)),
          dead_letters: z.array(z.object({ kind: z.string(), count: z.int(), oldest_at: time })),
        }),
      },
    },
    problems: [],
    async handler({ principal: { accountId } }) {
      const [waiting, letters] = await Promise.all([readWaiting(db, accountId), readOpenLetters(db, accountId)]);
      const deferred = waiting
        .filter(({ status }) => status === "deferred")
        .map(({ currency, count, amount, oldest, next }) => ({ currency, count, amount, oldest_at: oldest, next_at: next }));
      const inDoubt = waiting
        .filter(({ status }) => status === "in_doubt")
        .map(({ currency, count, amount, oldest }) => ({ currency, count, amount, oldest_at: oldest }));
      return { status: 200, body: { object: "queue", deferred, in_doubt: inDoubt, dead_letters: letters } };
    },
  });
}

function flowRoute({ reports, clock }: RoutingViewDeps): Route {
  return route({
    method: "get",
    path: "/v1/routing/flow",
    roles: ["finance", "ops"],
    summary: "Which attempts went where, and what became of them",
    description:
      "Attempts by one thing of their segment, provider and outcome, the most first; a charge that failed over is in it once for each attempt. " +
      "Counted like the statistics, by whole hours: `from` and `to` are aligned outward.",
    query: z.strictObject({
      ...reportTime,
      by: z
        .enum(["brand", "country", "currency", "type"])
        .default("brand")
        .meta({ description: "What of the payment the segments are: its card's brand, its country, its currency, or the method's type" }),
    }),
    responses: {
      200: {
        description: "The links",
        schema: z.object({
          object: z.literal("flow"),
          from: time,
          to: time,
          by: z.enum(["brand", "country", "currency", "type"]),
          links: z.array(
            z.object({
              segment: z.string().nullable().meta({ description: "null: not known" }),
              provider: z.string().nullable(),
              outcome: z.enum(FLOW_OUTCOMES),
              count: z.int(),
              amount,
              currency: z.string(),
            }),
          ),
          truncated: z.boolean().meta({ description: `There are more than ${MAX_LINKS} links; the smallest are left out` }),
        }),
      },
    },
    problems: [],
    async handler({ principal: { accountId }, query }) {
      const range = rangeOf(query, clock.now(), HOUR_MS);
      const links = await readFlow(reports, { accountId, ...range, by: query.by, limit: MAX_LINKS + 1 });
      const shown = links
        .slice(0, MAX_LINKS)
        .map(({ segment, provider, ...link }) => ({ segment: segment || null, provider: provider || null, ...link }));
      return { status: 200, body: { object: "flow", ...range, by: query.by, links: shown, truncated: links.length > MAX_LINKS } };
    },
  });
}

function bandsRoute({ reports, providers, fleet, clock }: RoutingViewDeps): Route {
  return route({
    method: "get",
    path: "/v1/routing/bands",
    roles: ["finance", "ops"],
    summary: "When each provider's breaker was open, and when an operator forced it",
    description:
      "From the audit trail, cut to the time that is asked for. `open` lasts until the breaker closes, half-open times included.",
    query: z.strictObject(reportTime),
    responses: {
      200: {
        description: "The bands, by their begin",
        schema: z.object({
          object: z.literal("bands"),
          from: time,
          to: time,
          data: z.array(
            z.object({
              provider: z.string(),
              state: z.enum(["open", "down", "drain", "only", "up"]),
              from: time,
              to: time.nullable().meta({ description: "null: it goes on" }),
              reason: z.string().nullable(),
            }),
          ),
        }),
      },
    },
    problems: [],
    async handler({ query }) {
      const range = rangeOf(query, clock.now(), 1);
      const history = await readProviderHistory(reports, { providers, ...range, limit: MAX_MOMENTS });
      // What was in force before is not counted: one of each kind of each provider, if there was any.
      if (history.filter(({ at }) => at >= range.from).length > MAX_MOMENTS)
        throw invalidQuery("?from", `more than ${MAX_MOMENTS} changes: choose a shorter time`);
      const closed = fleet.status().filter(({ circuit }) => circuit.state === "closed");
      const closedSince = new Map(closed.map(({ provider, circuit }) => [provider, new Date(circuit.since)]));
      return { status: 200, body: { object: "bands", ...range, data: bandsOf(history, range, closedSince) } };
    },
  });
}
