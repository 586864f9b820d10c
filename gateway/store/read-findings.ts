import { type Database, violatedConstraint } from "./database.ts";
import type { FindingKind } from "./findings.ts";

export const FINDING_STATES = ["open", "resolved"] as const;

/** A difference as people read it. */
export interface Finding {
  readonly id: string;
  readonly kind: FindingKind;
  readonly provider: string;
  readonly subject: string;
  readonly charge_id: string | null;
  readonly attempt_id: string | null;
  readonly operation_id: string | null;
  /** Minor units. */
  readonly our_amount: bigint | null;
  readonly their_amount: bigint | null;
  readonly currency: string | null;
  readonly detail: Readonly<Record<string, unknown>>;
  readonly state: (typeof FINDING_STATES)[number];
  readonly owner: string | null;
  readonly note: string | null;
  readonly first_seen_at: Date;
  readonly last_seen_at: Date;
  readonly closed_at: Date | null;
  readonly closed_by: string | null;
}

const COLUMNS = `id, kind, provider, subject, charge_id, attempt_id, operation_id, our_amount, their_amount, currency, detail, state, owner,
  note, first_seen_at, last_seen_at, closed_at, closed_by`;

export interface FindingFilter {
  /** null: of all accounts. */
  readonly accountId: string | null;
  readonly kind: string | null;
  readonly provider: string | null;
  readonly state: string | null;
  readonly owner: string | null;
  readonly charge: string | null;
}

/** Newest first; `after` is the id of the last one seen. */
export function listFindings(
  db: Pick<Database, "query">,
  filter: FindingFilter,
  page: { after: string | null; limit: number },
): Promise<Finding[]> {
  return db.query<Finding>({
    name: "list_findings",
    text: `select ${COLUMNS} from findings
      where ($1::text is null or account_id = $1) and ($2::text is null or kind = $2) and ($3::text is null or provider = $3) and ($4::text is null or state = $4)
        and ($5::text is null or owner = $5) and ($6::text is null or charge_id = $6) and ($7::text is null or id < $7)
      order by id desc limit $8`,
    values: [filter.accountId, filter.kind, filter.provider, filter.state, filter.owner, filter.charge, page.after, page.limit],
  });
}

/** What a person changes of a finding; undefined: left as it is. */
export interface FindingChange {
  readonly owner?: string | null | undefined;
  readonly note?: string | null | undefined;
  readonly state?: Finding["state"] | undefined;
}

/**
 * Changes a finding, with its event: `reconciliation.resolved`, `reconciliation.reopened`, or `reconciliation.changed`. null: there is none.
 * `superseded`: it was to be opened, and the same difference is open in another row.
 */
export async function changeFinding(
  db: Pick<Database, "query">,
  by: { id: string; accountId: string; actor: string; now: Date },
  change: FindingChange,
): Promise<Finding | null | "superseded"> {
  try {
    return (await write(db, by, change))[0] ?? null;
  } catch (error) {
    if (violatedConstraint(error) === "findings_one_open") return "superseded";
    throw error;
  }
}

function write(
  db: Pick<Database, "query">,
  by: { id: string; accountId: string; actor: string; now: Date },
  change: FindingChange,
): Promise<Finding[]> {
  return db.query<Finding>({
    name: "change_finding",
    text: `with before as (
      select id as old_id, state as old_state from findings where id = $1 and account_id = $2 for update
    ), changed as (
      update findings f set
        owner = case when $5 then $6 else owner end,
        note = case when $7 then $8 else note end,
        state = coalesce($9, state),
        closed_at = case coalesce($9, state) when 'open' then null else coalesce(closed_at, $4) end,
        closed_by = case coalesce($9, state) when 'open' then null else coalesce(case when $9::text is null then closed_by end, $3) end
      from before b where f.id = b.old_id returning f.*, b.old_state
    ), told as (
      insert into events (at, account_id, type, actor, charge_id, attempt_id, provider, amount, currency, data)
      select $4, account_id, 'reconciliation.' || case when state = old_state then 'changed' when state = 'open' then 'reopened' else state end,
        $3, charge_id, attempt_id, provider, coalesce(their_amount, our_amount), currency,
        jsonb_build_object('id', id, 'kind', kind, 'subject', subject, 'owner', owner, 'note', note) from changed
    )
    select ${COLUMNS} from changed`,
    values: [
      by.id,
      by.accountId,
      by.actor,
      by.now,
      change.owner !== undefined,
      change.owner ?? null,
      change.note !== undefined,
      change.note ?? null,
      change.state ?? null,
    ],
  });
}
