import { auditRoutes } from "../../../gateway/http/audit-routes.ts";
import { chargeReadRoutes } from "../../../gateway/http/charge-read-routes.ts";
import { deadLetterRoutes } from "../../../gateway/http/dead-letter-routes.ts";
import { disputeRoutes } from "../../../gateway/http/dispute-routes.ts";
import { reconciliationRoutes } from "../../../gateway/http/reconciliation-routes.ts";
import type { Route } from "../../../gateway/http/route.ts";
import { routingViewRoutes } from "../../../gateway/http/routing-view-routes.ts";
import { statsRoutes } from "../../../gateway/http/stats-routes.ts";
import { idFloor } from "../../../gateway/ids.ts";
import type { Database } from "../../../gateway/store/database.ts";

/** One request of a page. */
export interface PageRequest {
  readonly page: string;
  readonly path: string;
}

/** The console's reads, over a given database. */
export function consoleReads(db: Database, now: Date): Route[] {
  const clock = { now: () => now.getTime() };
  const refuse = async (): Promise<never> => {
    throw new Error("this only reads");
  };
  return [
    ...chargeReadRoutes({ db }),
    ...statsRoutes({ reports: db, clock, feesOf: () => ({ percent: 2.9, fixed: 30 }) }),
    ...routingViewRoutes({ db, reports: db, providers: ["stripe", "paypal"], fleet: { status: () => [] }, clock }),
    ...deadLetterRoutes({ db, charges: { replayDeadLetter: refuse } }),
    ...disputeRoutes({ db }),
    ...reconciliationRoutes({ db, clock, newId: (prefix) => `${prefix}_x`, providers: ["stripe", "paypal"] }),
    ...auditRoutes({ db }),
  ];
}

/** A charge that is there, and what it is known by. */
export interface Sample {
  readonly id: string;
  readonly reference: string;
  readonly providerReference: string;
  readonly attempt: string;
}

/** One of the succeeded, by no means a special one. */
export async function sampleCharge(db: Database): Promise<Sample> {
  const rows = await db.query<Sample>({
    name: "sample_charge",
    text: `select c.id, c.reference, c.provider_reference as "providerReference", a.id as attempt from charges c join attempts a on a.charge_id = c.id
      where c.status = 'succeeded' order by c.id offset 1000 limit 1`,
  });
  return rows[0] as Sample;
}

/** What each page asks, and what is hardest about it: rare filters, deep pages, long times. */
export function pageRequests(now: Date, days: number, sample: Sample): PageRequest[] {
  const ago = (count: number): string => new Date(now.getTime() - count * 86_400_000).toISOString();
  const to = now.toISOString();
  const deep = idFloor("ch", now.getTime() - (days / 2) * 86_400_000);
  const requests: readonly (readonly [page: string, path: string])[] = [
    ["overview", `/v1/routing/stats?group_by=provider,currency,interval&interval=minute&from=${ago(0.25)}&to=${to}`],
    ["overview", `/v1/routing/stats?group_by=provider,currency,interval&interval=hour&from=${ago(1)}&to=${to}`],
    ["overview", `/v1/routing/bands?from=${ago(1)}&to=${to}`],
    ["overview", "/v1/routing/queue"],
    ["providers", `/v1/routing/stats?group_by=provider,currency,interval&interval=hour&from=${ago(7)}&to=${to}`],
    ["providers", `/v1/routing/stats?group_by=provider,brand,country&from=${ago(days)}&to=${to}`],
    ["routing", `/v1/routing/stats?group_by=provider,currency,interval&interval=day&from=${ago(days)}&to=${to}`],
    ["routing", `/v1/routing/stats?group_by=provider,currency,brand&from=${ago(days)}&to=${to}`],
    ["routing", `/v1/routing/stats?group_by=provider,currency,country&from=${ago(days)}&to=${to}`],
    ["routing", `/v1/routing/flow?by=brand&from=${ago(days)}&to=${to}`],
    ["routing", `/v1/routing/flow?by=country&from=${ago(days)}&to=${to}`],
    ["routing", `/v1/routing/bands?from=${ago(days)}&to=${to}`],
    ["charges", "/v1/charges?limit=50"],
    ["charges", `/v1/charges?limit=50&starting_after=${deep}`],
    ["charges", "/v1/charges?limit=50&status=failed"],
    ["charges", "/v1/charges?limit=50&status=processing"],
    ["charges", "/v1/charges?limit=50&status=pending,requires_action,in_doubt"],
    ["charges", "/v1/charges?limit=50&provider=paypal&status=failed"],
    ["charges", "/v1/charges?limit=50&provider=nobody"],
    ["charges", `/v1/charges?limit=50&status=succeeded&created_from=${ago(days * 0.7)}&created_before=${ago(days * 0.6)}`],
    ["charges", `/v1/charges?limit=50&status=processing&created_from=${ago(days)}&created_before=${to}`],
    ...Object.values(sample).map((q): [string, string] => ["charges", `/v1/charges?limit=50&q=${q}`]),
    ["charges", "/v1/charges?limit=50&q=nothing-of-ours"],
    ["one charge", `/v1/charges/${sample.id}`],
    ["queue", "/v1/routing/queue"],
    ["queue", "/v1/charges?limit=100&status=deferred"],
    ["queue", "/v1/charges?limit=100&status=in_doubt"],
    ["queue", "/v1/dead-letters?state=open&limit=100"],
    ["queue", "/v1/dead-letters?limit=100"],
    ["reconciliation", "/v1/reconciliation?limit=50"],
    ["reconciliation", "/v1/disputes?limit=50"],
    ["audit", "/v1/audit?limit=50&unsealed=true"],
    ["audit", "/v1/audit?limit=50&type=override.set"],
    ["audit", `/v1/audit?limit=50&charge=${sample.id}`],
    ["audit", `/v1/audit?limit=50&from=${ago(days / 2)}&to=${ago(days / 2 - 1)}`],
  ];
  return requests.map(([page, path]) => ({ page, path }));
}
