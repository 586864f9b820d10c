import type { Clock } from "../../providers/contract/clock.ts";
import type { EventSubject, ProviderEvent } from "../../providers/contract/webhook.ts";
import type { BackgroundLog } from "../keep-going.ts";
import { DEFAULT_ACCOUNT } from "../store/append-event.ts";
import { type Database, DatabaseAmbiguous, DatabaseUnavailable } from "../store/database.ts";
import { type NewFinding, recordFindings } from "../store/findings.ts";
import { isSome, type Recorded } from "../store/provider-event-input.ts";
import { matchAgain, readWaiting, stillUnknown, type WaitingEvent } from "../store/provider-events.ts";

/** A webhook may be here before the answer that it is about, whose names of the payment are then not committed yet. */
export const FIRST_LOOK_MS = 60_000;
/** The next ones, by looks so far; then it is a finding. An answer is committed within seconds, a doubt mostly resolved within minutes. */
const NEXT_LOOK_MS = [9 * 60_000];
/** After a bug. */
const PUT_OFF_MS = 10 * 60_000;
/** Events of one statement's read, and how many reads a run makes: more than arrive in a minute. */
const BATCH = 100;
const MAX_BATCHES = 50;

export interface UnmatchedParts {
  readonly db: Database;
  readonly clock: Pick<Clock, "now">;
  readonly newId: (prefix: string) => string;
  readonly log: BackgroundLog;
}

/** Events that named nothing of ours when they came: matched again, and what still means unknown money is a finding. */
export async function lookAtUnmatched(parts: UnmatchedParts): Promise<void> {
  for (let batches = 0; batches < MAX_BATCHES; batches++) {
    const waiting = await readWaiting(parts.db, new Date(parts.clock.now()), BATCH);
    for (const event of waiting) await lookAgain(parts, event).catch((error: unknown) => putOff(parts, event, error));
    if (waiting.length < BATCH) return;
  }
}

async function lookAgain({ db, clock, newId }: UnmatchedParts, waiting: WaitingEvent): Promise<void> {
  const now = new Date(clock.now());
  const { provider } = waiting;
  const event = eventOf(waiting);
  const match = await matchAgain(db, { provider, event, receivedAt: now, lookAt: now, newId });
  if (match.stored) return;
  const wait = NEXT_LOOK_MS[waiting.looks];
  if (wait !== undefined) return stillUnknown(db, waiting, new Date(now.getTime() + wait));
  const found = findingOf(provider, event, match, newId("fd"));
  if (found) await recordFindings(db, [found], { actor: "system:webhook", now });
  // After the finding: a crash between the two makes it be seen twice, not never.
  await stillUnknown(db, waiting, null);
}

/** One that cannot be handled must not stand in the way of the others; without the database none can be. */
async function putOff({ db, clock, log }: UnmatchedParts, waiting: WaitingEvent, error: unknown): Promise<void> {
  if (error instanceof DatabaseUnavailable || error instanceof DatabaseAmbiguous) throw error;
  log.error({ err: error, provider: waiting.provider, event: waiting.event }, "a stored webhook could not be matched; it is tried again");
  await stillUnknown(db, waiting, new Date(clock.now() + PUT_OFF_MS));
}

/** The event as it came: amounts are text in the inbox. */
function eventOf({ event, type, occurred_at, subject }: WaitingEvent): ProviderEvent {
  const { money } = subject as { money?: { amount: string; currency: string } | null };
  const exact = money ? { ...subject, money: { ...money, amount: BigInt(money.amount) } } : subject;
  return { id: event, type, createdAtMs: occurred_at.getTime(), subject: exact as unknown as EventSubject };
}

/** null: it is not about money. */
function findingOf(provider: string, event: ProviderEvent, match: Recorded, id: string): NewFinding | null {
  const { subject } = event;
  if (subject.kind === "other" || subject.kind === "instrument" || !isSome(subject.money)) return null;
  const { kind, name } = named(subject, event.id);
  return {
    id,
    account_id: match.account_id ?? DEFAULT_ACCOUNT,
    kind,
    provider,
    subject: name,
    charge_id: match.charge_id,
    attempt_id: match.attempt_id,
    operation_id: null,
    our_amount: null,
    their_amount: subject.money.amount.toString(),
    currency: subject.money.currency,
    detail: { event: event.id, type: event.type, at: new Date(event.createdAtMs) },
  };
}

function named(
  subject: Exclude<EventSubject, { kind: "other" | "instrument" }>,
  event: string,
): Pick<NewFinding, "kind"> & { name: string } {
  switch (subject.kind) {
    case "payment":
      return { kind: "unknown_payment", name: subject.reference ?? subject.object ?? event };
    case "refund":
      return { kind: "unknown_refund", name: subject.refund };
    case "dispute":
      return { kind: "unknown_dispute", name: subject.dispute };
  }
}
