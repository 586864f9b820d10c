import type { Attempt, Charge } from "../charges/charge.ts";
import type { ChargeId } from "../ids.ts";
import { DEFAULT_ACCOUNT } from "../store/append-event.ts";
import { hintAttempt } from "../store/closed-attempts.ts";
import type { Database } from "../store/database.ts";
import { type NewFinding, type OpenFinding, openFindings, openFindingsOfCharge, resolveUnseen } from "../store/findings.ts";
import { readCharge } from "../store/read-charges.ts";
import {
  chargesWithoutRecord,
  type KeptRecord,
  type OwnOperation,
  operationsOfCharge,
  readOwnOperation,
  recordsOfCharge,
  refundsWithoutRecord,
  type Scope,
  type SuspectPayment,
  type SuspectRefund,
  suspectPayments,
  suspectRefunds,
} from "../store/reconciliation-suspects.ts";
import { type Judgement, judgePayments } from "./judge-payments.ts";
import { judgeKnownRefund, judgeMissingRefund, judgeUnknownRefund, type RefundVerdict } from "./judge-refunds.ts";
import type { Session } from "./session.ts";

/** Records that one statement compares. */
const PAGE = 1_000;
/** Our own side is asked for by the hour, which bounds what a statement reads. */
const SLICE_MS = 3_600_000;
/** Open findings of other days that a run looks at again. */
const MAX_REVIEWED = 500;
/** Charges that are judged at once: each may wait for a provider. */
const AT_ONCE = 4;
/** Late evidence is due at once on every instance, whatever its clock says. */
const LONG_DUE = new Date(0);

/**
 * Compares one provider, whose lists have been read to the end, both ways: its records with ours, and ours with its records. Payments of
 * one charge are judged together, over all providers: that is how a charge that was paid twice shows.
 */
export async function compareProvider(session: Session, scope: Scope): Promise<void> {
  for await (const payments of pages((after) => suspectPayments(session.parts.db, scope, after, PAGE))) {
    await session.record(payments.filter(({ charge_id }) => charge_id === null).flatMap((one) => unknownPayment(session, scope, one)));
    await judgeCharges(
      session,
      payments.map(({ charge_id }) => charge_id).filter((id) => id !== null),
    );
  }
  for (const slice of slices(session, scope)) {
    for await (const ids of idPages((after) => chargesWithoutRecord(session.parts.db, slice, after, PAGE)))
      await judgeCharges(session, ids);
  }
  for await (const refunds of pages((after) => suspectRefunds(session.parts.db, scope, after, PAGE))) {
    for (const refund of refunds) await take(session, scope.provider, refund.reference, await judgeRefund(session, scope, refund));
  }
  for (const slice of slices(session, scope)) {
    for await (const ids of idPages((after) => refundsWithoutRecord(session.parts.db, slice, after, PAGE)))
      for (const id of ids) await judgeOwnRefund(session, scope, id);
  }
  await review(session, scope);
  await resolveGone(session, scope);
}

/** Nothing of ours is known by it. */
function unknownPayment(session: Session, scope: Scope, payment: SuspectPayment): Omit<NewFinding, "id">[] {
  if (payment.created_at > session.settledBefore) {
    session.underWay();
    return [];
  }
  return [
    {
      // Nobody's: whoever keeps the books of the installation sees it, whoever asked for the run.
      account_id: DEFAULT_ACCOUNT,
      kind: payment.state === "held" ? "orphan_hold" : "unknown_payment",
      provider: scope.provider,
      subject: payment.reference,
      charge_id: null,
      attempt_id: null,
      operation_id: null,
      our_amount: null,
      their_amount: payment.amount.toString(),
      currency: payment.currency,
      detail: {
        window_at: payment.created_at.toISOString(),
        object: payment.object,
        named_charge: payment.named_charge,
        named_attempt: payment.named_attempt,
      },
    },
  ];
}

async function judgeCharges(session: Session, ids: readonly string[]): Promise<void> {
  const fresh = [...new Set(ids)].filter((id) => !session.judged.has(id));
  for (let i = 0; i < fresh.length; i += AT_ONCE) {
    await session.alive();
    await Promise.all(fresh.slice(i, i + AT_ONCE).map((id) => judgeCharge(session, id)));
  }
}

/** By its present state: what has changed since the list was read is no difference. */
async function judgeCharge(session: Session, id: string): Promise<void> {
  session.judged.add(id);
  const { db } = session.parts;
  const records = await recordsOfCharge(db, session.run.id, id);
  const own = await readOurs(db, id);
  if (!own) return;
  const { charge, operations } = own;
  const open = (await openFindingsOfCharge(db, id)).filter(({ operation_id, kind }) => operation_id === null && kind !== "unknown_refund");
  const judged = await judgePayments({
    charge,
    operations,
    records,
    doubted: new Set(open.map(({ attempt_id }) => attempt_id ?? "")),
    settledBefore: session.settledBefore,
    compares: ({ provider, providerAccount }) => session.compared.get(provider) === providerAccount,
    look: (attempt) => session.looks.payment(charge, attempt),
  });
  // Somebody changed it while the provider was asked: what was seen is of two moments.
  const moved = judged.findings.length > 0 && (await readOurs(db, id))?.version !== own.version;
  if (moved || judged.underWay.length > 0) session.underWay();
  if (moved) return;
  // Before it is recorded: a crash between the two must not leave a finding that nobody acts on.
  for (const attempt of judged.hints) await hintAttempt(db, attempt, LONG_DUE);
  await session.record(judged.findings);
  for (const { provider, subject } of judged.unverified) session.unverified(provider, subject);
  await session.resolve(goneOf(session, charge, judged, open, records));
}

async function readOurs(db: Database, id: string): Promise<{ charge: Charge; operations: OwnOperation[]; version: string } | null> {
  const charge = await readCharge(db, { accountId: null, id: id as ChargeId });
  if (!charge) return null;
  const operations = await operationsOfCharge(db, id);
  const version = JSON.stringify([
    charge.status,
    String(charge.amountCaptured),
    charge.attempts.map(({ live, outcome }) => [live, outcome]),
    operations.map(({ id, state }) => [id, state]),
  ]);
  return { charge, operations, version };
}

/** Open findings about the charge that were compared and are not there any more. */
function goneOf(
  session: Session,
  charge: Charge,
  judged: Judgement,
  open: readonly OpenFinding[],
  records: readonly KeptRecord[],
): string[] {
  const key = ({ kind, provider, subject }: Pick<OpenFinding, "kind" | "provider" | "subject">): string => `${kind} ${provider} ${subject}`;
  const still = new Set(judged.findings.map(key));
  const attempts = new Map<string | null, Attempt>(charge.attempts.map((attempt) => [attempt.id, attempt]));
  return open
    .filter((finding) => {
      const attempt = attempts.get(finding.attempt_id);
      if (!attempt || session.compared.get(attempt.provider) !== attempt.providerAccount) return false;
      if (judged.undecided.has(attempt.id) || still.has(key(finding))) return false;
      // A second payment of the very attempt shows in the list alone, and this one may not reach so far.
      return finding.kind !== "paid_twice" || !attempt.live || records.some(({ reference }) => reference === finding.subject);
    })
    .map(({ id }) => id);
}

async function judgeRefund(session: Session, scope: Scope, refund: SuspectRefund): Promise<RefundVerdict> {
  const { db } = session.parts;
  if (refund.operation_id === null) {
    const charge = refund.charge_id === null ? null : await readCharge(db, { accountId: null, id: refund.charge_id as ChargeId });
    const ours = refund.charge_id === null ? [] : await operationsOfCharge(db, refund.charge_id);
    const accountId = charge?.accountId ?? DEFAULT_ACCOUNT;
    return judgeUnknownRefund(refund, ours, { provider: scope.provider, accountId, settledBefore: session.settledBefore });
  }
  const operation = await readOwnOperation(db, refund.operation_id);
  if (!operation) return { kind: "agrees" };
  return judgeKnownRefund(operation, refund, session.settledBefore, () => session.looks.refund(operation));
}

async function judgeOwnRefund(session: Session, scope: Scope, id: string): Promise<RefundVerdict> {
  await session.alive();
  const operation = await readOwnOperation(session.parts.db, id);
  if (!operation) return { kind: "agrees" };
  const verdict = await judgeMissingRefund(operation, session.settledBefore, () => session.looks.refund(operation));
  await take(session, scope.provider, operation.provider_reference ?? operation.id, verdict);
  return verdict;
}

async function take(session: Session, provider: string, subject: string, verdict: RefundVerdict): Promise<void> {
  if (verdict.kind === "differs") await session.record([verdict.finding]);
  else if (verdict.kind === "unverified") session.unverified(provider, subject);
  else if (verdict.kind === "under_way") session.underWay();
}

/** Findings of other days about charges of ours: the difference may be gone by now. */
async function review(session: Session, scope: Scope): Promise<void> {
  const open = await openFindings(session.parts.db, scope.provider, session.since, MAX_REVIEWED);
  const payments = open.filter(({ operation_id, kind }) => operation_id === null && kind !== "unknown_refund");
  await judgeCharges(
    session,
    payments.map(({ charge_id }) => charge_id).filter((id) => id !== null),
  );
  for (const { id, kind, operation_id } of open) {
    if (operation_id === null || kind === "unknown_refund") continue;
    const verdict = await judgeOwnRefund(session, scope, operation_id);
    if (verdict.kind === "agrees") await session.resolve([id]);
  }
}

async function resolveGone(session: Session, scope: Scope): Promise<void> {
  const { db, clock } = session.parts;
  const except = session.unverifiedOf(scope.provider);
  const { provider, account, from, to } = scope;
  session.resolvedToo(await resolveUnseen(db, { provider, account, from, to, since: session.since, except, now: new Date(clock.now()) }));
}

/** Ours by the hour; what the provider's list may not have yet is left to a later run. */
function* slices(session: Session, scope: Scope): Generator<Scope> {
  const { clock, settings } = session.parts;
  const endMs = Math.min(scope.to.getTime(), clock.now() - settings.lagMs);
  for (let fromMs = scope.from.getTime(); fromMs < endMs; fromMs += SLICE_MS)
    yield { ...scope, from: new Date(fromMs), to: new Date(Math.min(fromMs + SLICE_MS, endMs)) };
}

async function* pages<R extends { readonly reference: string; readonly suspect: boolean }>(
  read: (after: string) => Promise<R[]>,
): AsyncGenerator<R[]> {
  for (let after = ""; ; ) {
    const rows = await read(after);
    const last = rows.at(-1);
    if (!last) return;
    yield rows.filter(({ suspect }) => suspect);
    after = last.reference;
  }
}

async function* idPages(read: (after: string) => Promise<string[]>): AsyncGenerator<string[]> {
  for (let after = ""; ; ) {
    const ids = await read(after);
    if (ids.length > 0) yield ids;
    if (ids.length < PAGE) return;
    after = ids.at(-1) as string;
  }
}
