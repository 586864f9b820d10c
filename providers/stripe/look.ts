import type { Finding } from "../contract/outcome.ts";
import { type AttemptRequest, type LookupQuery, stepKey } from "../contract/provider.ts";
import { type Ask, unknown } from "./answer.ts";
import { type Expected, expectedOf, findingOf, mismatch } from "./judge.ts";
import { createParams } from "./request.ts";
import { findByAttempt } from "./search.ts";

/** The PaymentIntent as it is now, with its charge: that one says until when a hold stands. */
export async function look(ask: Ask, object: string, expected: Expected): Promise<Finding> {
  const answer = await ask((stripe) => stripe.paymentIntents.retrieve(object, { expand: ["latest_charge"] }));
  if (answer.kind === "ok") return findingOf(answer.body, expected);
  return unknown(answer.kind === "nothing" && answer.cause !== "gate_closed" ? answer.cause : "unexpected", `lookup: ${answer.detail}`);
}

/** `learned` is told the object as soon as it is known: a deadline keeps it. */
export async function lookup(
  ask: Ask,
  query: LookupQuery,
  learned: (object: string) => void,
): Promise<{ object: string | null; finding: Finding }> {
  let { object } = query;
  if (object === null && query.replayPrepare) {
    const created = await replayPrepare(ask, query.request);
    if (created === "stored_failure") return { object, finding: { kind: "fenced", object: "none", decline: null } };
    object = created;
  }
  object ??= await findByAttempt(ask, query.request);
  if (object === null) return { object, finding: unknown("unexpected", "not found, which proves nothing") };
  learned(object);
  return { object, finding: await look(ask, object, { ...expectedOf(query.request), object }) };
}

/**
 * The id only: the body is the stored answer to the first create, hours old perhaps. A stored 5xx is proof: under this key nobody was
 * ever told an id, so nobody can have confirmed it, and nobody ever will.
 */
async function replayPrepare(ask: Ask, request: AttemptRequest): Promise<string | "stored_failure" | null> {
  const body = createParams(request);
  if ("problem" in body) return null;
  const answer = await ask((stripe) =>
    stripe.paymentIntents.create(body.params, { idempotencyKey: stepKey(request.attemptId, "prepare") }),
  );
  if (answer.kind === "error" && answer.replayed && answer.status >= 500) return "stored_failure";
  return answer.kind === "ok" && mismatch(answer.body, expectedOf(request)) === null ? (answer.body.id as string) : null;
}
