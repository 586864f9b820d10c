import type { ErrorCode, Manner, Payment, Reply } from "./payment.ts";
import type { Psp } from "./weather.ts";
import type { World } from "./world.ts";

const HOUR_MS = 3_600_000;
const RETENTION_MS = {
  stripe: { prepare: 24 * HOUR_MS, commit: 24 * HOUR_MS, capture: 24 * HOUR_MS, refund: 24 * HOUR_MS },
  paypal: { prepare: 6 * HOUR_MS, commit: 45 * 24 * HOUR_MS, capture: 45 * 24 * HOUR_MS, refund: 45 * 24 * HOUR_MS },
} as const;

interface Kept {
  readonly at: number;
  /** null while it runs. */
  readonly answer: Reply | null;
  readonly payment: Payment | null;
}

/** A request under a key: refused for a reason that is not stored, or executed once. */
export interface Posted {
  readonly step: keyof (typeof RETENTION_MS)[Psp];
  /** null: none of ours, so that each request is a new one (stripe's replay of a capture, and its cancel). */
  readonly key: string | null;
  /** null where it is yet to be made. */
  readonly payment: Payment | null;
  readonly manner: Manner;
  readonly refuses: () => ErrorCode | null;
  readonly execute: () => Payment;
}

/** Idempotency keys as both processors keep them: stripe the first answer, a 500 too; paypal what was done, shown as it is now. */
export class KeptKeys {
  readonly #psp: Psp;
  readonly #world: World;
  /** paypal only: a replay finds the payment in this state; may carry it on. */
  readonly #revive: (payment: Payment) => ErrorCode | null;
  readonly #kept = new Map<string, Kept>();

  constructor(psp: Psp, world: World, revive: (payment: Payment) => ErrorCode | null) {
    this.#psp = psp;
    this.#world = world;
    this.#revive = revive;
  }

  /** Another copy of a request with this key would get the stored answer. */
  remembers(key: string): boolean {
    return this.#kept.get(key)?.answer != null;
  }

  post(posted: Posted, reply: (reply: Reply) => void): void {
    const { step, key, payment, manner } = posted;
    const kept = key === null ? undefined : this.#kept.get(key);
    if (kept && this.#world.now - kept.at < RETENTION_MS[this.#psp][step]) {
      reply(this.#again(kept, step));
      return;
    }
    const refusal = posted.refuses();
    if (refusal) {
      reply({ kind: "error", code: refusal });
      return;
    }
    if (manner.fails === "before" && this.#psp === "paypal") {
      reply({ kind: "server_error", replayed: false });
      return;
    }
    const at = this.#world.now;
    const keep = (answer: Reply | null, of: Payment | null): void => {
      if (key !== null) this.#kept.set(key, { at, answer, payment: of });
    };
    keep(null, payment);
    if (payment) payment.locked = true;
    const work = (): void => {
      if (payment) payment.locked = false;
      const done = manner.fails === "before" ? null : posted.execute();
      const failure: Reply = { kind: "server_error", replayed: true };
      const stored = manner.fails && this.#psp === "stripe" ? failure : done ? answerOf(done, step, true) : failure;
      keep(stored, done ?? payment);
      this.#world.tell(
        this.#psp,
        `${step} ${key} -> ${manner.fails ? `500 (${manner.fails})` : ""} ${done ? `${done.id} is ${done.status}` : "not executed"}`,
      );
      reply(manner.fails || !done ? { kind: "server_error", replayed: false } : answerOf(done, step, false));
    };
    if (manner.workMs > 0) this.#world.after(manner.workMs, null, `${this.#psp} works`, work);
    else work();
  }

  #again({ answer, payment }: Kept, step: Posted["step"]): Reply {
    if (answer === null) return { kind: "error", code: "in_progress" };
    if (this.#psp === "stripe" || answer.kind === "declined" || !payment) return answer;
    if (step === "capture") return answerOf(payment, step, true);
    const refusal = this.#revive(payment);
    return refusal ? { kind: "error", code: refusal } : shown(payment, true);
  }
}

/** Of a request that was executed. */
function answerOf(payment: Payment, step: Posted["step"], replayed: boolean): Reply {
  // What is still held after a capture was refused.
  if (step === "capture" && payment.status === "held") return { kind: "declined", card: payment.card };
  return payment.declined && payment.status === "created" ? { kind: "declined", card: payment.declined } : shown(payment, replayed);
}

export function shown(payment: Payment, replayed: boolean): Reply {
  return { kind: "ok", payment: { ...payment, refunds: payment.refunds.map((refund) => ({ ...refund })) }, replayed };
}
