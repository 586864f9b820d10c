import { z } from "zod";
import type { ChargeService } from "../charges/service.ts";
import { Problem } from "../problems.ts";
import type { Database } from "../store/database.ts";
import { DEAD_LETTER_KINDS, DEAD_LETTER_STATES, type DeadLetter, listDeadLetters, readDeadLetter } from "../store/read-dead-letters.ts";
import { pageJson, pageQuery, pageSchema } from "./list-page.ts";
import { type Route, route } from "./route.ts";

export interface DeadLetterRouteDeps {
  readonly db: Database;
  readonly charges: Pick<ChargeService, "replayDeadLetter">;
}

const deadLetterSchema = z
  .object({
    id: z.string(),
    object: z.literal("dead_letter"),
    kind: z.enum(DEAD_LETTER_KINDS),
    state: z.enum(DEAD_LETTER_STATES),
    charge: z.string().nullable(),
    attempt: z.string().nullable(),
    operation: z.string().nullable().meta({ description: "A refund (`re_`), or what sends a late success back (`op_`)" }),
    reason: z.string(),
    data: z.record(z.string(), z.unknown()),
    created_at: z.iso.datetime(),
    closed_at: z.iso.datetime().nullable(),
    closed_by: z.string().nullable(),
  })
  .meta({ id: "DeadLetter" });

export function deadLetterRoutes(deps: DeadLetterRouteDeps): Route[] {
  return [listRoute(deps), replayRoute(deps)];
}

function listRoute({ db }: DeadLetterRouteDeps): Route {
  return route({
    method: "get",
    path: "/v1/dead-letters",
    roles: ["ops"],
    summary: "What the machine gave up on, newest first",
    description: "The thing itself keeps its state: a charge stays deferred or in doubt until somebody replays or settles it.",
    query: z.strictObject({ ...pageQuery, state: z.enum(DEAD_LETTER_STATES).optional(), kind: z.enum(DEAD_LETTER_KINDS).optional() }),
    responses: { 200: { description: "A page", schema: pageSchema(deadLetterSchema) } },
    problems: [],
    async handler({ principal, query }) {
      const rows = await listDeadLetters(db, {
        accountId: principal.accountId,
        state: query.state ?? null,
        kind: query.kind ?? null,
        after: query.starting_after ?? null,
        limit: query.limit + 1,
      });
      return { status: 200, body: pageJson(rows, query.limit, deadLetterJson, (letter) => letter.id) };
    },
  });
}

function replayRoute({ db, charges }: DeadLetterRouteDeps): Route {
  return route({
    method: "post",
    path: "/v1/dead-letters/{id}/replay",
    roles: ["ops"],
    summary: "Put it back to work",
    description: "The thing is taken up where it stood; nothing is sent twice. Repeating it on a replayed one is 409.",
    params: z.object({ id: z.string().max(100) }),
    responses: { 200: { description: "The dead letter as it is now", schema: deadLetterSchema } },
    problems: ["dead_letter_closed"],
    async handler({ principal, params }) {
      const by = { accountId: principal.accountId, id: params.id };
      await charges.replayDeadLetter({ ...by, actor: principal.actor });
      const letter = await readDeadLetter(db, by);
      if (letter === null) throw new Problem("not_found", "There is no such dead letter.");
      return { status: 200, body: deadLetterJson(letter), ...(letter.charge_id === null ? {} : { chargeId: letter.charge_id }) };
    },
  });
}

function deadLetterJson(letter: DeadLetter): object {
  return {
    id: letter.id,
    object: "dead_letter",
    kind: letter.kind,
    state: letter.state,
    charge: letter.charge_id,
    attempt: letter.attempt_id,
    operation: letter.operation_id,
    reason: letter.reason,
    data: letter.data,
    created_at: letter.created_at,
    closed_at: letter.closed_at,
    closed_by: letter.closed_by,
  };
}
