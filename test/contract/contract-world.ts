import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import { Call } from "../../providers/contract/call.ts";
import { systemClock } from "../../providers/contract/clock.ts";
import type { Currency, Money } from "../../providers/contract/money.ts";
import type { Approved, Outcome } from "../../providers/contract/outcome.ts";
import type { AttemptRequest, OperationRequest, Provider } from "../../providers/contract/provider.ts";
import type { Fault } from "../../providers/sandbox/fault.ts";
import type { Movement } from "../../providers/sandbox/ledger.ts";
import { type Sandbox, startSandbox } from "../../providers/sandbox/sandbox.ts";
import type { ProviderFixture } from "./provider-fixture.ts";

export const SETTLE_MS = 50;
/** Longer than any SDK waits before it resends by itself (stripe-node: 500 ms). */
export const QUIET_MS = 700;
/** Long enough for an answer of the sandbox, short enough to wait for. */
export const SHORT_MS = 250;

/** One sandbox per test file, one fresh provider per test, and a memory of all that providers told. */
export class World {
  readonly fixture: ProviderFixture;
  readonly told: unknown[] = [];
  readonly #providers: Provider[] = [];
  #sandbox: Sandbox | null = null;
  #provider: Provider | null = null;
  #nextAttempt = 0;

  constructor(fixture: ProviderFixture) {
    this.fixture = fixture;
  }

  hooks(): void {
    beforeAll(async () => {
      this.#sandbox = await startSandbox({ settleAfterMs: SETTLE_MS });
    });
    afterAll(() => this.sandbox.close());
    beforeEach(async () => {
      this.sandbox.reset();
      await this.sandbox.listening();
      this.#provider = this.create("right");
    });
    afterEach(() => {
      for (const provider of this.#providers.splice(0)) provider.close();
    });
  }

  get sandbox(): Sandbox {
    return this.#sandbox!;
  }

  /** The test's provider; everything that it answers is remembered. */
  get provider(): Provider {
    return this.#provider!;
  }

  create(
    credentials: "right" | "wrong",
    baseUrl = this.fixture.psp === "stripe" ? this.sandbox.stripeUrl : this.sandbox.paypalUrl,
  ): Provider {
    const provider = this.fixture.create({ baseUrl, clock: systemClock, credentials });
    this.#providers.push(provider);
    return this.#remembering(provider);
  }

  call(timeoutMs = 5_000, maySend?: () => boolean): Call {
    return new Call({ clock: systemClock, timeoutMs, ...(maySend ? { maySend } : {}) });
  }

  /** A new attempt of a new charge. */
  request(changes: Partial<AttemptRequest> = {}): AttemptRequest {
    this.#nextAttempt += 1;
    const number = `${this.#nextAttempt}`.padStart(6, "0");
    return {
      chargeId: `ch_contract${number}`,
      attemptId: `at_contract${number}`,
      money: money(4200),
      token: this.fixture.tokens.approved,
      description: "Pro plan, December",
      reference: "invoice-1042",
      createdAtMs: Date.now(),
      ...changes,
    };
  }

  async prepared(request: AttemptRequest): Promise<string> {
    const prepared = await this.provider.prepare(request, this.call());
    if (prepared.kind !== "prepared") throw new Error(`not prepared: ${JSON.stringify(prepared)}`);
    return prepared.object;
  }

  commit(
    request: AttemptRequest,
    object: string,
    options: { replay?: boolean; timeoutMs?: number; provider?: Provider } = {},
  ): Promise<Outcome> {
    const { replay = false, provider = this.provider } = options;
    return provider.commit(request, object, this.call(options.timeoutMs), { replay });
  }

  /** Prepares and commits a charge that is approved. */
  async paid(request = this.request()): Promise<{ request: AttemptRequest; object: string; approved: Approved }> {
    const object = await this.prepared(request);
    const approved = await this.commit(request, object);
    if (approved.kind !== "approved") throw new Error(`not approved: ${JSON.stringify(approved, plain)}`);
    return { request, object, approved };
  }

  operation(
    of: { request: AttemptRequest; object: string; approved: Approved },
    changes: Partial<OperationRequest> = {},
  ): OperationRequest {
    const { chargeId, attemptId, money } = of.request;
    return { chargeId, attemptId, key: `${attemptId}:operation`, reference: of.approved.reference, object: of.object, money, ...changes };
  }

  fault(fault: Fault): void {
    this.sandbox.setFault(this.fixture.psp, fault);
  }

  async calm(): Promise<void> {
    this.sandbox.clearFaults(this.fixture.psp);
    await this.sandbox.listening();
  }

  /** The amounts that really moved for this attempt, minor units. */
  moved(request: AttemptRequest, type: Movement["type"] = "capture"): bigint[] {
    return this.sandbox
      .ledger()
      .filter((movement) => movement.attemptId === request.attemptId && movement.chargeId === request.chargeId && movement.type === type)
      .map((movement) => movement.amount);
  }

  #remembering(provider: Provider): Provider {
    const { told } = this;
    return new Proxy(provider, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== "function") return value;
        return (...input: unknown[]) => {
          const result: unknown = value.apply(target, input);
          if (!(result instanceof Promise)) return remember(result);
          return result.then(remember);
        };
      },
    });
    function remember<T>(result: T): T {
      told.push(result);
      return result;
    }
  }
}

export function money(amount: number | bigint, currency = "usd"): Money {
  return { amount: BigInt(amount), currency: currency as Currency };
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** For JSON.stringify. */
export function plain(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : value;
}
