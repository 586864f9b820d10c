/** Money that moved, by a processor's own books. */
export interface Movement {
  readonly chargeId: string;
  readonly attemptId: string;
  readonly psp: string;
  /** Anything else moves no money. */
  readonly type: string;
  /** What the money is known by. */
  readonly reference: string;
  readonly amount: bigint;
}

/** A charge as a caller was told it. */
export interface Telling {
  readonly id: string;
  readonly status: string;
  readonly provider: string | null;
  readonly providerReference: string | null;
}

/** What a caller asked for with one key, and all that it was ever told. */
export interface Wish {
  readonly key: string;
  readonly input: { readonly money: { readonly amount: bigint; readonly currency: string } };
  readonly told: readonly { readonly charge: Telling }[];
}

/** All that the judge knows: of the simulator's world, or of real processes. */
export interface Evidence {
  query<R extends object>(statement: { readonly name: string; readonly text: string; readonly values?: unknown[] }): Promise<R[]>;
  /** The processors' books. The judge believes nothing else about money. */
  readonly books: readonly Movement[];
  /** A charge with `metadata.wish` is of the wish with that key. */
  readonly wishes: readonly Wish[];
  /** Whose money cannot be judged, because a processor broke its word and the gateway cannot know. */
  isExcused?(chargeId: string): boolean;
  /** The processor itself waits, and says so: such a charge may be pending for as long as that takes. */
  isUnderReview?(chargeId: string): boolean;
  /** Money is held for it at its provider: such a charge may be authorized for as long as that stands. */
  isHeld?(chargeId: string): boolean;
  /** `about`: the ids and keys concerned. */
  violate(law: string, detail: string, about: readonly string[]): void;
}

interface ChargeRow {
  readonly id: string;
  readonly status: string;
  readonly amount: string;
  readonly amount_captured: string;
  readonly amount_refunded: string;
  readonly capture: string;
  readonly currency: string;
  readonly provider: string | null;
  readonly provider_reference: string | null;
  readonly next_action_at: string | null;
  readonly wish: string | null;
  readonly live_attempts: number;
  readonly letters: number;
  readonly owed: number;
}

interface EventRow {
  readonly charge_id: string;
  readonly from_status: string | null;
  readonly to_status: string | null;
}

type Violate = (law: string, detail: string) => void;

const FINAL: ReadonlySet<string> = new Set(["succeeded", "failed", "canceled"]);

/** After the storm, and the time that the product promises to need: the laws against the processors' books and the callers' memory. */
export async function judge(evidence: Evidence): Promise<void> {
  const charges = await evidence.query<ChargeRow>({
    name: "simulation_charges",
    text: `select c.id, c.status, c.amount::text as amount, c.amount_captured::text as amount_captured, c.amount_refunded::text as amount_refunded, c.capture, c.currency, c.provider,
      c.provider_reference, c.next_action_at::text as next_action_at, c.metadata ->> 'wish' as wish,
      (select count(*)::int from attempts a where a.charge_id = c.id and a.live) as live_attempts,
      (select count(*)::int from dead_letters d where d.charge_id = c.id and d.state = 'open') as letters,
      (select count(*)::int from dead_letters d where d.charge_id = c.id and d.state = 'open' and d.kind = 'compensation') as owed
      from charges c order by c.id`,
  });
  const events = await evidence.query<EventRow>({
    name: "simulation_events",
    text: "select charge_id, from_status, to_status from events where charge_id is not null order by id",
  });
  const byId = new Map(charges.map((charge) => [charge.id, charge]));
  const moved = Map.groupBy(evidence.books, ({ chargeId }) => chargeId);
  const trails = Map.groupBy(events, (event) => event.charge_id);

  for (const charge of charges) {
    const violate: Violate = (law, detail) => evidence.violate(law, detail, [charge.id]);
    if (!evidence.isExcused?.(charge.id)) judgeMoney(charge, moved.get(charge.id) ?? [], violate);
    judgeEnd(evidence, charge, violate);
    judgeTrail(charge, trails.get(charge.id) ?? [], violate);
    if (charge.live_attempts > 1) violate("law 1", `${charge.id} has several live attempts`);
  }
  for (const [chargeId, movements] of moved) {
    if (byId.has(chargeId)) continue;
    evidence.violate("law 2", `money moved for ${chargeId}, which does not exist`, [chargeId, ...movements.map((one) => one.attemptId)]);
  }
  const ofWish = Map.groupBy(charges, ({ wish }) => wish);
  for (const wish of evidence.wishes) judgeWish(evidence, wish, ofWish.get(wish.key) ?? [], byId);
}

/** Law 9, once the promised time is over for what was accepted before `acceptedBefore`: what is not at its end yet is before a person. */
export async function judgeLiveness(
  evidence: Pick<Evidence, "query" | "violate" | "isUnderReview" | "isHeld">,
  acceptedBefore: Date,
): Promise<void> {
  const open = await evidence.query<{ id: string; status: string }>({
    name: "simulation_open",
    text: `select id, status from charges c where status not in ('succeeded', 'failed', 'canceled') and created_at <= $1
      and not exists (select from dead_letters d where d.charge_id = c.id and d.state = 'open') order by id`,
    values: [acceptedBefore],
  });
  for (const { id, status } of open) {
    if (status === "pending" && evidence.isUnderReview?.(id)) continue;
    if (status === "authorized" && evidence.isHeld?.(id)) continue;
    evidence.violate("law 9", `${id} is still ${status} when its time is over`, [id]);
  }
}

function judgeMoney(charge: ChargeRow, movements: readonly Movement[], violate: Violate): void {
  const held = heldByAttempt(movements);
  const total = [...held.values()].reduce((sum, amount) => sum + amount, 0n);
  // What could not be sent back is before a person.
  if (charge.owed > 0) return;
  if (held.size > 1 || total > BigInt(charge.amount)) violate("never twice", `${charge.id} is paid ${held.size} times, ${total} in all`);
  if (charge.status === "succeeded") {
    const capture = movements.find(({ type, reference }) => type === "capture" && reference === charge.provider_reference);
    // Of a hold a part may have been taken, and it is judged below whether that is the part that the charge says.
    const whole = charge.capture === "manual" ? charge.amount_captured : charge.amount;
    const left = BigInt(whole) - BigInt(charge.amount_refunded);
    if (total !== left) {
      violate("never lost", `${charge.id} is succeeded, and the books hold ${total} of ${left}`);
      return;
    }
    if (capture && total > 0n && !held.has(capture.attemptId))
      violate("never lost", `${charge.id} is said to be ${capture.reference}, whose money went back, and is paid elsewhere`);
    if (capture?.psp !== charge.provider)
      violate("never lost", `${charge.id} is said to be paid at ${charge.provider}, and is at ${capture?.psp}`);
    if (capture?.reference !== charge.provider_reference)
      violate("never lost", `${charge.id} is said to be ${charge.provider_reference}, and is ${capture?.reference}`);
    if (capture && BigInt(charge.amount_captured) !== capture.amount)
      violate("never lost", `${charge.id} says ${charge.amount_captured} was captured, and ${capture.amount} was`);
  } else if (FINAL.has(charge.status) && total !== 0n && charge.letters === 0) {
    violate("never lost", `${charge.id} is ${charge.status}, and ${total} was taken at a processor`);
  }
}

/** By attempt, captures less refunds; attempts that hold nothing are left out. */
export function heldByAttempt(movements: readonly Movement[]): Map<string, bigint> {
  const held = new Map<string, bigint>();
  for (const { attemptId, type, amount } of movements) {
    const signed = type === "capture" ? amount : type === "refund" ? -amount : 0n;
    held.set(attemptId, (held.get(attemptId) ?? 0n) + signed);
  }
  for (const [attemptId, amount] of held) if (amount === 0n) held.delete(attemptId);
  return held;
}

/** Law 9. */
function judgeEnd(evidence: Evidence, charge: ChargeRow, violate: Violate): void {
  if (FINAL.has(charge.status) || charge.letters > 0) return;
  if (charge.status === "authorized" && evidence.isHeld?.(charge.id)) return;
  violate("law 9", `${charge.id} is still ${charge.status}, next action ${charge.next_action_at ?? "never"}, and nobody was told`);
}

/** Law 10: the trail tells every change, and tells them in a row. */
function judgeTrail(charge: ChargeRow, events: readonly EventRow[], violate: Violate): void {
  let status: string | null = null;
  for (const { from_status, to_status } of events) {
    if (to_status === null) continue;
    if (from_status !== status) {
      violate("law 10", `${charge.id}: the trail goes from ${status} to ${to_status}, said to be from ${from_status}`);
      return;
    }
    status = to_status;
  }
  if (status !== charge.status) violate("law 10", `${charge.id} is ${charge.status}, and the trail ends with ${status}`);
}

/** Law 6 and 7: what callers were told. */
function judgeWish(evidence: Evidence, wish: Wish, own: readonly ChargeRow[], byId: ReadonlyMap<string, ChargeRow>): void {
  const { key, told, input } = wish;
  const ids = [...new Set([...own, ...told.map(({ charge }) => charge)].map(({ id }) => id))];
  if (ids.length > 1) evidence.violate("law 6", `${key} has ${ids.length} charges: ${ids.join(", ")}`, [key, ...ids]);
  for (const { charge } of told) {
    const violate: Violate = (law, detail) => evidence.violate(law, `${key} was told ${detail}`, [charge.id, key]);
    const now = byId.get(charge.id);
    if (!now) {
      violate("law 7", `of ${charge.id}, which does not exist`);
      continue;
    }
    if (BigInt(now.amount) !== input.money.amount || now.currency !== input.money.currency)
      violate("law 6", `of ${charge.id} over ${now.amount} ${now.currency}, and asked for ${input.money.amount} ${input.money.currency}`);
    if (charge.status === "succeeded" && !isSame(now, charge)) {
      violate(
        "law 7",
        `succeeded by ${charge.provider} ${charge.providerReference}, and is ${now.status} by ${now.provider} ${now.provider_reference}`,
      );
    }
    // Only a late success may still change these, and that is judged by the books.
    const mayChange = now.status === charge.status || now.status === "succeeded";
    if ((charge.status === "failed" || charge.status === "canceled") && !mayChange)
      violate("law 8", `${charge.status}, and is ${now.status}`);
  }
}

function isSame(now: ChargeRow, told: Telling): boolean {
  return now.status === "succeeded" && now.provider === told.provider && now.provider_reference === told.providerReference;
}
