import type { Acceptance, NewAttempt } from "../../gateway/store/accept-charges.ts";
import type { NewOperation, Transition } from "../../gateway/store/write-transitions.ts";
import type { Ledger, Movement } from "./ledger.ts";
import type { Processor } from "./processor.ts";
import type { Act } from "./wire.ts";
import type { World } from "./world.ts";

interface Intent {
  readonly id: string;
  readonly attemptId: string;
  readonly kind: "capture" | "void";
  readonly amount: bigint;
  state: string;
}

interface Attempt {
  readonly id: string;
  readonly chargeId: string;
  readonly provider: string;
  /** It only authorizes. */
  readonly manual: boolean;
  /** It was left for another provider while it was in doubt. */
  orphan: boolean;
  live: boolean;
}

/** Captures and voids of holds against what was committed: who may move money, and what became of what is held. */
export class Settlements {
  readonly #world: World;
  readonly #ledger: Ledger;
  readonly #processors: ReadonlyMap<string, Processor>;
  readonly #attempts = new Map<string, Attempt>();
  readonly #ofCharge = new Map<string, Attempt[]>();
  readonly #authorizeFirst = new Set<string>();
  readonly #intents = new Map<string, Intent>();
  /** What callers asked to be captured, by charge. */
  readonly #asked = new Map<string, Set<bigint>>();
  /** Captures that left and have not arrived, by object. */
  readonly #underWay = new Map<string, number>();

  constructor(parts: { world: World; ledger: Ledger; processors: ReadonlyMap<string, Processor> }) {
    this.#world = parts.world;
    this.#ledger = parts.ledger;
    this.#processors = parts.processors;
  }

  captureAsked(chargeId: string, amount: bigint): void {
    this.#asked.set(chargeId, (this.#asked.get(chargeId) ?? new Set()).add(amount));
  }

  accepted({ id, failover, attempt }: Acceptance): void {
    if (failover === "authorize_first") this.#authorizeFirst.add(id);
    if (attempt) this.#begun(id, attempt);
  }

  written(row: Transition): void {
    const { id, attempt: patch, settlement, reopen, next_attempt: next, operation } = row;
    if (patch) this.#patched(id, patch);
    const settled = settlement && this.#intents.get(settlement.id);
    if (settled) settled.state = settlement.state;
    const again = reopen && this.#attempts.get(reopen.id);
    if (again) again.live = true;
    if (next) {
      this.#provenReleased(id);
      this.#begun(id, next);
    }
    if (operation && operation.kind !== "compensate") this.#intended(row, operation, operation.kind);
    const live = (this.#ofCharge.get(id) ?? []).filter((one) => one.live);
    if (live.length > 1) this.#violate("law 1", `${id} has ${live.length} attempts that may move money`, id);
  }

  sent(psp: string, { key, attemptId, chargeId, amount }: Act): void {
    const intent = this.#intents.get(key);
    const attempt = this.#attempts.get(attemptId);
    if (!intent || !attempt) {
      this.#violate("law 2", `a capture of ${attemptId} was sent before its intent was committed`, chargeId);
      return;
    }
    if (intent.kind !== "capture" || intent.attemptId !== attemptId || intent.amount !== amount || attempt.provider !== psp)
      this.#violate("law 2", `a capture of ${attemptId} was sent that differs from what was committed`, chargeId);
    if (intent.state === "succeeded" || intent.state === "failed")
      this.#violate("law 2", `a capture of ${attemptId} was sent after it had ${intent.state}`, chargeId);
    // Kept as proven not executed, a crash after this send would not show.
    if (intent.state === "deferred") this.#violate("law 2", `a capture of ${attemptId} was sent while it was kept as deferred`, chargeId);
    if (!attempt.live) this.#violate("law 1", `a capture of ${attemptId} was sent, which may not move money`, chargeId);
    for (const other of this.#others(attempt)) {
      if (this.#mayBeTaken(other))
        this.#violate("law 3", `a capture of ${attemptId} was sent while one of ${other.id} is in doubt`, chargeId);
    }
  }

  departed(object: string): void {
    this.#underWay.set(object, (this.#underWay.get(object) ?? 0) + 1);
  }

  arrived(object: string): void {
    this.#underWay.set(object, (this.#underWay.get(object) ?? 0) - 1);
  }

  /** A fence is about to be sent for what an attempt holds. */
  released(attemptId: string, status: string | undefined): void {
    const attempt = this.#attempts.get(attemptId);
    if (!attempt?.live || status !== "authorized" || !this.#isHeld(attempt)) return;
    const intent = [...this.#intents.values()].some((one) => one.attemptId === attemptId && one.kind === "void" && isOpen(one));
    if (!intent) this.#violate("law 2", `the hold of ${attemptId} was given up without a committed intent`, attempt.chargeId);
  }

  /** Of a hold: only for an intent, and only once in the charge's life. */
  captured({ attemptId, chargeId }: Movement): void {
    const attempt = this.#attempts.get(attemptId);
    if (!attempt?.manual) return;
    const intents = [...this.#intents.values()].filter((one) => one.attemptId === attemptId && one.kind === "capture");
    if (intents.length === 0) this.#violate("law 2", `${attemptId} was only to be authorized, and is captured`, chargeId);
    const captures = this.#ledger.ofCharge(chargeId).filter(({ type }) => type === "capture");
    if (captures.length > 1 && !this.#ledger.isBetrayed(chargeId))
      this.#violate("never twice", `${chargeId} was captured ${captures.length} times`, chargeId);
  }

  #begun(chargeId: string, { id, provider, request }: NewAttempt): void {
    const attempt = { id, chargeId, provider, manual: request.capture === "manual", orphan: false, live: true };
    this.#attempts.set(id, attempt);
    this.#ofCharge.set(chargeId, [...(this.#ofCharge.get(chargeId) ?? []), attempt]);
  }

  #patched(chargeId: string, patch: NonNullable<Transition["attempt"]>): void {
    const attempt = this.#attempts.get(patch.id);
    if (!attempt) return;
    attempt.live = patch.live;
    if (patch.live) return;
    if (patch.outcome === "unknown") {
      attempt.orphan = true;
      if (!attempt.manual || !this.#authorizeFirst.has(chargeId))
        this.#violate("law 3", `${attempt.id} was given up in doubt, and may move money`, chargeId);
    }
    const firm = patch.outcome === "fenced" || patch.outcome === "declined" || patch.outcome === "not_sent";
    if (firm && this.#isHeld(attempt)) this.#violate("law 3", `${attempt.id} is called ${patch.outcome}, and its money is held`, chargeId);
  }

  #intended({ id, from_status: from, command }: Transition, operation: NewOperation, kind: Intent["kind"]): void {
    const amount = BigInt(operation.amount);
    if (from === "authorized" && command === null)
      this.#violate("law 6", `a ${kind} of ${id} is begun, and the command's key is not kept`, id);
    if (from === "authorized" && kind === "capture" && !this.#asked.get(id)?.has(amount))
      this.#violate("law 6", `${amount} of ${id} is to be captured, and nobody asked for that`, id);
    this.#intents.set(operation.id, { id: operation.id, attemptId: operation.attempt_id, kind, amount, state: "processing" });
  }

  /** As the next attempt is committed: nothing is held by what was proven unpaid, and no capture is on its way anywhere. */
  #provenReleased(chargeId: string): void {
    if (this.#ledger.isBetrayed(chargeId)) return;
    for (const earlier of this.#ofCharge.get(chargeId) ?? []) {
      if (!earlier.orphan && this.#isHeld(earlier))
        this.#violate("law 3", `another attempt was begun although money is held for ${earlier.id}`, chargeId);
      if (this.#mayBeTaken(earlier))
        this.#violate("law 3", `another attempt was begun although a capture of ${earlier.id} is on its way`, chargeId);
    }
  }

  #others(attempt: Attempt): Attempt[] {
    return (this.#ofCharge.get(attempt.chargeId) ?? []).filter((other) => other !== attempt);
  }

  #isHeld(attempt: Attempt): boolean {
    return attempt.manual && this.#payments(attempt).some(({ status }) => status === "held") && !this.#ledger.betrayed.has(attempt.id);
  }

  /** A capture is on its way to what is still held, or is being worked at. */
  #mayBeTaken(attempt: Attempt): boolean {
    const held = this.#payments(attempt).filter(({ status }) => status === "held");
    return attempt.manual && held.some(({ id, locked }) => locked || (this.#underWay.get(id) ?? 0) > 0);
  }

  #payments(attempt: Attempt) {
    return this.#processors.get(attempt.provider)?.ofAttempt(attempt.id) ?? [];
  }

  #violate(law: string, detail: string, chargeId: string): void {
    this.#world.violate(law, detail, [chargeId]);
  }
}

function isOpen({ state }: Intent): boolean {
  return state !== "succeeded" && state !== "failed";
}
