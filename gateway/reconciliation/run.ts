import { forgetProgress, readProgress } from "../store/reconciliation-records.ts";
import { claimRun, endRun, forgetRecords } from "../store/reconciliation-runs.ts";
import { compareProvider } from "./compare.ts";
import { KEEP_RECORDS_MS, type Parts, RUN_LEASE_MS, STALE_READ_MS } from "./parts.ts";
import { CannotRead, readRecords } from "./read-records.ts";
import { RunLost, Session } from "./session.ts";

/** What a run came to. `busy`: finished before, or somebody is at it. */
export type RunEnd =
  | { readonly kind: "finished"; readonly report: Readonly<Record<string, unknown>> }
  | { readonly kind: "failed"; readonly error: string; readonly report: Readonly<Record<string, unknown>> }
  | { readonly kind: "busy" };

type ProviderReport = { readonly state: "compared" | "failed" | "no_list"; readonly reason?: string };

/**
 * One run, anew or from where it stopped:
 *
 *     read every provider's lists  ->  compare those that were read to the end  ->  report
 *
 * A provider that cannot be read fails the run, visibly, and yields no finding: what was not seen is not missing. Comparing again finds
 * the same again, so a crash costs time and nothing else.
 */
export async function reconcile(parts: Parts, runId: string): Promise<RunEnd> {
  const { db, clock, log } = parts;
  const now = clock.now();
  const run = await claimRun(db, { id: runId, now: new Date(now), until: new Date(now + RUN_LEASE_MS) });
  if (!run) return { kind: "busy" };
  const session = new Session(parts, run);
  try {
    if (run.left_at && now - run.left_at.getTime() > STALE_READ_MS) await forgetProgress(db, run.id);
    const providers = await readAll(session);
    for (const [provider, account] of session.compared)
      await compareProvider(session, { runId: run.id, provider, account, from: run.from_at, to: run.to_at });
    const failed = Object.entries(providers).filter(([, { state }]) => state === "failed");
    const error = failed.length === 0 ? null : failed.map(([id, { reason }]) => `${id}: ${reason}`).join("; ");
    return await end(session, providers, error);
  } catch (error) {
    if (error instanceof RunLost) {
      log.warn({ run: run.id }, "a reconciliation was taken over");
      return { kind: "busy" };
    }
    await end(session, {}, error instanceof Error ? error.message : String(error)).catch(() => {});
    throw error;
  }
}

async function readAll(session: Session): Promise<Record<string, ProviderReport>> {
  const { parts, run } = session;
  const progress = await readProgress(parts.db, run.id);
  const ids = run.provider === null ? [...parts.providers.keys()] : [run.provider];
  const reports = await Promise.all(ids.map(async (id) => [id, await readOne(session, id, progress)] as const));
  return Object.fromEntries(reports);
}

async function readOne(session: Session, id: string, progress: Awaited<ReturnType<typeof readProgress>>): Promise<ProviderReport> {
  const { parts, run } = session;
  const provider = parts.providers.get(id);
  if (!provider) return { state: "failed", reason: "it is not configured" };
  if (!provider.records && run.provider === null) return { state: "no_list", reason: "this processor has no list of its payments" };
  const account = parts.accountOf(id);
  if (account === null) return { state: "failed", reason: "its account is not verified" };
  try {
    await readRecords(session, provider, account, progress);
    session.compared.set(id, account);
    return { state: "compared" };
  } catch (error) {
    if (!(error instanceof CannotRead)) throw error;
    return { state: "failed", reason: error.message };
  }
}

async function end(session: Session, providers: Record<string, ProviderReport>, error: string | null): Promise<RunEnd> {
  const { db, clock, log } = session.parts;
  const records = (await readProgress(db, session.run.id)).map(({ provider, what, records }) => [`${provider}.${what}`, Number(records)]);
  const report = { ...session.report(providers), records: Object.fromEntries(records) };
  const now = new Date(clock.now());
  if (!(await endRun(db, session.lease, { now, report, error }))) throw new RunLost(`the run ${session.run.id} was taken over`);
  log[error === null ? "info" : "error"]({ run: session.run.id, error, ...report }, "reconciliation ended");
  if (error !== null) return { kind: "failed", error, report };
  while (await forgetRecords(db, new Date(now.getTime() - KEEP_RECORDS_MS)));
  return { kind: "finished", report };
}
