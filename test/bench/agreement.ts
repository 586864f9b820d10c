import { setTimeout as sleep } from "node:timers/promises";
import type { Tally } from "./measure.ts";
import type { World } from "./world.ts";

const SEALED_WITHIN_MS = 20_000;

/** Who was asked, and what they say: charges that succeeded, and their sum in minor units. */
export interface Account {
  readonly who: string;
  readonly charges: number;
  readonly amount: number;
}

export interface Agreement {
  readonly accounts: readonly Account[];
  /** What is wrong; empty: all agree. */
  readonly faults: readonly string[];
}

interface LedgerReport {
  readonly movements: readonly { readonly type: string; readonly chargeId: string; readonly amount: number }[];
}

interface StatsReport {
  readonly data: readonly Readonly<Record<"charges_succeeded" | "amount_succeeded" | "attempts" | "approved", number>>[];
}

interface VerifyReport {
  readonly whole: boolean;
  readonly unsealed: { readonly count: number };
  readonly complete: boolean;
  readonly next_from: number | null;
}

/** A benchmark of wrong answers is worth nothing: caller, charges, statistics and the processor's ledger must agree to the cent. */
export async function checkAgreement(world: World, tally: Tally): Promise<Agreement> {
  const faults: string[] = Object.entries(tally.wrong).map(([what, count]) => `${count} times: ${what}`);
  const rows = await world.database.charges();
  for (const { status, count } of rows) if (status !== "succeeded") faults.push(`${count} charges are ${status}`);
  const { data } = await ask<StatsReport>(world, "/v1/routing/stats?group_by=currency");
  const { movements } = await read<LedgerReport>(`${world.sandboxUrl}/ledger`);
  const captures = movements.filter(({ type, chargeId }) => type === "capture" && chargeId.startsWith("ch_"));
  const twice = captures.length - new Set(captures.map(({ chargeId }) => chargeId)).size;
  if (twice > 0) faults.push(`${twice} charges were captured more than once`);

  const accounts: Account[] = [
    { who: "the caller was told", charges: tally.succeeded, amount: tally.amount },
    { who: "charges hold", charges: sum(rows, "count"), amount: sum(rows, "captured") },
    { who: "statistics count", charges: sum(data, "charges_succeeded"), amount: sum(data, "amount_succeeded") },
    { who: "the processor captured", charges: captures.length, amount: sum(captures, "amount") },
  ];
  const [first, ...others] = accounts as [Account, ...Account[]];
  for (const { who, charges, amount } of others)
    if (charges !== first.charges || amount !== first.amount)
      faults.push(`${who} ${charges} charges of ${amount}, but ${first.who} ${first.charges} of ${first.amount}`);
  const attempts = sum(data, "attempts");
  if (attempts !== first.charges) faults.push(`${attempts} attempts for ${first.charges} charges`);
  if (!(await isTrailWhole(world))) faults.push("the audit trail's chain is broken, or was not sealed in time");
  return { accounts, faults };
}

/** Verifies the whole chain, once everything is sealed. */
async function isTrailWhole(world: World): Promise<boolean> {
  const verify = (from: number): Promise<VerifyReport> => ask(world, `/v1/audit/verify?from=${from}`);
  for (const end = performance.now() + SEALED_WITHIN_MS; (await verify(1)).unsealed.count > 0; await sleep(200)) {
    if (performance.now() > end) return false;
  }
  let report = await verify(1);
  while (report.whole && report.next_from !== null) report = await verify(report.next_from);
  return report.whole && report.complete;
}

function sum<Key extends string>(rows: readonly Readonly<Record<Key, number>>[], key: Key): number {
  return rows.reduce((total, row) => total + row[key], 0);
}

function ask<T>(world: World, path: string): Promise<T> {
  return read(`${world.gateway.url}${path}`, { Authorization: `Bearer ${world.adminKey}` });
}

async function read<T>(url: string, headers: Record<string, string> = {}): Promise<T> {
  const response = await fetch(url, { headers });
  if (response.status !== 200) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as T;
}
