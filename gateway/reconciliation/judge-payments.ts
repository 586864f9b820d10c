import type { Finding } from "../../providers/contract/outcome.ts";
import type { Attempt, Charge } from "../charges/charge.ts";
import type { AttemptId } from "../ids.ts";
import type { FindingKind, NewFinding } from "../store/findings.ts";
import type { KeptRecord, OwnOperation } from "../store/reconciliation-suspects.ts";

/** A charge as it is now, and what the providers have of it. */
export interface ChargeView {
  readonly charge: Charge;
  readonly operations: readonly OwnOperation[];
  readonly records: readonly KeptRecord[];
  /** Attempts that have an open finding: asked about even where the list does not show them. */
  readonly doubted: ReadonlySet<string>;
  /** What changed later than this may be under way. */
  readonly settledBefore: Date;
  /** Whether this run compares the attempt: its provider was read, on its account. */
  readonly compares: (attempt: Attempt) => boolean;
  /** The provider's present word on one payment. */
  readonly look: (attempt: Attempt) => Promise<Finding>;
}

export interface Judgement {
  readonly findings: Omit<NewFinding, "id">[];
  /** Attempts given up by us that hold money there: the machine looks at them, and adopts, gives back or voids (law 8). */
  readonly hints: AttemptId[];
  /** What the provider would not say. */
  readonly unverified: { readonly provider: string; readonly subject: string }[];
  /** Attempts that something is under way on. */
  readonly underWay: string[];
  /** Those of both: nothing can be said now, their open findings stay. */
  readonly undecided: Set<string>;
}

const IN_FLIGHT: ReadonlySet<string> = new Set(["processing", "requires_action", "pending", "in_doubt"]);
const OPERATION_IN_FLIGHT: ReadonlySet<string> = new Set(["processing", "pending", "in_doubt", "deferred"]);

/** Compares one charge. Decides by the charge's present state and, for all that is not plain, by the provider's present word. */
export async function judgePayments(view: ChargeView): Promise<Judgement> {
  const judge = new PaymentJudge(view);
  for (const attempt of view.charge.attempts) if (view.compares(attempt)) await judge.attempt(attempt);
  return judge;
}

class PaymentJudge implements Judgement {
  readonly findings: Omit<NewFinding, "id">[] = [];
  readonly hints: AttemptId[] = [];
  readonly unverified: { readonly provider: string; readonly subject: string }[] = [];
  readonly underWay: string[] = [];
  readonly undecided = new Set<string>();
  readonly #view: ChargeView;
  /** The attempt whose money the charge counts. */
  readonly #holder: Attempt | null;
  /** Money of this charge that is at a provider: the first is once, each further one is twice. */
  #paid: boolean;

  constructor(view: ChargeView) {
    this.#view = view;
    this.#holder = view.charge.status === "succeeded" ? (view.charge.attempts.find((attempt) => attempt.live) ?? null) : null;
    this.#paid = this.#holder !== null;
  }

  async attempt(attempt: Attempt): Promise<void> {
    if (this.#goesBack(attempt)) return;
    const records = this.#view.records.filter(({ kind, attempt_id }) => kind === "payment" && attempt_id === attempt.id);
    if (this.#isUnderWay(attempt)) {
      this.underWay.push(attempt.id);
      this.undecided.add(attempt.id);
    } else if (attempt === this.#holder) await this.#held(attempt, records);
    else if (attempt.live) await this.#authorized(attempt, records);
    else await this.#closed(attempt, records);
  }

  /** A late success that goes back, or went: money in and out is known. */
  #goesBack(attempt: Attempt): boolean {
    return this.#view.operations.some(({ kind, attempt_id }) => kind === "compensate" && attempt_id === attempt.id);
  }

  #isUnderWay(attempt: Attempt): boolean {
    const { charge, operations, settledBefore } = this.#view;
    if (attempt.live && IN_FLIGHT.has(charge.status)) return true;
    const settling = ({ kind, state, attempt_id }: OwnOperation): boolean =>
      attempt_id === attempt.id && (kind === "capture" || kind === "void") && OPERATION_IN_FLIGHT.has(state);
    if (operations.some(settling)) return true;
    const last = Math.max(charge.updatedAt.getTime(), attempt.finishedAt?.getTime() ?? 0);
    return last > settledBefore.getTime();
  }

  /** The charge counts this attempt's money: it is there, once, and as much. */
  async #held(attempt: Attempt, records: readonly KeptRecord[]): Promise<void> {
    const { charge, operations } = this.#view;
    const captures = operations.filter(({ kind, attempt_id }) => kind === "capture" && attempt_id === attempt.id);
    const known = new Set([attempt.providerReference, charge.providerReference, ...captures.map((one) => one.provider_reference)]);
    const captured = records.filter(({ state }) => state === "captured");
    let own = captured.find(({ reference }) => known.has(reference));
    if (!own || own.amount !== charge.amountCaptured || own.currency !== charge.currency) {
      const found = await this.#view.look(attempt);
      if (found.kind === "approved" && found.captured) {
        own ??= captured.find(({ reference }) => reference === found.reference);
        if (found.amount !== charge.amountCaptured || (own && own.currency !== charge.currency))
          this.#find("amount_differs", attempt, own?.reference ?? found.reference, {
            ours: charge.amountCaptured,
            theirs: found.amount,
            at: own?.created_at ?? tookMoneyAt(attempt, captures),
            ...(own && own.currency !== charge.currency ? { their_currency: own.currency } : {}),
          });
      } else if (hasNoMoney(found)) {
        const at = tookMoneyAt(attempt, captures);
        this.#find("missing_payment", attempt, charge.providerReference ?? attempt.id, {
          ours: charge.amountCaptured,
          theirs: null,
          at,
          found: found.kind === "approved" ? "held" : found.kind,
        });
      } else return this.#unseen(attempt);
    }
    for (const extra of captured) if (extra !== own && !this.#returned(extra)) this.#twice(attempt, extra);
  }

  /** The charge counts a hold: nothing is captured yet. */
  async #authorized(attempt: Attempt, records: readonly KeptRecord[]): Promise<void> {
    const captured = records.find(({ state }) => state === "captured");
    if (this.#view.charge.status !== "authorized" || (!captured && !this.#view.doubted.has(attempt.id))) return;
    const found = await this.#view.look(attempt);
    if (found.kind === "unknown" || found.kind === "pending") return this.#unseen(attempt);
    if (found.kind === "approved" && found.captured)
      this.#find("amount_differs", attempt, found.reference, {
        ours: 0n,
        theirs: found.amount,
        at: captured?.created_at ?? attempt.startedAt,
        found: "captured",
      });
  }

  /** Given up, or released: there should be nothing. */
  async #closed(attempt: Attempt, records: readonly KeptRecord[]): Promise<void> {
    const captured = records.filter(({ state }) => state === "captured");
    const held = records.find(({ state }) => state === "held");
    for (const record of captured) this.#surplus(attempt, record);
    if (captured.length > 0 || (!held && !this.#view.doubted.has(attempt.id))) return;
    // A list may be minutes old, and a hold is released any moment.
    const found = await this.#view.look(attempt);
    if (found.kind === "unknown" || found.kind === "pending") return this.#unseen(attempt);
    if (found.kind !== "approved") return;
    const at = held?.created_at ?? attempt.startedAt;
    if (found.captured) {
      this.#surplus(attempt, { reference: found.reference, amount: found.amount, created_at: at });
      return;
    }
    this.hints.push(attempt.id);
    this.#find("orphan_hold", attempt, held?.reference ?? found.reference, { ours: null, theirs: found.amount, at });
  }

  /** Captured at an attempt that the charge does not count. */
  #surplus(attempt: Attempt, record: Pick<KeptRecord, "reference" | "amount" | "created_at">): void {
    const returned = this.#returned(record);
    // What a person gave back at the provider must not be given back again.
    if (!returned) this.hints.push(attempt.id);
    if (this.#paid && !returned) {
      this.#twice(attempt, record);
      return;
    }
    this.#paid ||= !returned;
    this.#find("unknown_payment", attempt, record.reference, { ours: null, theirs: record.amount, at: record.created_at, returned });
  }

  #twice(attempt: Attempt, record: Pick<KeptRecord, "reference" | "amount" | "created_at">): void {
    const { charge } = this.#view;
    this.#find("paid_twice", attempt, record.reference, {
      ours: charge.amountCaptured === 0n ? null : charge.amountCaptured,
      theirs: record.amount,
      at: record.created_at,
      counted: this.#holder ? { provider: this.#holder.provider, reference: charge.providerReference } : null,
    });
  }

  #returned({ reference, amount }: Pick<KeptRecord, "reference" | "amount">): boolean {
    const back = this.#view.records.filter(
      ({ kind, state, payment }) => kind === "refund" && state === "succeeded" && payment === reference,
    );
    return back.length > 0 && back.reduce((sum, refund) => sum + refund.amount, 0n) >= amount;
  }

  #unseen(attempt: Attempt): void {
    this.undecided.add(attempt.id);
    this.unverified.push({ provider: attempt.provider, subject: attempt.providerReference ?? attempt.object ?? attempt.id });
  }

  #find(kind: FindingKind, attempt: Attempt, subject: string, facts: Facts): void {
    const { charge } = this.#view;
    const { ours, theirs, at, ...more } = facts;
    this.findings.push({
      account_id: charge.accountId,
      kind,
      provider: attempt.provider,
      subject,
      charge_id: charge.id,
      attempt_id: attempt.id,
      operation_id: null,
      our_amount: ours?.toString() ?? null,
      their_amount: theirs?.toString() ?? null,
      currency: charge.currency,
      detail: { window_at: at.toISOString(), charge_status: charge.status, attempt_outcome: attempt.outcome, ...more },
    });
  }
}

interface Facts {
  readonly ours: bigint | null;
  readonly theirs: bigint | null;
  readonly at: Date;
  readonly [more: string]: unknown;
}

/** Firm: "not found" and "under review" prove nothing. */
function hasNoMoney(found: Finding): boolean {
  return found.kind === "approved" || found.kind === "unpaid" || found.kind === "fenced" || found.kind === "declined";
}

function tookMoneyAt(attempt: Attempt, captures: readonly OwnOperation[]): Date {
  return captures.find(({ state }) => state === "succeeded")?.updated_at ?? attempt.finishedAt ?? attempt.startedAt;
}
