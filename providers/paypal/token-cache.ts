import { Call, GateClosed } from "../contract/call.ts";
import type { Clock } from "../contract/clock.ts";

/** One fetch never holds up charges longer than this: what it could not get, the next one tries afresh. */
const FETCH_TIMEOUT_MS = 5_000;
/** A token is not used in its last minutes, so that none expires on the way. Short-lived ones are used for half their life. */
const EXPIRY_MARGIN_MS = 300_000;

export interface FetchedToken {
  readonly accessToken: string;
  readonly expiresInS: number;
  /** PayPal's id of our app; it tells accounts apart. */
  readonly appId: string | null;
}

/** No token, so the call it was for was never sent. */
export class TokenUnavailable extends Error {
  override readonly name = "TokenUnavailable";
}

interface Held<T> {
  readonly value: T;
  readonly untilWall: number;
  readonly untilMonotonic: number;
}

interface Flight<T> {
  readonly waiters: Set<Call>;
  readonly call: Call;
  readonly done: Promise<T>;
}

/**
 * One access token for all calls, fetched by one of them for all. Only a success is kept: the SDK caches a failed fetch
 * too, and then every later call fails without a byte on the wire.
 * A fetch may send while any of its waiters may, and ends when the last one is closed.
 */
export class TokenCache<T> {
  readonly #clock: Clock;
  readonly #fetch: (call: Call) => Promise<FetchedToken>;
  readonly #wrap: (token: FetchedToken) => T;
  #held: Held<T> | null = null;
  #flight: Flight<T> | null = null;

  constructor(options: { clock: Clock; fetch: (call: Call) => Promise<FetchedToken>; wrap: (token: FetchedToken) => T }) {
    this.#clock = options.clock;
    this.#fetch = options.fetch;
    this.#wrap = options.wrap;
  }

  /** Throws `GateClosed` or `TokenUnavailable`. The caller asks its gate again before it uses the token. */
  async get(call: Call): Promise<T> {
    call.assertMaySend();
    const held = this.#held;
    // Both clocks: the wall may be set back, and the monotonic one may not count suspended time.
    if (held && this.#clock.now() < held.untilWall && this.#clock.monotonic() < held.untilMonotonic) return held.value;
    const flight = this.#flight ?? this.#launch(call);
    flight.waiters.add(call);
    call.onClose(() => {
      flight.waiters.delete(call);
      if (flight.waiters.size > 0) return;
      if (this.#flight === flight) this.#flight = null;
      flight.call.close();
    });
    return flight.done;
  }

  /** Fetches anew for this call alone and keeps the result. Throws like `get`. */
  async refresh(call: Call): Promise<T> {
    call.assertMaySend();
    return this.#keep(await this.#fetch(call));
  }

  /** Forgets `value` if it is still the one in use (a late 401 does not drop a fresh token). */
  drop(value: T): void {
    if (this.#held?.value === value) this.#held = null;
  }

  #launch(first: Call): Flight<T> {
    const waiters = new Set([first]);
    const call = new Call({ clock: this.#clock, timeoutMs: FETCH_TIMEOUT_MS, maySend: () => [...waiters].some(maySend) });
    const landed = call.run<FetchedToken | Error>(
      () => this.#fetch(call),
      (error) => (error instanceof Error ? error : new TokenUnavailable("the fetch failed")),
      () => new TokenUnavailable(`no access token within ${FETCH_TIMEOUT_MS} ms`),
    );
    const done = landed.then((result) => {
      if (this.#flight === flight) this.#flight = null;
      if (result instanceof Error) throw result;
      return this.#keep(result);
    });
    const flight: Flight<T> = { waiters, call, done };
    this.#flight = flight;
    return flight;
  }

  #keep(token: FetchedToken): T {
    const lifeMs = token.expiresInS * 1000;
    const usableMs = Math.max(lifeMs - EXPIRY_MARGIN_MS, lifeMs / 2);
    const value = this.#wrap(token);
    this.#held = { value, untilWall: this.#clock.now() + usableMs, untilMonotonic: this.#clock.monotonic() + usableMs };
    return value;
  }
}

function maySend(call: Call): boolean {
  try {
    call.assertMaySend();
    return true;
  } catch (error) {
    if (error instanceof GateClosed) return false;
    throw error;
  }
}
