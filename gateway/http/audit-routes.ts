import { z } from "zod";
import type { Database } from "../store/database.ts";
import { listSealed, listUnsealed, type TrailFilter, type TrailRow } from "../store/list-trail.ts";
import { readTrailCheck } from "../store/trail-checks.ts";
import { type ChainReport, readTrailStatus, verifyChain } from "../store/verify-chain.ts";
import { askedTime } from "./asked-time.ts";
import { pageQuery } from "./list-page.ts";
import { type Route, route } from "./route.ts";
import { invalidQuery } from "./validate.ts";

/** Events that one request verifies: about 2 s. */
const VERIFY_LIMIT = 100_000;

const seqText = z
  .string()
  .regex(/^[1-9]\d{0,17}$/, "must be a number of the trail, from 1 on")
  .transform(BigInt);
const name = z.string().min(1).max(100);

const eventSchema = z.object({
  seq: z.int().nullable().meta({ description: "null: not sealed yet" }),
  hash: z.string().nullable().meta({ description: "SHA-256 over the hash before and this event, hex" }),
  sealed_at: z.iso.datetime().nullable(),
  id: z.int(),
  at: z.iso.datetime(),
  type: z.string(),
  actor: z.string(),
  charge: z.string().nullable(),
  attempt: z.string().nullable(),
  provider: z.string().nullable(),
  amount: z.int().nullable(),
  currency: z.string().nullable(),
  from_status: z.string().nullable(),
  to_status: z.string().nullable(),
  outcome: z.string().nullable(),
  latency_ms: z.int().nullable(),
  data: z.record(z.string(), z.unknown()),
});
const unsealedSchema = z.object({ count: z.int(), oldest_at: z.iso.datetime().nullable() });

export interface AuditRouteDeps {
  /** The primary: an auditor does not want to miss the last second. */
  readonly db: Database;
}

export function auditRoutes(deps: AuditRouteDeps): Route[] {
  return [listRoute(deps), verifyRoute(deps)];
}

function listRoute({ db }: AuditRouteDeps): Route {
  return route({
    method: "get",
    path: "/v1/audit",
    roles: ["ops"],
    summary: "The audit trail",
    description:
      "Sealed events by number, the newest first. A page may hold fewer than `limit`, even none, while `has_more` is true: the cost of a page is bounded, " +
      "go on with `next_cursor`. With `unsealed=true` the first page also brings the events that have no number yet (normally those of the last second).",
    query: z.strictObject({
      ...pageQuery,
      starting_after: seqText.optional().meta({ description: "The `next_cursor` of the page before" }),
      order: z.enum(["desc", "asc"]).default("desc"),
      charge: name.optional(),
      actor: name.optional().meta({ description: "`key:<id>`, `system:engine`, …" }),
      type: name.optional(),
      from: askedTime.optional().meta({ description: "RFC 3339, inclusive, of the event's own time" }),
      to: askedTime.optional().meta({ description: "RFC 3339, exclusive" }),
      unsealed: z.enum(["true", "false"]).default("false"),
    }),
    responses: {
      200: {
        description: "A page of the trail",
        schema: z.object({
          object: z.literal("list"),
          data: z.array(eventSchema),
          has_more: z.boolean(),
          next_cursor: z.string().nullable(),
          unsealed: z.array(eventSchema).optional().meta({ description: "The newest first, at most `limit`" }),
        }),
      },
    },
    problems: [],
    async handler({ principal, query }) {
      const { charge = null, actor = null, type = null, from = null, to = null } = query;
      if (from && to && from >= to) throw invalidQuery("?from", "must be before `to`");
      const filter: TrailFilter = { accountId: principal.accountId, charge, actor, type, from, to };
      const after = query.starting_after ?? null;
      // The tail first: an event that is sealed between the two reads comes twice rather than not at all.
      const tail = query.unsealed === "true" && after === null ? await listUnsealed(db, filter, query.limit) : null;
      const { rows, next } = await listSealed(db, filter, { after, order: query.order, limit: query.limit });
      const page = { object: "list", data: rows.map(eventJson), has_more: next !== null, next_cursor: next?.toString() ?? null };
      return { status: 200, body: tail ? { ...page, unsealed: tail.map(eventJson) } : page };
    },
  });
}

function eventJson({ charge_id, attempt_id, hash, ...row }: TrailRow): object {
  return { ...row, hash: hash?.toString("hex") ?? null, charge: charge_id, attempt: attempt_id };
}

function verifyRoute({ db }: AuditRouteDeps): Route {
  return route({
    method: "get",
    path: "/v1/audit/verify",
    roles: ["ops"],
    summary: "Is the chain whole?",
    description:
      "Recomputes the hash chain of the whole installation from `from` on; default: from where the hourly check last found it whole. One request verifies " +
      `at most ${VERIFY_LIMIT} events: while \`complete\` is false, ask again from \`next_from\`. Keep \`head\` somewhere else: a chain that was rewritten whole ` +
      "is found by comparing it.",
    query: z.strictObject({ from: seqText.optional().meta({ description: "The first number to verify; 1: all of it" }) }),
    responses: {
      200: {
        description: "What was verified",
        schema: z.object({
          object: z.literal("audit_verification"),
          whole: z.boolean().meta({ description: "Nothing is broken in what was verified" }),
          broken: z
            .object({
              seq: z.int(),
              event: z.int().nullable(),
              kind: z.enum(["altered_event", "altered_hash", "missing_event", "gap", "passed_by", "altered_head"]),
            })
            .nullable(),
          from: z.int(),
          to: z.int(),
          complete: z.boolean(),
          next_from: z.int().nullable(),
          head: z.object({ seq: z.int(), hash: z.string() }),
          unsealed: unsealedSchema,
          last_check: z
            .object({ seq: z.int(), hash: z.string(), at: z.iso.datetime().nullable() })
            .meta({ description: "The hourly check" }),
        }),
      },
    },
    problems: [],
    async handler({ query }) {
      const check = await readTrailCheck(db);
      const report = await verifyFrom(db, query.from ?? null, check);
      const last_check = { seq: check.seq, hash: check.hash.toString("hex"), at: check.checkedAt };
      return { status: 200, body: { ...reportJson(report), last_check } };
    },
  });
}

async function verifyFrom(db: Database, from: bigint | null, check: { seq: bigint; hash: Buffer }): Promise<ChainReport> {
  if (from === null) return verifyChain(db, { from: check.seq + 1n, expected: check.hash, limit: VERIFY_LIMIT });
  const { head } = await readTrailStatus(db);
  if (from > head.seq + 1n) throw invalidQuery("?from", `must be at most ${head.seq + 1n}, one above the head`);
  return verifyChain(db, { from, limit: VERIFY_LIMIT });
}

function reportJson(report: ChainReport): object {
  const { head, unsealed, broken, from, to, complete } = report;
  return {
    object: "audit_verification",
    whole: broken === null,
    broken: broken && { seq: broken.seq, event: broken.eventId, kind: broken.kind },
    from,
    to,
    complete,
    next_from: complete || broken ? null : to + 1n,
    head: { seq: head.seq, hash: head.hash.toString("hex") },
    unsealed: { count: unsealed.count, oldest_at: unsealed.oldestAt },
  };
}
