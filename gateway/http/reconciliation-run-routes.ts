import { z } from "zod";
import type { Clock } from "../../providers/contract/clock.ts";
import { Problem } from "../problems.ts";
import { windowFault } from "../reconciliation/window.ts";
import type { Database } from "../store/database.ts";
import { listRuns, RUN_STATES, type Run, readRun, requestRun } from "../store/reconciliation-runs.ts";
import { askedTime } from "./asked-time.ts";
import { pageJson, pageQuery, pageSchema } from "./list-page.ts";
import { type Route, route } from "./route.ts";

interface Deps {
  readonly db: Database;
  readonly clock: Pick<Clock, "now">;
  readonly newId: <P extends string>(prefix: P) => `${P}_${string}`;
  readonly providers: readonly string[];
}

const runSchema = z
  .object({
    id: z.string(),
    object: z.literal("reconciliation_run"),
    state: z.enum(RUN_STATES),
    from: z.iso.datetime(),
    to: z.iso.datetime(),
    provider: z.string().nullable().meta({ description: "null: all" }),
    actor: z.string(),
    error: z.string().nullable().meta({ description: "Why it failed; nothing was compared with a provider that could not be read" }),
    report: z.record(z.string(), z.unknown()).meta({ description: "What was read, found, resolved, and what could not be verified" }),
    created_at: z.iso.datetime(),
    started_at: z.iso.datetime().nullable(),
    finished_at: z.iso.datetime().nullable(),
  })
  .meta({ id: "ReconciliationRun" });

export function reconciliationRunRoutes(deps: Deps): Route[] {
  return [listRoute(deps), startRoute(deps), readRoute(deps)];
}

function listRoute({ db }: Deps): Route {
  return route({
    method: "get",
    path: "/v1/reconciliation/runs",
    roles: ["finance", "ops"],
    summary: "The comparisons that were made, newest first",
    description: "One runs each night by itself; the others were asked for.",
    query: z.strictObject({ ...pageQuery, state: z.enum(RUN_STATES).optional() }),
    responses: { 200: { description: "A page", schema: pageSchema(runSchema) } },
    problems: [],
    async handler({ principal, query }) {
      const { limit, state = null, starting_after: after = null } = query;
      const rows = await listRuns(db, { accountId: principal.accountId, state, after, limit: limit + 1 });
      return { status: 200, body: pageJson(rows, limit, runJson, (run) => run.id) };
    },
  });
}

function startRoute({ db, clock, newId, providers }: Deps): Route {
  return route({
    method: "post",
    path: "/v1/reconciliation/runs",
    roles: ["ops"],
    summary: "Compare a window with the providers' records",
    description: "A worker takes it up within seconds. It reads, and moves no money by itself.",
    body: z.strictObject({ from: askedTime, to: askedTime, provider: z.string().min(1).max(100).optional() }),
    example: { from: "2026-11-01T00:00:00Z", to: "2026-11-02T00:00:00Z", provider: "stripe" },
    responses: { 202: { description: "The run, queued", schema: runSchema } },
    problems: [],
    async handler({ principal, body }) {
      const fault = windowFault(body, clock.now());
      if (fault) throw invalid(`/${fault.field}`, fault.message);
      if (body.provider !== undefined && !providers.includes(body.provider)) throw invalid("/provider", "is not configured");
      const run = {
        id: newId("rr"),
        account_id: principal.accountId,
        actor: principal.actor,
        provider: body.provider ?? null,
        from_at: body.from,
        to_at: body.to,
      };
      return { status: 202, body: runJson(await requestRun(db, run, new Date(clock.now()))) };
    },
  });
}

function invalid(pointer: string, message: string): Problem {
  return new Problem("validation_failed", "The body has an invalid field.", { faults: [{ pointer, message }] });
}

function readRoute({ db }: Deps): Route {
  return route({
    method: "get",
    path: "/v1/reconciliation/runs/{id}",
    roles: ["finance", "ops"],
    summary: "One comparison",
    description: "`report` counts what was read and found, and names what could not be verified.",
    params: z.object({ id: z.string().max(100) }),
    responses: { 200: { description: "The run as it is now", schema: runSchema } },
    problems: [],
    async handler({ principal, params }) {
      const run = await readRun(db, { id: params.id, accountId: principal.accountId });
      if (run === null) throw new Problem("not_found", "There is no such run.");
      return { status: 200, body: runJson(run) };
    },
  });
}

function runJson(run: Run): object {
  const { id, state, provider, actor, error, report, created_at, started_at, finished_at } = run;
  const window = { from: run.from_at, to: run.to_at };
  return { id, object: "reconciliation_run", state, ...window, provider, actor, error, report, created_at, started_at, finished_at };
}
