import type { Clock, Random } from "../../providers/contract/clock.ts";
import type { BackgroundLog } from "../keep-going.ts";
import { type Database, DatabaseAmbiguous, DatabaseUnavailable } from "../store/database.ts";
import { buryExpired, type ClaimedDelivery, claimDeliveries, closeDelivery, putOffDelivery } from "../store/webhook-deliveries.ts";
import { disableGone } from "../store/webhook-endpoints.ts";
import { fewAtOnce } from "./few-at-once.ts";
import { POST_TIMEOUT_MS, type Posted, type Poster } from "./post.ts";
import { retryDelayMs } from "./schedule.ts";
import { signatureHeaders } from "./signature.ts";

/** Requests at once per instance: each is mostly waiting. */
const MAX_IN_FLIGHT = 96;
/** Of these, for one endpoint. With the endpoints that an account may have (16) the slowest of them leave room for the others. */
const MAX_PER_ENDPOINT = 6;
/** For one whose last try failed: enough to see when it is back, too few to be in anybody's way. */
const MAX_PER_FAILING = 1;
/** A claim outlives its request by this: for the database's part. */
const LEASE_MARGIN_MS = 15_000;
/** Results written at once: the pool's connections are for charges first. */
const MAX_WRITES = 2;
const IDLE_MS = 500;
const BUSY_MS = 50;
const TROUBLE_MS = 1_000;
/** Those past their time that no try has ended are looked for so often. */
const BURY_INTERVAL_MS = 60_000;
/** The last try is made at the end of a delivery's time; what it would say is waited for. */
const BURY_GRACE_MS = 3_600_000;
const BURY_BATCH = 500;

export interface CourierParts {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly poster: Poster;
  readonly newId: (prefix: "dl") => string;
  readonly log: BackgroundLog;
  /** Each try, by how it ended. */
  readonly count: (result: "delivered" | "failed" | "dead") => void;
}

export interface Courier {
  /** Claims what is due and begins to send it; how many. The loop calls it, and so may a test. */
  pass(): Promise<number>;
  /** Gives up what is past its time. */
  bury(): Promise<void>;
  /** Resolves when nothing is on its way. */
  idle(): Promise<void>;
  start(): void;
  /** Claims nothing more and waits for what is on its way. */
  stop(): Promise<void>;
}

/** Sends deliveries that are due, each under a lease; any number of instances. */
export function createCourier(parts: CourierParts): Courier {
  const { db, clock, log } = parts;
  const stopping = new AbortController();
  const running = new Set<Promise<void>>();
  const writing = fewAtOnce(MAX_WRITES);
  const inFlight = new Map<string, number>();
  let buriedAt = Number.NEGATIVE_INFINITY;
  let loop: Promise<void> = Promise.resolve();

  function begin(delivery: ClaimedDelivery): void {
    const { endpointId } = delivery;
    inFlight.set(endpointId, (inFlight.get(endpointId) ?? 0) + 1);
    const turn: Promise<void> = send(parts, delivery)
      .then((posted) => writing(() => record(parts, delivery, posted)))
      .catch((err: unknown) => log.error({ err, delivery: delivery.id }, "a webhook's result could not be recorded: it is sent again"))
      .finally(() => {
        running.delete(turn);
        const left = (inFlight.get(endpointId) ?? 1) - 1;
        if (left > 0) inFlight.set(endpointId, left);
        else inFlight.delete(endpointId);
      });
    running.add(turn);
  }

  async function pass(): Promise<number> {
    const limit = MAX_IN_FLIGHT - running.size;
    if (limit <= 0) return 0;
    const now = clock.now();
    const claimed = await claimDeliveries(db, {
      now: new Date(now),
      leaseUntil: new Date(now + POST_TIMEOUT_MS + LEASE_MARGIN_MS),
      limit,
      perEndpoint: MAX_PER_ENDPOINT,
      perFailing: MAX_PER_FAILING,
      inFlight: Object.fromEntries(inFlight),
    });
    for (const delivery of claimed) begin(delivery);
    return claimed.length;
  }

  async function bury(): Promise<void> {
    const now = clock.now();
    const by = { now: new Date(now), expiredBefore: new Date(now - BURY_GRACE_MS), limit: BURY_BATCH, newId: () => parts.newId("dl") };
    let buried = BURY_BATCH;
    while (buried === BURY_BATCH && !stopping.signal.aborted) buried = await buryExpired(db, by);
  }

  async function buryWhenDue(): Promise<void> {
    if (clock.monotonic() - buriedAt < BURY_INTERVAL_MS) return;
    buriedAt = clock.monotonic();
    await bury();
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      let waitMs = TROUBLE_MS;
      try {
        waitMs = (await pass()) > 0 ? BUSY_MS : IDLE_MS;
        await buryWhenDue();
      } catch (error) {
        if (error instanceof DatabaseUnavailable || error instanceof DatabaseAmbiguous) {
          log.warn({ error: error.message }, "the sender of webhooks waits for the database");
        } else log.error({ err: error }, "a pass of the sender of webhooks failed");
      }
      await clock.sleep(waitMs, stopping.signal);
    }
  }

  async function idle(): Promise<void> {
    while (running.size > 0) await Promise.all(running);
  }

  return {
    pass,
    bury,
    idle,
    start() {
      loop = run();
    },
    async stop() {
      stopping.abort();
      await loop;
      await idle();
    },
  };
}

function send({ clock, poster }: CourierParts, { id, url, body, secrets }: ClaimedDelivery): Promise<Posted> {
  return poster.post({ url, body, headers: signatureHeaders({ id, body, secrets, atMs: clock.now() }) });
}

async function record(parts: CourierParts, delivery: ClaimedDelivery, posted: Posted): Promise<void> {
  const { db, clock, count } = parts;
  const now = new Date(clock.now());
  const result = { status: statusOf(posted), error: errorOf(posted), answer: posted.kind === "answered" ? posted.answer : null };
  if (result.error === null) {
    await closeDelivery(db, delivery, result, { now, letterId: null });
    return count("delivered");
  }
  if (result.status === 410 && (await disableGone(db, { id: delivery.endpointId, url: delivery.url, now }))) {
    parts.log.warn({ endpoint: delivery.endpointId }, "a webhook endpoint answered 410 Gone and is disabled");
  }
  if (now >= delivery.expiresAt) {
    await closeDelivery(db, delivery, result, { now, letterId: parts.newId("dl") });
    return count("dead");
  }
  const pauseMs = askedPauseMs(posted);
  const inMs = Math.max(retryDelayMs(delivery.tries, parts.random), pauseMs ?? 0);
  const nextTryAt = new Date(Math.min(now.getTime() + inMs, delivery.expiresAt.getTime()));
  await putOffDelivery(db, delivery, result, { now, nextTryAt, pauseUntil: pauseMs === null ? null : new Date(now.getTime() + pauseMs) });
  count("failed");
}

function statusOf(posted: Posted): number | null {
  return posted.kind === "answered" ? posted.status : null;
}

/** null: delivered. A redirect is an answer like any other: it is not followed. */
function errorOf(posted: Posted): string | null {
  if (posted.kind === "failed") return posted.reason;
  if (posted.status >= 200 && posted.status < 300) return null;
  return posted.status >= 300 && posted.status < 400 ? "redirect" : "status";
}

/** Only these two statuses say "later"; it holds for the whole endpoint. */
function askedPauseMs(posted: Posted): number | null {
  return posted.kind === "answered" && (posted.status === 429 || posted.status === 503) ? posted.pauseMs : null;
}
