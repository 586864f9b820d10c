import type { Charge, ChargeStatus } from "../charges/charge.ts";
import { idFloor } from "../ids.ts";
import type { Database, Statement } from "./database.ts";
import { CHARGE_COLUMNS, type ChargeRow, rowToCharge } from "./read-charges.ts";

export interface ChargeFilter {
  /** Any of them; none: all. */
  readonly statuses?: readonly ChargeStatus[] | undefined;
  /** The provider that has, or last had, the charge. */
  readonly provider?: string | undefined;
  readonly reference?: string | undefined;
  /** Any key that acted on the charge, not only the one that created it. */
  readonly idempotencyKey?: string | undefined;
  /** Inclusive. */
  readonly createdFrom?: Date | undefined;
  /** Exclusive. */
  readonly createdBefore?: Date | undefined;
  /** An id or reference of the charge, of an attempt or of a refund of it, ours or the provider's. */
  readonly search?: string | undefined;
}

/** Charges that one search finds at most, each way: of one reference there may be many. */
const MAX_FOUND = 200;
/** An id is made a moment before its charge's time is taken, perhaps by another clock. */
const ID_SLACK_MS = 10_000;

interface Query {
  readonly accountId: string;
  readonly filter: ChargeFilter;
  readonly after?: string | undefined;
  readonly limit: number;
}

/** Newest first; `after` is the id of the last one seen. */
export async function listCharges(db: Pick<Database, "query">, by: Query): Promise<Charge[]> {
  const rows = await db.query<ChargeRow>(listStatement(by));
  return rows.map(rowToCharge);
}

/**
 * Only the conditions that are asked for, so that each shape is planned for itself. First the ids, each status for itself, so that every
 * shape walks an index in the order of the page and stops after it.
 */
export function listStatement({ accountId, filter, after, limit }: Query): Statement {
  const values: unknown[] = [accountId, limit];
  const where = ["c.account_id = $1"];
  const add = (value: unknown, condition: (parameter: string) => string): void => {
    if (value === undefined) return;
    values.push(value);
    where.push(condition(`$${values.length}`));
  };
  const { createdFrom, createdBefore } = filter;
  add(after, (p) => `c.id < ${p}`);
  add(filter.provider, (p) => `c.provider = ${p}`);
  add(filter.reference, (p) => `c.reference = ${p}`);
  add(filter.idempotencyKey, (p) => `c.id = (select k.charge_id from idempotency_keys k where k.account_id = $1 and k.key = ${p})`);
  add(createdFrom, (p) => `c.created_at >= ${p}`);
  add(createdFrom && idFloor("ch", createdFrom.getTime() - ID_SLACK_MS), (p) => `c.id >= ${p}`);
  add(createdBefore, (p) => `c.created_at < ${p}`);
  add(createdBefore && idFloor("ch", createdBefore.getTime() + ID_SLACK_MS), (p) => `c.id < ${p}`);
  add(filter.search, (p) => `c.id = any(array(${found(p)}))`);
  const ids = (condition: string) =>
    `(select c.id from charges c where ${[...where, condition].join(" and ")} order by c.id desc limit $2)`;
  const statuses = [...new Set(filter.statuses ?? [])].sort();
  const parts = statuses.length === 0 ? [ids("true")] : statuses.map((status) => ids(ofStatus(status)));
  return {
    name: "list_charges",
    unprepared: true,
    text: `select ${CHARGE_COLUMNS} from charges c where c.id = any(array(
      select id from (${parts.join(" union all ")}) page order by id desc limit $2)) order by c.id desc`,
    values,
  };
}

/** Literal, so that the planner knows the partial indexes that hold it. What is under way has its next action, by a constraint. */
function ofStatus(status: ChargeStatus): string {
  return status === "processing" ? "c.status = 'processing' and c.next_action_at is not null" : `c.status = '${status}'`;
}

/** Ids of charges that this is an id or a reference of; each way by an index. */
function found(p: string): string {
  const ways = [
    `select ${p}::text as id`,
    `select charge_id from attempts where id = ${p}`,
    `select id from charges where reference = ${p} and account_id = $1 order by id desc limit ${MAX_FOUND}`,
    `select charge_id from attempts where provider = any(array(select provider from provider_accounts)) and provider_reference = ${p} limit ${MAX_FOUND}`,
    `select charge_id from attempts where provider = any(array(select provider from provider_accounts)) and object = ${p} limit ${MAX_FOUND}`,
    `select charge_id from operations where id = ${p}`,
    `select charge_id from operations where provider_reference = ${p} limit ${MAX_FOUND}`,
    `select charge_id from idempotency_keys where account_id = $1 and key = ${p}`,
  ];
  return ways.map((way) => `(${way})`).join(" union all ");
}
