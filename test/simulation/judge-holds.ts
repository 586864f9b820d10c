import type { Evidence } from "./judge.ts";

/** What a processor holds now and has not taken. */
export interface Hold {
  readonly chargeId: string;
  readonly attemptId: string;
  readonly psp: string;
  readonly amount: bigint;
}

interface Row {
  readonly id: string;
  readonly status: string;
  readonly live: string | null;
  readonly letters: number;
}

/**
 * No hold is forgotten: what is still held belongs to an authorized charge, or is before a person. And what was begun at a hold has come
 * to an end, as has every refund. `holds`: those that the gateway had the time to see; `begunBefore`, `refundedBefore`: of operations that
 * had the time to end.
 */
export async function judgeHolds(
  evidence: Pick<Evidence, "query" | "violate" | "isExcused">,
  holds: readonly Hold[],
  begunBefore: Date,
  refundedBefore: Date,
): Promise<void> {
  const rows = await evidence.query<Row>({
    name: "simulation_holders",
    text: `select c.id, c.status, (select a.id from attempts a where a.charge_id = c.id and a.live) as live,
      (select count(*)::int from dead_letters d where d.charge_id = c.id and d.state = 'open') as letters
      from charges c order by c.id`,
  });
  const byId = new Map(rows.map((row) => [row.id, row]));
  for (const { chargeId, attemptId, psp, amount } of holds) {
    const charge = byId.get(chargeId);
    const own = charge?.status === "authorized" && charge.live === attemptId;
    if (own || (charge?.letters ?? 0) > 0 || evidence.isExcused?.(chargeId)) continue;
    const detail = `${psp} holds ${amount} for ${attemptId}, which is forgotten: ${chargeId} is ${charge?.status ?? "nowhere"}`;
    evidence.violate("no hold is forgotten", detail, [chargeId, attemptId]);
  }
  const open = await evidence.query<{ id: string; kind: string; state: string; charge_id: string }>({
    name: "simulation_open_acts",
    text: `select o.id, o.kind, o.state, o.charge_id from operations o where o.state not in ('succeeded', 'failed') and o.created_at <= case when o.kind in ('capture', 'void') then $1::timestamptz else $2 end
      and not exists (select from dead_letters d where d.charge_id = o.charge_id and d.state = 'open') order by o.id`,
    values: [begunBefore, refundedBefore],
  });
  for (const { id, kind, state, charge_id } of open) {
    if (state === "pending" && kind === "capture" && byId.get(charge_id)?.status === "pending") continue;
    evidence.violate("law 9", `the ${kind} ${id} of ${charge_id} is still ${state} when its time is over`, [charge_id]);
  }
}
