import { z } from "zod";
import type { Clock } from "../../providers/contract/clock.ts";
import { Problem } from "../problems.ts";
import type { Database } from "../store/database.ts";
import { FINDING_KINDS } from "../store/findings.ts";
import { changeFinding, FINDING_STATES, type Finding, type FindingFilter, listFindings } from "../store/read-findings.ts";
import { toCsv } from "./csv.ts";
import { pageJson, pageQuery, pageSchema } from "./list-page.ts";
import { reconciliationRunRoutes } from "./reconciliation-run-routes.ts";
import { type Route, route } from "./route.ts";
import { invalidQuery } from "./validate.ts";

/** Rows of one CSV: about 3 MB. */
const MAX_CSV_ROWS = 10_000;

export interface ReconciliationRouteDeps {
  readonly db: Database;
  readonly clock: Pick<Clock, "now">;
  readonly newId: <P extends string>(prefix: P) => `${P}_${string}`;
  /** The ids of the configured providers. */
  readonly providers: readonly string[];
}

const name = z.string().min(1).max(100);
const amount = z.int().nullable();

const findingSchema = z
  .object({
    id: z.string(),
    object: z.literal("finding"),
    kind: z.enum(FINDING_KINDS),
    provider: z.string(),
    subject: z.string().meta({ description: "What it is about, in the provider's words; for what the provider does not have, in ours" }),
    charge: z.string().nullable(),
    attempt: z.string().nullable(),
    operation: z.string().nullable(),
    our_amount: amount.meta({ description: "Minor units; null: nothing" }),
    their_amount: amount.meta({ description: "Minor units, by the provider's records; null: nothing" }),
    currency: z.string().nullable(),
    detail: z.record(z.string(), z.unknown()),
    state: z.enum(FINDING_STATES),
    owner: z.string().nullable(),
    note: z.string().nullable(),
    first_seen_at: z.iso.datetime(),
    last_seen_at: z.iso.datetime(),
    closed_at: z.iso.datetime().nullable(),
    closed_by: z.string().nullable().meta({ description: "`key:<id>`; `system:reconciliation`: a later run saw that it is gone" }),
  })
  .meta({ id: "Finding" });

/** What providers have on record and what we have, where the two differ. */
export function reconciliationRoutes(deps: ReconciliationRouteDeps): Route[] {
  // The runs first: `runs` is no finding.
  return [...reconciliationRunRoutes(deps), listRoute(deps), changeRoute(deps)];
}

function listRoute({ db }: ReconciliationRouteDeps): Route {
  return route({
    method: "get",
    path: "/v1/reconciliation",
    roles: ["finance", "ops"],
    summary: "Differences between the providers' records and ours, newest first",
    description: `As CSV: all that match, not a page of them; at most ${MAX_CSV_ROWS} rows.`,
    query: z.strictObject({
      ...pageQuery,
      kind: z.enum(FINDING_KINDS).optional(),
      provider: name.optional(),
      state: z.enum(FINDING_STATES).optional(),
      owner: name.optional(),
      charge: name.optional(),
    }),
    responses: {
      200: { description: "A page", schema: pageSchema(findingSchema), contentTypes: ["application/json", "text/csv"] },
    },
    problems: [],
    async handler({ principal, query, accepts }) {
      const filter: FindingFilter = {
        accountId: principal.accountId,
        kind: query.kind ?? null,
        provider: query.provider ?? null,
        state: query.state ?? null,
        owner: query.owner ?? null,
        charge: query.charge ?? null,
      };
      const after = query.starting_after ?? null;
      if (accepts("application/json", "text/csv") === "text/csv") {
        const rows = await listFindings(db, filter, { after, limit: MAX_CSV_ROWS + 1 });
        if (rows.length > MAX_CSV_ROWS) throw tooManyRows();
        return { status: 200, text: { type: "text/csv; charset=utf-8; header=present", content: csvOf(rows) } };
      }
      const rows = await listFindings(db, filter, { after, limit: query.limit + 1 });
      return { status: 200, body: pageJson(rows, query.limit, findingJson, (finding) => finding.id) };
    },
  });
}

function tooManyRows(): Problem {
  return invalidQuery("?state", `more than ${MAX_CSV_ROWS} rows: ask for one state, kind or provider`);
}

function changeRoute({ db, clock }: ReconciliationRouteDeps): Route {
  return route({
    method: "post",
    path: "/v1/reconciliation/{id}",
    roles: ["ops"],
    summary: "Take a finding on, note what was done, resolve or reopen it",
    description:
      "What is left out stays. One that a person resolved is not reported again, as long as the amounts are the same. It moves no money.",
    params: z.object({ id: z.string().max(100) }),
    body: z.strictObject({
      owner: z.string().min(1, "must not be empty").max(100, "must have at most 100 characters").nullable().optional(),
      note: z.string().min(1, "must not be empty").max(2_000, "must have at most 2000 characters").nullable().optional(),
      state: z.enum(FINDING_STATES).optional(),
    }),
    example: { owner: "ada", note: "refunded in the dashboard, ticket 77", state: "resolved" },
    responses: { 200: { description: "The finding as it is now", schema: findingSchema } },
    problems: ["finding_superseded"],
    async handler({ principal, params, body }) {
      const by = { id: params.id, accountId: principal.accountId, actor: principal.actor, now: new Date(clock.now()) };
      const finding = await changeFinding(db, by, body);
      if (finding === "superseded")
        throw new Problem("finding_superseded", "The same difference was found again, and is open under another id.");
      if (finding === null) throw new Problem("not_found", "There is no such finding.");
      return { status: 200, body: findingJson(finding), ...(finding.charge_id === null ? {} : { chargeId: finding.charge_id }) };
    },
  });
}

function findingJson(finding: Finding): object {
  const { charge_id, attempt_id, operation_id, id, ...rest } = finding;
  return { id, object: "finding", ...rest, charge: charge_id, attempt: attempt_id, operation: operation_id };
}

const CSV = [
  ...(["id", "kind", "provider", "subject", "charge_id", "attempt_id", "operation_id", "our_amount", "their_amount", "currency"] as const),
  ...(["state", "owner", "note", "first_seen_at", "last_seen_at", "closed_at", "closed_by"] as const),
];

function csvOf(rows: readonly Finding[]): string {
  return toCsv(
    CSV.map((column) => column.replace(/_id$/, "")),
    rows.map((row) => CSV.map((column) => row[column])),
  );
}
