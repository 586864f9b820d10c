import { Call } from "../../providers/contract/call.ts";
import type { Provider } from "../../providers/contract/provider.ts";
import type { Records, RecordsPage, RecordsQuery } from "../../providers/contract/records.ts";
import { type ReadProgress, type RecordList, stagePage } from "../store/reconciliation-records.ts";
import { RunLost, type Session } from "./session.ts";

/** Pages of one list: a provider whose cursor goes round in a circle must not keep a run for ever. */
const MAX_PAGES = 100_000;

export class CannotRead extends Error {
  override readonly name = "CannotRead";
}

/** Reads both lists of a provider to their end, from where this run stopped. Throws `CannotRead`: then nothing may be compared. */
export async function readRecords(session: Session, provider: Provider, account: string, progress: readonly ReadProgress[]): Promise<void> {
  if (!provider.records) throw new CannotRead("this processor has no list of its payments");
  for (const what of ["payments", "refunds"] as const) {
    const before = progress.find((one) => one.provider === provider.id && one.what === what);
    if (!before?.done) await readList(session, provider, account, what, before?.cursor ?? null);
  }
}

async function readList(session: Session, provider: Provider, account: string, what: RecordList, from: string | null): Promise<void> {
  const { run, parts } = session;
  const { settings } = parts;
  const window = {
    fromMs: run.from_at.getTime() - settings.beforeMs,
    // The same however often it is taken up: cursors are of one query.
    toMs: Math.max(run.to_at.getTime(), Math.min(run.to_at.getTime() + settings.afterMs, (run.started_at ?? run.created_at).getTime())),
  };
  let cursor = from;
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    const page = await readPage(session, provider, { what, ...window, cursor });
    await keep(session, provider.id, account, what, page);
    if (page.next === null) return;
    if (page.next === cursor) throw new CannotRead(`the list of ${what} does not go on after ${cursor}`);
    cursor = page.next;
  }
  throw new CannotRead(`the list of ${what} does not end`);
}

async function readPage(session: Session, provider: Provider, query: RecordsQuery): Promise<RecordsPage> {
  const { ask, clock, settings } = session.parts;
  const send = (): Promise<Records> =>
    provider.records?.(query, new Call({ clock, timeoutMs: settings.providerTimeoutMs })) ??
    Promise.resolve({ kind: "unknown", cause: "unexpected", detail: "no list" });
  for (const waitMs of [...settings.retryMs, null]) {
    const answer = await ask(provider.id, send, ({ kind }) => kind === "unknown");
    if (answer.admitted && answer.result.kind === "page") return answer.result;
    const why = !answer.admitted ? answer.reason : answer.result.kind === "unknown" ? answer.result.detail : "";
    if (waitMs === null) throw new CannotRead(`the list of ${query.what} cannot be read: ${why}`);
    await clock.sleep(waitMs);
    await session.alive();
  }
  throw new CannotRead("not tried");
}

/** A large page goes in by parts; the cursor moves with the last one. */
async function keep(session: Session, provider: string, account: string, what: RecordList, page: RecordsPage): Promise<void> {
  const { db, settings } = session.parts;
  const { records, next } = page;
  const parts = Math.max(1, Math.ceil(records.length / settings.pageSize));
  for (let i = 0; i < parts; i++) {
    const kept = await stagePage(db, {
      lease: session.lease,
      until: session.leaseEnd(),
      provider,
      account,
      what,
      records: records.slice(i * settings.pageSize, (i + 1) * settings.pageSize),
      cursor: i === parts - 1 ? { moved: true, next } : { moved: false },
    });
    if (!kept) throw new RunLost(`the run ${session.run.id} was taken over`);
  }
}
