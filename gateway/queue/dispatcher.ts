import type { PgBoss } from "pg-boss";
import type { Clock } from "../../providers/contract/clock.ts";
import { type BackgroundLog, keepGoing } from "../keep-going.ts";
import type { Database } from "../store/database.ts";
import { readDeadJobs } from "../store/dead-jobs.ts";
import { dispatchEvents, ensureCursor, type SealedEvent } from "../store/dispatch-events.ts";
import type { JobData, JobKind } from "./job-kind.ts";

const CONSUMER = "jobs";
const INTERVAL_MS = 1_000;
/** A person replayed a dead job: it runs again because the trail says so, once, on whichever instance has workers. */
const REPLAYED = "dead_letter.replayed";

interface NewJob {
  readonly queue: string;
  readonly data: JobData;
  readonly startAfterS?: number;
}

/** Turns sealed events into jobs, each exactly once: the jobs are inserted in the transaction that moves the cursor. */
export async function startDispatcher(options: {
  boss: PgBoss;
  kinds: readonly JobKind[];
  database: Database;
  clock: Clock;
  log: BackgroundLog;
  /** After the commit: these queues have new jobs. */
  onDispatched: (queues: ReadonlySet<string>) => void;
}): Promise<{ stop(): Promise<void> }> {
  const { boss, kinds, database, clock, log, onDispatched } = options;
  const types = [...new Set([REPLAYED, ...kinds.flatMap((kind) => kind.feed?.types ?? [])])];
  const known = new Set(kinds.map((kind) => kind.name));
  await ensureCursor(database, CONSUMER);

  async function jobsOf(query: Database["query"], events: readonly SealedEvent[]): Promise<NewJob[]> {
    const jobs: NewJob[] = events.flatMap((event) =>
      kinds.flatMap((kind): NewJob[] => {
        if (!kind.feed?.types.some((pattern) => isLike(event.type, pattern))) return [];
        const job = kind.feed.toJob(event);
        return job ? [{ queue: kind.name, ...job }] : [];
      }),
    );
    const replayed = events.filter((event) => event.type === REPLAYED && event.data.kind === "job").map((event) => String(event.data.id));
    if (replayed.length === 0) return jobs;
    for (const dead of await readDeadJobs(query, replayed)) {
      if (known.has(dead.queue)) jobs.push({ queue: dead.queue, data: dead.payload });
      else log.error({ queue: dead.queue, job: dead.job }, "a job was replayed whose queue does not exist any more");
    }
    return jobs;
  }

  const loop = keepGoing({
    what: "the dispatcher of jobs",
    clock,
    log,
    intervalMs: INTERVAL_MS,
    async turn() {
      const queues = new Set<string>();
      const more = await dispatchEvents(database, CONSUMER, types, async (query, events) => {
        const jobs = await jobsOf(query, events);
        for (const queue of new Set(jobs.map((job) => job.queue))) {
          queues.add(queue);
          await insertJobs(
            boss,
            query,
            queue,
            jobs.filter((job) => job.queue === queue),
          );
        }
      });
      if (queues.size > 0) onDispatched(queues);
      return more;
    },
  });
  return loop;
}

async function insertJobs(boss: PgBoss, query: Database["query"], queue: string, jobs: readonly NewJob[]): Promise<void> {
  const db = {
    executeSql: async (text: string, values?: unknown[]) => ({
      rows: await query({ name: `boss_insert_${queue}`, text, values: values ?? [] }),
    }),
  };
  const inserted = await boss.insert(
    queue,
    jobs.map(({ data, startAfterS }) => (startAfterS === undefined ? { data } : { data, startAfter: startAfterS })),
    { db, returnId: true },
  );
  // pg-boss inserts nothing, and says nothing, when the queue's row is gone: then the cursor must not move.
  if (inserted?.length !== jobs.length) throw new Error(`${inserted?.length ?? 0} of ${jobs.length} jobs were inserted into ${queue}`);
}

function isLike(type: string, pattern: string): boolean {
  return pattern.endsWith("%") ? type.startsWith(pattern.slice(0, -1)) : type === pattern;
}
