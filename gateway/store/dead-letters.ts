import type { Database } from "./database.ts";
import { DELIVERY_MAX_AGE_MS } from "./webhook-deliveries.ts";

export type Reopened = { readonly found: false } | { readonly found: true; readonly wasOpen: boolean };

/**
 * Closes a dead letter as replayed and makes its subject due, with the event, in one statement: a deferred charge or a doubt at
 * its next look, a compensation with its old key, a webhook in its old place, a job once the event is dispatched. A subject that came to
 * its end meanwhile is left alone.
 */
export async function reopenDeadLetter(
  db: Pick<Database, "query">,
  by: { accountId: string; id: string; actor: string; now: Date },
): Promise<Reopened> {
  const rows = await db.query<{ state: string }>({
    name: "reopen_dead_letter",
    // The charge is locked before its letter, as by every other writer.
    text: `with subject as (
      select c.id from charges c where c.id = (select charge_id from dead_letters where id = $1 and account_id = $2) for update
    ), letter as (
      select * from dead_letters where id = $1 and account_id = $2 and (select count(*) from subject) >= 0 for update
    ), closed as (
      update dead_letters d set state = 'replayed', closed_at = $4, closed_by = $3 from letter l where d.id = l.id and l.state = 'open'
      returning d.id, d.kind, d.charge_id, d.attempt_id, d.reason, d.data
    ), due as (
      update charges c set next_action_at = $4, tries = 0 from closed k
      where k.kind in ('charge', 'doubt') and c.id = k.charge_id
        and c.status in ('deferred', 'in_doubt', 'pending', 'requires_action', 'processing')
    ), revived as (
      update operations o set state = 'processing', next_action_at = $4, tries = 0, updated_at = $4 from closed k
      where k.kind = 'compensation' and o.kind = 'compensate' and o.attempt_id = k.attempt_id and o.state = 'failed'
    ), redelivered as (
      update webhook_deliveries w set state = 'pending', closed_at = null, next_try_at = $4, tries = 0,
        expires_at = $4::timestamptz + interval '${DELIVERY_MAX_AGE_MS} milliseconds' from closed k
      where k.kind = 'webhook' and w.id = k.data ->> 'delivery' and w.state = 'dead'
    ), told as (
      insert into events (at, account_id, type, actor, charge_id, attempt_id, data)
      select $4, $2, 'dead_letter.replayed', $3, charge_id, attempt_id, jsonb_build_object('id', id, 'kind', kind, 'reason', reason) from closed
    )
    select state from letter`,
    values: [by.id, by.accountId, by.actor, by.now],
  });
  const row = rows[0];
  return row ? { found: true, wasOpen: row.state === "open" } : { found: false };
}
