import type { RoutingRules } from "../../routing/rules.ts";
import type { Database } from "./database.ts";

/** One version of the rules, as it was set. Versions count from 1 and are never changed. */
export interface RulesVersion {
  readonly version: number;
  readonly rules: RoutingRules;
  /** Who set them, as in events. */
  readonly actor: string;
  readonly comment: string | null;
  readonly createdAt: Date;
}

export interface RulesChange {
  /** The version that they replace; 0: none yet. */
  readonly replaces: number;
  readonly rules: RoutingRules;
  readonly comment: string | null;
  /** Of the operator's key: the event belongs to it. */
  readonly accountId: string;
  readonly actor: string;
  readonly now: Date;
}

interface Row {
  readonly version: number;
  readonly rules: RoutingRules;
  readonly actor: string;
  readonly comment: string | null;
  readonly created_at: Date;
}

const COLUMNS = "version, rules, actor, comment, created_at";

/**
 * Writes the next version with its event; null: `replaces` is not the current one (any more). The event has the rules'
 * digest, which ties the table to the sealed trail.
 */
export async function setRoutingRules(db: Database, change: RulesChange): Promise<RulesVersion | null> {
  const rows = await db.query<Row>({
    name: "set_routing_rules",
    text: `with written as (
        insert into routing_rules (version, rules, actor, comment, created_at)
        select $1::integer + 1, $2::jsonb, $3, $4, $5
        where $1 = (select coalesce(max(version), 0) from routing_rules)
        on conflict (version) do nothing
        returning *
      ), event as (
        insert into events (at, account_id, type, actor, data)
        select $5, $6, 'routing.rules_set', $3, jsonb_build_object('version', version, 'comment', comment,
          'sha256', encode(sha256(convert_to(rules::text, 'UTF8')), 'hex'))
        from written
      )
      select ${COLUMNS} from written`,
    values: [change.replaces, JSON.stringify(change.rules), change.actor, change.comment, change.now, change.accountId],
  });
  return rows[0] ? toVersion(rows[0]) : null;
}

/** The version in force, or that of a number; null: there is none. */
export async function readRoutingRules(db: Database, version: number | null): Promise<RulesVersion | null> {
  const rows = await db.query<Row>({
    name: "read_routing_rules",
    text: `select ${COLUMNS} from routing_rules where $1::integer is null or version = $1 order by version desc limit 1`,
    values: [version],
  });
  return rows[0] ? toVersion(rows[0]) : null;
}

/** Newest first, those before `before`. */
export async function listRoutingRules(db: Database, page: { before: number | null; limit: number }): Promise<RulesVersion[]> {
  const rows = await db.query<Row>({
    name: "list_routing_rules",
    text: `select ${COLUMNS} from routing_rules where $1::integer is null or version < $1 order by version desc limit $2`,
    values: [page.before, page.limit],
  });
  return rows.map(toVersion);
}

/** The number of the version in force: what a poll asks for, because rules may be large. */
export async function currentRulesVersion(db: Database): Promise<number> {
  const rows = await db.query<{ version: number }>({
    name: "current_rules_version",
    text: "select coalesce(max(version), 0) as version from routing_rules",
  });
  return rows[0]!.version;
}

function toVersion(row: Row): RulesVersion {
  const { version, rules, actor, comment } = row;
  return { version, rules, actor, comment, createdAt: row.created_at };
}
