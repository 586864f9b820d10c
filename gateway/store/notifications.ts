import { DEFAULT_ACCOUNT } from "./append-event.ts";
import type { Database } from "./database.ts";

// One row for the whole fleet of instances. Nothing is written while nothing changes; what people are told is written as an event in the
// transaction that changes the row, so that it is told once, however many instances see it.

type Writer = Pick<Database, "query">;

export async function readNotifications<State>(db: Writer): Promise<Partial<State>> {
  const rows = await db.query<{ state: Partial<State> }>({ name: "read_notifications", text: "select state from notifications" });
  return stateOf(rows);
}

/** The same, until the end of the transaction nobody else's to change. */
export async function lockNotifications<State>(query: Database["query"]): Promise<Partial<State>> {
  return stateOf(
    await query<{ state: Partial<State> }>({ name: "lock_notifications", text: "select state from notifications for update" }),
  );
}

function stateOf<State>([row]: readonly { state: Partial<State> }[]): Partial<State> {
  if (!row) throw new Error("the table notifications has lost its row");
  return row.state;
}

/** The new state, and an event for each of `told`. */
export async function writeNotifications(
  query: Database["query"],
  state: object,
  told: readonly { readonly type: string; readonly data: object }[],
  now: Date,
): Promise<void> {
  await query({
    name: "write_notifications",
    text: `with changed as (update notifications set state = $1 returning only_row)
      insert into events (at, account_id, type, actor, data)
      select $3, $4, t.one ->> 'type', 'system:notify', t.one -> 'data'
      from changed cross join jsonb_array_elements($2::jsonb) with ordinality as t(one, no) order by t.no`,
    values: [JSON.stringify(state), JSON.stringify(told), now, DEFAULT_ACCOUNT],
  });
}
