import type { Database } from "./database.ts";

/** A change of a provider's gate, or of what operators decided about it. */
export interface ProviderMoment {
  readonly id: bigint;
  readonly provider: string;
  readonly at: Date;
  readonly type: "provider.opened" | "provider.closed" | "override.set" | "override.removed";
  readonly data: Readonly<Record<string, unknown>>;
}

const OF_GATE = "type in ('provider.opened', 'provider.closed')";
const OF_OVERRIDE = "type in ('override.set', 'override.removed')";
const EITHER = "type in ('provider.opened', 'provider.closed', 'override.set', 'override.removed')";

/**
 * What happened to these providers from <= at < to, in order, and before it what was in force at `from`: each one's last change of
 * either kind. Over their own partial index. At most `limit + 1`, the newest.
 */
export async function readProviderHistory(
  db: Pick<Database, "query">,
  by: { providers: readonly string[]; from: Date; to: Date; limit: number },
): Promise<ProviderMoment[]> {
  const before = (kind: string): string => `select e.* from unnest($1::text[]) as p(provider) cross join lateral (
      select id, provider, at, type, data from events e where e.provider = p.provider and e.at < $2 and ${EITHER} and ${kind}
      order by e.at desc, e.id desc limit 1) e`;
  const rows = await db.query<ProviderMoment>({
    name: "provider_history",
    text: `(${before(OF_GATE)}) union all (${before(OF_OVERRIDE)}) union all (
      select e.* from unnest($1::text[]) as p(provider) cross join lateral (
        select id, provider, at, type, data from events e where e.provider = p.provider and e.at >= $2 and e.at < $3 and ${EITHER}
        order by e.at desc, e.id desc limit $4::integer + 1) e
      order by at desc, id desc limit $4::integer + 1)`,
    values: [by.providers, by.from, by.to, by.limit],
  });
  return rows.sort((a, b) => a.at.getTime() - b.at.getTime() || (a.id < b.id ? -1 : 1));
}
