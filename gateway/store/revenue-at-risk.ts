import type { Database } from "./database.ts";

/** Charges of an account that are not collected, or not known to be, in one currency. */
export interface RiskSum {
  readonly status: "deferred" | "in_doubt";
  readonly currency: string;
  readonly count: bigint;
  /** Minor units. */
  readonly amount: bigint;
  readonly oldest: Date;
}

/** Over two partial indexes: its cost is that of those charges, not of all. */
export function readRevenueAtRisk(query: Database["query"], accountId: string): Promise<RiskSum[]> {
  const sums = (status: RiskSum["status"]) =>
    `select '${status}' as status, currency, count(*) as count, sum(amount)::bigint as amount, min(created_at) as oldest
      from charges where status = '${status}' and account_id = $1 group by currency`;
  return query<RiskSum>({
    name: "revenue_at_risk",
    text: `${sums("deferred")} union all ${sums("in_doubt")} order by status, currency`,
    values: [accountId],
  });
}

/** When the oldest of them was accepted; null: there is none. Two index probes, whatever waits there. */
export async function oldestAtRisk(query: Database["query"]): Promise<{ readonly deferred: Date | null; readonly inDoubt: Date | null }> {
  const oldest = (status: RiskSum["status"]) => `(select created_at from charges where status = '${status}' order by created_at limit 1)`;
  const rows = await query<{ deferred: Date | null; in_doubt: Date | null }>({
    name: "oldest_at_risk",
    text: `select ${oldest("deferred")} as deferred, ${oldest("in_doubt")} as in_doubt`,
  });
  return { deferred: rows[0]?.deferred ?? null, inDoubt: rows[0]?.in_doubt ?? null };
}
