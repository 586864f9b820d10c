import { createHash } from "node:crypto";

/**
 * What is hashed of an event: every column but `epoch` and `xid` (they belong to the cluster, not to the event), as a JSON
 * array of strings and nulls, in this order, in UTF-8, without white space, escaped as ECMAScript's JSON.stringify does:
 *
 *   ["17","2026-12-01T00:00:00.123000Z","acct_default","charge.succeeded","system:engine","ch_1","at_1","stripe",
 *    "4200","usd","processing","succeeded","approved","212","{}"]
 *
 * `at` is UTC with microseconds, numbers are decimal, `data` is PostgreSQL's own text of the jsonb value. It is made of text
 * on purpose: a number that passes through a double, or a time through milliseconds, could be altered without being seen.
 */
export type CanonicalEvent = string;

/** The canonical form of a row `e` of `events`. PostgreSQL's array_to_json writes a text[] just so; made there because it is read 100,000s at a time. */
export const CANONICAL_SQL = `array_to_json(array[e.id::text, to_char(e.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), e.account_id, e.type,
  e.actor, e.charge_id, e.attempt_id, e.provider, e.amount::text, e.currency, e.from_status, e.to_status, e.outcome, e.latency_ms::text,
  e.data::text])::text`;

/** sha-256(previous hash || canonical event), 32 bytes. */
export function chainHash(previous: Uint8Array, event: CanonicalEvent): Buffer {
  return createHash("sha256").update(previous).update(event, "utf8").digest();
}

/** The hash before the first event. */
export const GENESIS: Buffer = Buffer.alloc(32);
