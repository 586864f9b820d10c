import type { Parts } from "../reconciliation/parts.ts";
import { reconcile } from "../reconciliation/run.ts";
import { DEFAULT_ACCOUNT } from "../store/append-event.ts";
import { RECONCILIATION } from "../store/findings.ts";
import { readInstallation } from "../store/installation.ts";
import { ensureDailyRun, type Run, readRun } from "../store/reconciliation-runs.ts";
import type { JobKind } from "./job-kind.ts";

const DAY_S = 86_400;
const DAY_MS = DAY_S * 1_000;
/** Each day is compared three times: what a provider told late, or what was settled late, is seen by the next run. */
const DAYS = 3;

/** The comparison of the last days, daily, and those that somebody asked for. A try goes on where the one before stopped. */
export function reconciliationKind(parts: Parts): JobKind {
  return {
    name: "reconciliation.run",
    feed: { types: ["reconciliation.requested"], toJob: (event) => ({ data: { run: event.data.run, account: event.account_id } }) },
    // Yesterday is complete in every provider's list by then.
    schedule: { cron: "30 4 * * *", everyS: DAY_S },
    retries: 6,
    retryDelayS: 300,
    expireS: 4 * 3_600,
    pollS: 15,
    batch: 1,
    async run(jobs) {
      for (const { run } of jobs) await runOne(parts, typeof run === "string" ? run : null);
    },
  };
}

async function runOne(parts: Parts, asked: string | null): Promise<void> {
  const run = asked === null ? await dailyRun(parts) : await readRun(parts.db, { id: asked, accountId: null });
  if (!run || run.state === "finished") return;
  const ended = await reconcile(parts, run.id);
  if (ended.kind === "failed") throw new Error(`the run ${run.id} failed: ${ended.error}`);
  if (ended.kind === "busy" && (await readRun(parts.db, { id: run.id, accountId: null }))?.state !== "finished")
    throw new Error(`somebody is at the run ${run.id}`);
}

/** Up to the last midnight (UTC); nothing from before this installation's first day, when the providers' money was not ours to know. */
export async function dailyRun(parts: Pick<Parts, "db" | "clock" | "newId">): Promise<Run | null> {
  const now = parts.clock.now();
  const installation = await readInstallation(parts.db);
  const toMs = Math.floor(now / DAY_MS) * DAY_MS;
  const fromMs = Math.max(toMs - DAYS * DAY_MS, installation?.created_at.getTime() ?? toMs);
  if (fromMs >= toMs) return null;
  const run = {
    id: parts.newId("rr"),
    account_id: DEFAULT_ACCOUNT,
    actor: RECONCILIATION,
    provider: null,
    from_at: new Date(fromMs),
    to_at: new Date(toMs),
    day: new Date(toMs).toISOString().slice(0, 10),
  };
  return ensureDailyRun(parts.db, run, new Date(now));
}
