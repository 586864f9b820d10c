import type { Clock } from "./clock.ts";

/**
 * One call to a provider: its deadline, its count of wire attempts, and the gate (law 4).
 * Choosing an outcome closes the call in the same synchronous step; from then on the transport refuses to send for it,
 * whatever the abandoned code still does.
 */
export class Call {
  readonly #clock: Clock;
  readonly #maySend: () => boolean;
  readonly #onLate: (result: unknown) => void;
  readonly #onClose: (() => void)[] = [];
  readonly timeoutMs: number;
  #closed = false;
  #wireAttempts = 0;

  constructor(options: {
    clock: Clock;
    /** Milliseconds from now after which the call is given up. */
    timeoutMs: number;
    /** Asked synchronously before every wire attempt: is the lease ours, is the key young enough? */
    maySend?: () => boolean;
    /** Told what the abandoned work answered after the deadline: evidence, never the outcome. */
    onLate?: (result: unknown) => void;
  }) {
    this.#clock = options.clock;
    this.#maySend = options.maySend ?? (() => true);
    this.#onLate = options.onLate ?? (() => {});
    this.timeoutMs = options.timeoutMs;
  }

  /** Wire attempts of the request that matters (token fetches do not count). */
  get wireAttempts(): number {
    return this.#wireAttempts;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /**
   * The transport calls this synchronously before the first byte of every request, token fetches included.
   * Throws `GateClosed` once the call is closed or may no longer send.
   */
  assertMaySend(): void {
    if (this.#closed || !this.#maySend()) throw new GateClosed();
  }

  /** The transport calls this in the same step in which it hands over a request that can execute something. */
  countWireAttempt(): void {
    this.assertMaySend();
    this.#wireAttempts += 1;
  }

  /** The transport registers what ends its open sockets; called at once if the call is closed already. */
  onClose(end: () => void): void {
    if (this.#closed) end();
    else this.#onClose.push(end);
  }

  /**
   * Runs `work` under the deadline. The first of (work settles, deadline, closed from outside) chooses the result and
   * closes the call in the same synchronous step. `classify` turns a throw into a result. What `work` answers after that
   * is told as evidence (`onLate`): it never changes what was chosen.
   */
  run<T>(work: () => Promise<T>, classify: (error: unknown) => T, onDeadline: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      let chosen = false;
      let stop = (): void => {};
      const choose = (make: () => T): void => {
        const first = !chosen;
        chosen = true;
        try {
          const result = make();
          if (first) resolve(result);
          else this.#onLate(result);
        } catch (bug) {
          reject(bug);
        } finally {
          this.close();
        }
      };
      const giveUp = (): void => {
        stop();
        if (!chosen) choose(onDeadline);
      };
      // Registered before any socket: what was sent so far is judged first, then the sockets end.
      this.onClose(giveUp);
      if (this.#closed) return;
      stop = this.#clock.after(this.timeoutMs, giveUp);
      new Promise<T>((settle) => settle(work())).then(
        (result) => choose(() => result),
        (error) => choose(() => classify(error)),
      );
    });
  }

  /** Closes the gate for good and ends the open sockets. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const end of this.#onClose.splice(0)) end();
  }
}

/** Thrown by the transport instead of sending. Before any wire attempt it is proof that nothing was sent. */
export class GateClosed extends Error {
  override readonly name = "GateClosed";
  readonly code = "SWITCHYARD_GATE_CLOSED";
  constructor() {
    super("the call is closed: nothing more is sent for it");
  }
}
