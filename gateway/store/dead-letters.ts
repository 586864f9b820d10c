import type { Database } from "./database.ts";
import { DELIVERY_MAX_AGE_MS } from "./webhook-deliveries.ts";

export type Reopened = { readonly found: false } | { readonly found: true; readonly wasOpen: boolean };

/**
 * Closes a dead letter as replayed and makes its subject due, with the event, in one statement: a deferred charge or a doubt at
 * its next look, a refund or compensation at its next turn, a webhook in its old place, a job once the event is dispatched. A subject that
 * came to its end meanwhile is left alone.
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
      returning d.id, d.kind, d.charge_id, d.attempt_id, d.operation_id, d.reason, d.data
    ), due as (
      -- the tries of an authorized one say whether its owner was warned
      update charges c set next_action_at = $4, tries = case when c.status = 'authorized' then c.tries else 0 end from closed k
      where k.kind in ('charge', 'doubt') and c.id = k.charge_id
        and c.status in ('deferred', 'in_doubt', 'pending', 'requires_action', 'processing', 'authorized')
    ), looked as (
      -- an authorization that was left in doubt: its charge may be over
      update attempts a set next_look_at = $4 from closed k
      where k.kind = 'doubt' and a.id = k.attempt_id and not a.live and a.outcome = 'unknown'
    ), revived as (
      -- A refund keeps its state: it is looked at, and sent only where it would be without a person. A compensation that failed goes on;
      -- a firm no to the only send ever made is proof, so that the next one is the first again.
      update operations o set next_action_at = $4, tries = 0,
        state = case when k.kind = 'compensation' and o.state = 'failed' then 'processing' else o.state end,
        first_sent_at = case when k.kind = 'compensation' and o.state = 'failed' and not o.ambiguous and o.provider_reference is null
          then null else o.first_sent_at end
      from closed k
      where k.kind in ('refund', 'compensation') and (o.kind = 'refund' or o.state <> 'succeeded') and o.id = coalesce(k.operation_id,
        -- letters of the time before operations were named in them
        (select c.id from operations c where c.attempt_id = k.attempt_id and c.kind = 'compensate'))
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
