import type { Acceptance, Accepted, NewAttempt } from "../../gateway/store/accept-charges.ts";
import type { Statement } from "../../gateway/store/database.ts";
import type { Transition } from "../../gateway/store/write-transitions.ts";
import { Bans } from "./bans.ts";
import type { Coverage } from "./coverage.ts";
import { LateEvidence } from "./late-evidence.ts";
import { Leases } from "./leases.ts";
import type { Ledger } from "./ledger.ts";
import type { Machine } from "./machine.ts";
import { Orders } from "./orders.ts";
import type { Processor } from "./processor.ts";
import { type Intent, Proof } from "./proof.ts";
import { Refunds } from "./refunds.ts";
import { Settlements } from "./settlements.ts";
import { purposeOf, type SqlWatcher } from "./sql.ts";
import { storyOf } from "./statement-story.ts";
import type { WireFault } from "./weather.ts";
import type { Request, WireWatcher } from "./wire.ts";
import type { World } from "./world.ts";

/** An instance further off than this from the database sends nothing. */
const MAX_SKEW_MS = 5_000;
const FINAL = new Set(["succeeded", "failed", "canceled"]);

/** Judges at every step what can be judged there: what was committed before what was sent, and where money is. */
export class Watch implements SqlWatcher, WireWatcher {
  readonly #world: World;
  readonly #ledger: Ledger;
  readonly #coverage: Coverage;
  readonly intents = new Map<string, Intent>();
  readonly #leases: Leases;
  readonly #orders: Orders;
  readonly #bans: Bans;
  readonly #late: LateEvidence;
  readonly #settlements: Settlements;
  readonly refunds: Refunds;
  readonly #proof: Proof;
  readonly #references = new Map<string, { readonly reference: string; readonly id: string }[]>();
  /** When each key was taken. */
  readonly keys = new Map<string, number>();
  /** The last status that the database committed. */
  readonly status = new Map<string, string>();
  /** All that it ever committed. */
  readonly #committed = new Set<string>();

  constructor(parts: { world: World; ledger: Ledger; coverage: Coverage; processors: ReadonlyMap<string, Processor> }) {
    this.#world = parts.world;
    this.#ledger = parts.ledger;
    this.#coverage = parts.coverage;
    this.#leases = new Leases(parts.world);
    this.#orders = new Orders(parts.world);
    this.#bans = new Bans(parts.world);
    this.refunds = new Refunds(parts.world);
    this.#ledger.onRefund = (movement) => this.refunds.paid(movement);
    this.#settlements = new Settlements(parts);
    this.#late = new LateEvidence((attemptId) => {
      this.#coverage.count("late evidence");
      this.#ledger.evident.add(attemptId);
    });
    this.#ledger.onLapse = () => this.#coverage.count("holds lapsed");
    this.#proof = new Proof({ ...parts, late: this.#late, intents: this.intents, status: this.status });
    this.#ledger.onCapture = (movement) => {
      this.#settlements.captured(movement);
      this.#proof.captured(movement);
    };
  }

  sent(machine: Machine, processor: Processor, request: Request, maySend: boolean): void {
    const { intent, operation, object } = request;
    const about = [request.about, intent?.chargeId ?? ""].filter((id) => id !== "");
    if (Math.abs(machine.skewMs) > MAX_SKEW_MS && (intent || request.act || request.refund)) {
      this.#world.violate("clocks", `${machine.name} sent a ${operation} with its clock ${machine.skewMs} ms off`, about);
    }
    if (!maySend) this.#world.violate("law 4", `${machine.name} sent a ${operation} for a call that may not send`, about);
    this.#orders.sent(processor.psp, request);
    if (request.act) {
      this.#settlements.sent(processor.psp, request.act);
      this.#coverage.count("sent capture");
    }
    const canceled = operation === "cancel" ? this.#attemptOf(request.about) : null;
    if (canceled) this.#settlements.released(canceled.attemptId, this.status.get(canceled.chargeId));
    const chargeId = intent?.chargeId ?? request.act?.chargeId ?? canceled?.chargeId ?? null;
    const releases = canceled !== null && this.#leases.releases(machine, canceled.attemptId);
    if (chargeId !== null && !releases) this.#leases.sent(machine, operation, chargeId);
    if (request.refund) {
      const { key, attemptId, amount } = request.refund;
      this.#leases.sentBack(machine, key);
      this.refunds.sent(processor.psp, key, attemptId, amount);
      this.#coverage.count("sent refund");
    }
    if (!intent) return;
    const committed = this.intents.get(intent.attemptId);
    if (!committed) this.#world.violate("law 2", `a ${operation} was sent before its attempt was committed`, [intent.chargeId]);
    else if (committed.provider !== processor.psp || committed.amount !== intent.amount.toString()) {
      this.#world.violate("law 2", `a ${operation} was sent that differs from what was committed`, [intent.chargeId]);
    }
    if (object) committed?.objects.add(object);
    this.#coverage.count(`sent ${operation}`);
  }

  struck(fault: WireFault, request: Request): void {
    this.#coverage.fault(fault, `during ${request.operation}`);
    if (request.operation === "cancel" || request.operation === "refund") this.#coverage.count(`struck ${request.operation}`);
    const chargeId = request.intent?.chargeId ?? request.act?.chargeId ?? this.#attemptOf(request.about)?.chargeId ?? null;
    if (chargeId !== null) this.#coverage.fault(fault, `while ${this.status.get(chargeId) ?? "unknown"}`);
  }

  /** What is only read or canceled names an attempt, or an object of one. */
  #attemptOf(about: string): Intent | null {
    for (const intent of this.intents.values()) {
      if (about.includes(intent.attemptId) || intent.objects.has(about)) return intent;
    }
    return null;
  }

  captureAsked(chargeId: string, amount: bigint): void {
    this.#settlements.captureAsked(chargeId, amount);
  }

  departed({ operation, object }: Request): void {
    if (operation === "capture" && object) this.#settlements.departed(object);
    if (operation === "commit" && object) this.#proof.departed(object);
  }

  arrived({ operation, object }: Request): void {
    if (operation === "capture" && object) this.#settlements.arrived(object);
    if (operation === "commit" && object) this.#proof.arrived(object);
  }

  applied(machine: Machine, statement: Statement, rows: readonly object[]): void {
    const story = storyOf(statement, rows);
    if (story !== null) this.#world.tell("database", `${machine.name} ${story}`);
    const purpose = purposeOf(statement);
    const [first, second, third] = statement.values ?? [];
    const id = String(first);
    switch (purpose) {
      case "accept_charges":
        this.#accepted(machine, statement, rows as { id: string; said: Accepted }[]);
        break;
      case "write_transitions":
        this.#written(machine, statement, rows as { id: string; lease_no: number }[]);
        break;
      case "claim_due":
      case "claim_deferred":
      case "claim_expired":
      case "claim_one":
      case "claim_operations":
        this.#leases.claimed(machine, statement, rows);
        if (purpose === "claim_operations") this.refunds.claimed(rows);
        break;
      case "accept_refund":
        this.#leases.opened(machine, rows);
        this.refunds.opened(rows);
        this.#coverage.count("refunds", rows.length);
        break;
      case "write_operation":
        if (rows.length > 0) {
          const write = JSON.parse(statement.values?.[4] as string) as Parameters<Refunds["written"]>[1];
          this.refunds.written(id, write);
          if (write.state === "failed") this.#orders.refundFailed(write.provider_key);
          this.#coverage.count(`operation ${write.state}`);
        }
        this.#leases.released(id, second as number);
        break;
      case "release_claim":
      case "release_operation":
        this.#leases.released(id, second as number);
        break;
      case "hint_attempt":
        if (this.#late.isClosed(id) && !this.#late.isOrphan(id)) this.#leases.outdated(this.intents.get(id)?.chargeId ?? "");
        this.#late.hinted(id, second as Date);
        break;
      case "take_attempts_to_look_at":
        for (const taken of rows as { id: string }[]) this.#late.taken(taken.id, second as Date);
        break;
      case "count_look":
      case "put_off_look":
        this.#late.moved(id, second as Date | null, third as Date | null, purpose === "count_look");
        break;
      case "end_looks":
        this.#late.ended(id);
    }
  }

  #accepted(machine: Machine, statement: Statement, rows: readonly { id: string; said: Accepted }[]): void {
    const done = new Set(rows.flatMap(({ id, said }) => (said === "accepted" ? [id] : [])));
    const batch = JSON.parse(statement.values?.[0] as string) as Acceptance[];
    // They came at the same moment, so any order is right in which each was: one that minds others, then one that does not.
    batch.sort((a, b) => Number(a.allow_duplicate_reference) - Number(b.allow_duplicate_reference));
    for (const row of batch) {
      this.#world.tell(
        "database",
        `${machine.name} accept ${row.id} key ${row.idempotency_key}: ${done.has(row.id) ? row.status : "REFUSED"} ${row.attempt ? `${row.attempt.id} at ${row.attempt.provider}` : ""}`,
      );
      if (!done.has(row.id)) continue;
      this.#coverage.count("charges");
      this.#orders.accepted(row);
      this.#bans.accepted(row);
      this.#settlements.accepted(row);
      if (row.failover === "authorize_first") this.#proof.authorizesFirst(row.id);
      if (row.capture === "manual") this.#coverage.count("manual captures");
      if (row.status === "failed") this.#coverage.count("retries refused");
      this.#leases.accepted(machine, row.id, row.lease_until);
      this.keys.set(row.idempotency_key, this.#world.now);
      if (row.reference !== null) this.#referred(row.id, row.reference, row.allow_duplicate_reference);
      this.#moved(row.id, null, row.status);
      if (row.attempt) this.#begun(row.id, row.attempt);
    }
  }

  #written(machine: Machine, statement: Statement, rows: readonly { id: string; lease_no: number }[]): void {
    const done = new Set(rows.map(({ id, lease_no }) => `${id} ${lease_no}`));
    for (const row of JSON.parse(statement.values?.[0] as string) as Transition[]) {
      const { attempt, next_attempt: next } = row;
      const did = done.has(`${row.id} ${row.lease_no}`);
      const closed = attempt
        ? `${attempt.id} ${attempt.outcome}${attempt.live ? "" : " closed"}${attempt.ambiguous ? " ambiguous" : ""} ${JSON.stringify(attempt.detail)}`
        : "";
      this.#world.tell(
        "database",
        `${machine.name} write ${row.id} lease ${row.lease_no} ${row.from_status} -> ${row.status}: ${did ? "done" : "LEASE LOST"} ${closed}${next ? ` next ${next.id} at ${next.provider}` : ""}`,
      );
      if (!did) {
        this.#coverage.count("writes refused by the lease");
        continue;
      }
      this.#leases.written(row.id, row.lease_until);
      this.#orders.written(row);
      this.#bans.written(row);
      this.#settlements.written(row);
      this.refunds.intended(row);
      if (attempt && !attempt.live && attempt.outcome === "unknown") this.#coverage.count("orphans");
      if (row.reopen) {
        this.#coverage.count(row.reopen.outcome === "approved" ? "adoptions" : "orphans taken back");
        this.#late.adopted(row.reopen.id);
      }
      this.#moved(row.id, row.from_status, row.status);
      if (row.dead_letter) this.#coverage.count("dead letters");
      if (row.operation) this.#coverage.count(row.operation.kind === "compensate" ? "compensations" : `intents to ${row.operation.kind}`);
      if (row.operation?.kind === "compensate" && !row.operation.captured) this.#coverage.count("orphans released");
      if (row.settlement) this.#coverage.count(`operation ${row.settlement.state}`);
      if (
        attempt?.ambiguous &&
        attempt.outcome === "not_sent" &&
        !attempt.live &&
        (attempt.detail as { cause?: string }).cause !== "fenced"
      ) {
        this.#world.violate("law 5", `${attempt.id} was ambiguous once and is called not sent`, [row.id]);
      }
      if (next) {
        this.#coverage.count("failovers");
        this.#proof.provenUnpaid(row.id);
        this.#begun(row.id, next);
      }
      if (attempt) this.#late.written(attempt);
    }
  }

  /** Law 7: what is said was committed before. */
  answered(id: string, status: string): void {
    if (!this.#committed.has(`${id} ${status}`))
      this.#world.violate("law 7", `${id} is said to be ${status}, and that was never committed`, [id]);
  }

  /** One unfinished charge per reference. */
  #referred(id: string, reference: string, mayRepeat: boolean): void {
    const others = this.#references.get(reference) ?? [];
    const open = others.find((other) => !FINAL.has(this.status.get(other.id) ?? ""));
    if (open && !mayRepeat)
      this.#world.violate("one charge per reference", `${id} was accepted although ${open.id} is open for ${reference}`, [id, open.id]);
    this.#references.set(reference, [...others, { reference, id }]);
  }

  #moved(id: string, from: string | null, to: string): void {
    if (from !== to) this.#coverage.transition(from, to);
    if (to === "in_doubt" && from !== to) this.#coverage.count("doubts");
    this.status.set(id, to);
    this.#committed.add(`${id} ${to}`);
  }

  #begun(chargeId: string, attempt: NewAttempt): void {
    this.#coverage.count("attempts");
    const { id, provider, request } = attempt;
    this.intents.set(id, {
      chargeId,
      attemptId: id,
      provider,
      amount: request.amount,
      manual: request.capture === "manual",
      objects: new Set(),
    });
  }
}
