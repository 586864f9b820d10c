import type { Clock } from "../../providers/contract/clock.ts";
import { CAPABILITIES, capabilitiesOf } from "../capabilities.ts";
import type { Fleet } from "../health/fleet.ts";
import { type BackgroundLog, keepGoing } from "../keep-going.ts";
import { DEFAULT_ACCOUNT } from "../store/append-event.ts";
import type { Database } from "../store/database.ts";
import { dispatchEvents, ensureCursorAtHead } from "../store/dispatch-events.ts";
import { readReachability } from "../store/fleet-reachability.ts";
import { lockNotifications, readNotifications, writeNotifications } from "../store/notifications.ts";
import { oldestWaiting, readWaiting, type Waiting } from "../store/waiting.ts";
import { type ConditionState, nextCondition, type Tell } from "./condition.ts";
import { addHappening, type DigestState, dueDigest } from "./digest.ts";
import { NOTIFICATION, type Notification, type Risk } from "./notification.ts";
import { type NotifyState, stateOf } from "./state.ts";
import { CONDITIONS, COUNTED_TYPES, type Condition, HAPPENINGS, type HappeningTopic, happeningOf } from "./topics.ts";

const CONSUMER = "notifications";
const INTERVAL_MS = 5_000;
const MINUTE_MS = 60_000;
/** A charge that waits for longer than this is not waiting for a passing trouble. */
const DEFERRED_LONG_MS = 10 * MINUTE_MS;
/** The last quick look at a doubt comes after ten minutes. */
const IN_DOUBT_LONG_MS = 15 * MINUTE_MS;

export interface NotifyParts {
  readonly db: Database;
  readonly clock: Clock;
  readonly fleet: Pick<Fleet, "status">;
  /** False while this instance's clock is off: then it says nothing. */
  readonly trusted: () => boolean;
  readonly log: BackgroundLog;
}

/** What one look sees. */
interface Facts {
  /** null: begins nothing and ends nothing; what people were told last stays. */
  readonly holds: Readonly<Record<Condition, boolean | null>>;
  readonly waitsLong: boolean;
  readonly health: Parameters<typeof capabilitiesOf>[0]["health"];
  readonly down: readonly string[];
}

interface Step {
  readonly state: NotifyState;
  readonly begunOrEnded: readonly { readonly topic: Condition; readonly tell: Tell; readonly state: ConditionState }[];
  readonly happened: readonly Notification[];
}

/** Counts what happened and looks at what holds; any number of instances, and each message is made once. */
export async function notifyTurn(parts: NotifyParts): Promise<void> {
  if (!parts.trusted()) return;
  while (await collect(parts));
  await look(parts);
}

/** Starts at the present: what was before the first start is history. */
export async function startNotifyWatch(parts: NotifyParts): Promise<{ stop(): Promise<void> }> {
  await ensureCursorAtHead(parts.db, CONSUMER);
  return keepGoing({
    what: "the watch over what people are told",
    clock: parts.clock,
    log: parts.log,
    intervalMs: INTERVAL_MS,
    async turn() {
      await notifyTurn(parts);
      return false;
    },
  });
}

/** Each event is counted once: the count is written in the transaction that moves the cursor. */
function collect({ db, clock }: NotifyParts): Promise<boolean> {
  return dispatchEvents(db, CONSUMER, COUNTED_TYPES, async (query, events) => {
    const happenings = events.flatMap((event) => happeningOf(event) ?? []);
    if (happenings.length === 0) return;
    const now = clock.now();
    const state = stateOf(await lockNotifications<NotifyState>(query));
    const counts: Partial<Record<HappeningTopic, DigestState>> = { ...state.happenings };
    for (const { topic, ...happening } of happenings) counts[topic] = addHappening(counts[topic], happening, now);
    await writeNotifications(query, { ...state, happenings: counts }, [], new Date(now));
  });
}

async function look(parts: NotifyParts): Promise<void> {
  const { db, clock } = parts;
  const now = clock.now();
  const facts = await factsOf(parts, now);
  const seen = stateOf(await readNotifications<NotifyState>(db));
  if (step(seen, facts, now).state === seen) return;
  const told = await db.transaction(async (query) => {
    const before = stateOf(await lockNotifications<NotifyState>(query));
    const { state, begunOrEnded, happened } = step(before, facts, now);
    if (state === before) return [];
    const atRisk = begunOrEnded.length === 0 ? [] : (await readWaiting({ query }, DEFAULT_ACCOUNT)).map(riskOf);
    const notifications = [...begunOrEnded.map((one) => conditionNotice(one, atRisk, facts)), ...happened];
    const events = [...notifications.map((data) => ({ type: NOTIFICATION, data })), ...publicEvents(begunOrEnded, atRisk)];
    await writeNotifications(query, state, events, new Date(now));
    return notifications;
  });
  for (const { topic, what } of told) parts.log.info({ topic, what }, "people are told");
}

async function factsOf({ db, fleet }: NotifyParts, now: number): Promise<Facts> {
  const status = fleet.status();
  const [reachability, oldest] = await Promise.all([readReachability(db), oldestWaiting(db)]);
  // What a person has decided is known to people; what this instance alone finds is no provider's trouble.
  const unavailable = status.filter(({ health, circuit }) => health === "unavailable" && !circuit.alone);
  const onlySome = status.some(({ override }) => override?.mode === "only");
  const down = onlySome ? [] : unavailable.filter(({ override }) => override === null);
  const allOrForced = !reachability.reachable || unavailable.length > down.length;
  const olderThan = (date: Date | null, ms: number) => date !== null && now - date.getTime() > ms;
  const waitsLong = olderThan(oldest.deferred, DEFERRED_LONG_MS);
  return {
    holds: {
      all_down: !reachability.reachable,
      provider_down: reachability.reachable && down.length > 0 ? true : allOrForced ? null : false,
      revenue_at_risk: waitsLong || olderThan(oldest.inDoubt, IN_DOUBT_LONG_MS),
    },
    waitsLong,
    health: status.map(({ health }) => health),
    down: down.map(({ provider }) => provider),
  };
}

/** Pure. The same state when nothing is to be remembered or told. */
function step(before: NotifyState, facts: Facts, now: number): Step {
  const conditions: Partial<Record<Condition, ConditionState>> = { ...before.conditions };
  const begunOrEnded: Step["begunOrEnded"][number][] = [];
  let changed = false;
  for (const topic of Object.keys(CONDITIONS) as Condition[]) {
    const was = before.conditions[topic];
    if (facts.holds[topic] === null && was?.on) continue;
    const holds = facts.holds[topic] === true;
    const next = nextCondition(was, holds, now, CONDITIONS[topic].pace);
    if (next.state === was || (was === undefined && !holds)) continue;
    changed = true;
    conditions[topic] = next.state;
    if (next.tell) begunOrEnded.push({ topic, tell: next.tell, state: next.state });
  }
  const happenings: Partial<Record<HappeningTopic, DigestState>> = { ...before.happenings };
  const happened: Notification[] = [];
  for (const topic of Object.keys(HAPPENINGS) as HappeningTopic[]) {
    const was = before.happenings[topic];
    const due = was && dueDigest(was, now);
    if (!due) continue;
    changed = true;
    happenings[topic] = due.state;
    happened.push({ topic, what: "happened", since: iso(was.since), happened: due.tell });
  }
  const page = pageOf(before.page, facts, now);
  if (!changed && page === before.page) return { state: before, begunOrEnded, happened };
  return { state: { conditions, happenings, page }, begunOrEnded, happened };
}

function pageOf(before: NotifyState["page"], facts: Facts, now: number): NotifyState["page"] {
  const levels = capabilitiesOf({ ...facts, before: before.new_payments?.level ?? null });
  const changed = CAPABILITIES.filter((capability) => before[capability]?.level !== levels[capability]);
  if (changed.length === 0) return before;
  return { ...before, ...Object.fromEntries(changed.map((capability) => [capability, { level: levels[capability], since: now }])) };
}

function conditionNotice(one: Step["begunOrEnded"][number], atRisk: readonly Risk[], facts: Facts): Notification {
  const { topic, tell, state } = one;
  return {
    topic,
    what: tell,
    since: iso(state.since),
    until: tell === "ended" ? iso(state.edgeAt) : null,
    times: state.times,
    at_risk: topic === "provider_down" ? [] : atRisk,
    providers: topic === "provider_down" ? facts.down : [],
  };
}

/** What webhook endpoints hear; `routing.all_down` has events of its own. */
function publicEvents(told: Step["begunOrEnded"], atRisk: readonly Risk[]): { type: string; data: object }[] {
  const sums = (status: Risk["status"]) =>
    atRisk.filter((risk) => risk.status === status).map(({ status: _, amount, ...rest }) => ({ ...rest, amount: Number(amount) }));
  const data = { deferred: sums("deferred"), in_doubt: sums("in_doubt") };
  return told.flatMap(({ topic, tell }) =>
    topic !== "revenue_at_risk" || tell === "lasting" ? [] : [{ type: tell === "begun" ? "revenue.at_risk" : "revenue.recovered", data }],
  );
}

function riskOf({ status, currency, count, amount, oldest }: Waiting): Risk {
  return { status, currency, count: Number(count), amount: amount.toString(), oldest: oldest.toISOString() };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
