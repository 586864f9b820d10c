import type { Database } from "./database.ts";

/**
 * Tells of methods that expire in the month of `now` (UTC), each once for one expiry, at most `limit`; how many it were. One that is
 * being changed at this moment is left to the next run.
 */
export async function tellExpiring(db: Pick<Database, "query">, now: Date, limit: number): Promise<number> {
  const rows = await db.query({
    name: "tell_expiring_methods",
    text: `with due as (
        select id from payment_methods
        where exp_year = $2 and exp_month = $3 and deleted_at is null and not expiry_told
        order by id limit $4 for update skip locked
      ), marked as (
        update payment_methods m set expiry_told = true from due d where m.id = d.id
        returning m.id, m.account_id, m.exp_month, m.exp_year
      ), told as (
        insert into events (at, account_id, type, actor, data)
        select $1, account_id, 'payment_method.expiring', 'system:worker',
          jsonb_build_object('payment_method', id, 'exp_month', exp_month, 'exp_year', exp_year)
        from marked
      )
      select id from marked`,
    values: [now, now.getUTCFullYear(), now.getUTCMonth() + 1, limit],
  });
  return rows.length;
}
