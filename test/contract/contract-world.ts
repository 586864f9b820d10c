import { Call } from "../../providers/contract/call.ts";
import type { Clock } from "../../providers/contract/clock.ts";
import type { Currency, Money } from "../../providers/contract/money.ts";
import type { Approved, Outcome } from "../../providers/contract/outcome.ts";
import type { AttemptRequest, OperationRequest, Provider } from "../../providers/contract/provider.ts";
import type { WebhookDelivery } from "../../providers/contract/webhook.ts";
import type { Fault, Operation } from "../../providers/sandbox/fault.ts";
import type { Movement } from "../../providers/sandbox/ledger.ts";
import type { WebhookMood } from "../../providers/sandbox/webhook-settings.ts";
import type { ProviderFixture } from "./provider-fixture.ts";

/** How long things take on this side, milliseconds. */
export interface Times {
  /** Long enough for an answer, short enough to wait for. */
  readonly short: number;
  /** Whatever answers at all has answered by then. */
  readonly patient: number;
  /** Longer than `short`, shorter than `patient`. */
  readonly slow: number;
  /** Longer than anybody waits before something is sent again unasked. */
  readonly quiet: number;
  /** What the provider keeps waiting is decided by then. */
  readonly settle: number;
}

/** `other_secret`, `other_mode`: good for the API, and of webhooks they expect something else. */
export type Credentials = "right" | "wrong" | "other_secret" | "other_mode";

/** Where the provider's webhooks arrive. */
export interface Mailbox {
  /** Until the end of the test. */
  open(mood?: WebhookMood): void;
  /** What arrived; waits until nothing is under way. */
  deliveries(): Promise<readonly WebhookDelivery[]>;
}

export type Booked = Pick<Movement, "type" | "chargeId" | "attemptId" | "amount" | "currency">;

export interface Paid {
  readonly request: AttemptRequest;
  readonly object: string;
  readonly approved: Approved;
}

/** One side of the seam: adapters, what they talk to, its books and its troubles. Remembers all that providers told. */
export abstract class ContractWorld {
  readonly fixture: ProviderFixture;
  readonly told: unknown[] = [];
  abstract readonly clock: Clock;
  abstract readonly times: Times;
  /** null: nothing is delivered here. */
  abstract readonly mailbox: Mailbox | null;
  #provider: Provider | null = null;
  #nextAttempt = 0;

  constructor(fixture: ProviderFixture) {
    this.fixture = fixture;
  }

  /** Declares what begins and ends each test; calls `begun` at its beginning. */
  abstract hooks(): void;
  /** What providers did to money, by their own books. */
  abstract ledger(): readonly Booked[];
  /** The requests that were sent. */
  abstract requests(): readonly { readonly operation: Operation | "other" }[];
  abstract fault(fault: Fault): void;
  abstract calm(): Promise<void>;
  abstract pause(ms: number): Promise<void>;
  /** Hours or days pass at the provider. */
  abstract passTime(ms: number): Promise<void>;
  /** The provider knows nothing of what was. */
  abstract forget(): Promise<void>;
  protected abstract make(credentials: Credentials): Provider;
  /** Waits for what a provider does. */
  protected abstract settled<T>(work: Promise<T>): Promise<T>;

  /** The test's provider; everything that it answers is remembered. */
  get provider(): Provider {
    return this.#provider!;
  }

  protected begun(): void {
    this.#provider = this.create("right");
  }

  create(credentials: Credentials): Provider {
    return this.#remembering(this.make(credentials));
  }

  call(timeoutMs = this.times.patient, maySend?: () => boolean): Call {
    return new Call({ clock: this.clock, timeoutMs, ...(maySend ? { maySend } : {}) });
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
      createdAtMs: this.clock.now(),
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

  look(request: AttemptRequest, object: string | null, replayPrepare = false): ReturnType<Provider["lookup"]> {
    return this.provider.lookup({ request, object, replayPrepare }, this.call());
  }

  /** Prepares and commits a charge that is approved. */
  async paid(request = this.request()): Promise<Paid> {
    const object = await this.prepared(request);
    const approved = await this.commit(request, object);
    if (approved.kind !== "approved") throw new Error(`not approved: ${JSON.stringify(approved, plain)}`);
    return { request, object, approved };
  }

  /** Prepares and commits a charge that is only held. */
  async held(): Promise<Paid> {
    const paid = await this.paid(this.request({ capture: "manual" }));
    if (paid.approved.captured) throw new Error("captured, and not held");
    return paid;
  }

  operation(of: Paid, changes: Partial<OperationRequest> = {}): OperationRequest {
    const { chargeId, attemptId, money } = of.request;
    return { chargeId, attemptId, key: `${attemptId}:operation`, reference: of.approved.reference, object: of.object, money, ...changes };
  }

  /** The amounts that really moved for this attempt, minor units. */
  moved(request: AttemptRequest, type: Movement["type"] = "capture"): bigint[] {
    return this.ledger()
      .filter((movement) => movement.attemptId === request.attemptId && movement.chargeId === request.chargeId && movement.type === type)
      .map((movement) => movement.amount);
  }

  #remembering(provider: Provider): Provider {
    const remember = <T>(result: T): T => {
      this.told.push(result);
      return result;
    };
    return new Proxy(provider, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== "function") return value;
        return (...input: unknown[]) => {
          const result: unknown = value.apply(target, input);
          return result instanceof Promise ? this.settled(result).then(remember) : remember(result);
        };
      },
    });
  }
}

export function money(amount: number | bigint, currency = "usd"): Money {
  return { amount: BigInt(amount), currency: currency as Currency };
}

/** For JSON.stringify. */
export function plain(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : value;
}
