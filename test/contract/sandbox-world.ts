import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import { Call } from "../../providers/contract/call.ts";
import { type Clock, systemClock } from "../../providers/contract/clock.ts";
import type { Provider } from "../../providers/contract/provider.ts";
import type { Fault } from "../../providers/sandbox/fault.ts";
import { type Sandbox, startSandbox } from "../../providers/sandbox/sandbox.ts";
import { openReceiver, type Receiver } from "../providers/sandbox/webhook-receiver.ts";
import { ContractWorld, type Credentials, type Mailbox, type Times } from "./contract-world.ts";
import type { ProviderFixture } from "./provider-fixture.ts";

const SETTLE_MS = 60_000;
/** How often is looked whether a request has arrived. */
const LOOK_MS = 5;
const PARTS_OF_A_PAUSE = 4;

/** Makes the adapter under test: it talks to `baseUrl`, with right or wrong credentials. */
export type MakeAdapter = (options: {
  readonly baseUrl: string;
  readonly clock: Clock;
  /** `other_mode`: of the other mode, for the same address. */
  readonly credentials: "right" | "wrong" | "other_mode";
  /** `WebhookFixture.secret` or `otherSecret`. */
  readonly webhookSecret: string;
  /** PEM of the authority behind the signatures; asked for only where they need one. */
  readonly webhookCa: () => string;
}) => Provider;

/** The real adapters, over real HTTP. One sandbox per test file, one fresh provider per test. */
export class SandboxWorld extends ContractWorld {
  readonly clock = systemClock;
  // stripe-node would wait 500 ms before it sends again by itself
  readonly times: Times = { short: 250, patient: 60_000, slow: 600, quiet: 700, settle: SETTLE_MS };
  readonly #make: MakeAdapter;
  readonly #providers: Provider[] = [];
  readonly mailbox: Mailbox;
  #sandbox: Sandbox | null = null;
  #receiver: Receiver | null = null;
  #aheadMs = 0;
  /** What the fault of now strikes. */
  #faulty: Fault["operation"];

  constructor(fixture: ProviderFixture, make: MakeAdapter) {
    super(fixture);
    this.#make = make;
    const { psp } = fixture.traits;
    this.mailbox = {
      open: (mood = {}) => {
        this.sandbox.setWebhookEndpoint(psp, { url: this.#receiver!.url, secret: fixture.webhooks?.secret ?? "unset" });
        this.sandbox.setWebhookMood(psp, mood);
      },
      deliveries: async () => {
        await this.sandbox.webhooksSent();
        return this.#receiver!.received.map(({ headers, body, receivedAtMs }) => ({
          headers: headers as Record<string, string | undefined>,
          body,
          receivedAtMs,
        }));
      },
    };
  }

  hooks(): void {
    beforeAll(async () => {
      this.#sandbox = await startSandbox({ settleAfterMs: SETTLE_MS, now: () => Date.now() + this.#aheadMs });
      this.#receiver = await openReceiver();
    });
    afterAll(() => {
      this.#receiver?.close();
      return this.sandbox.close();
    });
    beforeEach(async () => {
      this.#aheadMs = 0;
      this.#faulty = undefined;
      await this.forget();
      this.#receiver!.received.length = 0;
      this.begun();
    });
    afterEach(() => {
      this.sandbox.clearWebhookEndpoints(this.fixture.traits.psp);
      for (const provider of this.#providers.splice(0)) provider.close();
    });
  }

  get sandbox(): Sandbox {
    return this.#sandbox!;
  }

  ledger() {
    return this.sandbox.ledger();
  }

  requests() {
    return this.sandbox.requests();
  }

  /** A short deadline counts from when the request that the fault shall strike has arrived: until then a busy machine may take its time. */
  override call(timeoutMs = this.times.patient, maySend?: () => boolean): Call {
    const clock = timeoutMs === this.times.short ? this.#afterArrival() : this.clock;
    return new Call({ clock, timeoutMs, ...(maySend ? { maySend } : {}) });
  }

  #afterArrival(): Clock {
    const arrived = () => this.requests().filter(({ operation }) => operation === this.#faulty).length;
    const before = arrived();
    return {
      ...this.clock,
      after: (ms, fn) => {
        let stop = (): void => {};
        const look = (): void => {
          stop = arrived() > before ? this.clock.after(ms, fn) : this.clock.after(LOOK_MS, look);
        };
        look();
        return () => stop();
      },
    };
  }

  fault(fault: Fault): void {
    this.#faulty = fault.operation;
    this.sandbox.setFault(this.fixture.traits.psp, fault);
  }

  async calm(): Promise<void> {
    this.sandbox.clearFaults(this.fixture.traits.psp);
    await this.sandbox.listening();
  }

  /** In parts, between which what has arrived is read: a machine that stands still must not look like a pause. */
  async pause(ms: number): Promise<void> {
    for (let part = 0; part < PARTS_OF_A_PAUSE; part += 1) await systemClock.sleep(ms / PARTS_OF_A_PAUSE);
  }

  /** Only the sandbox's clock goes on, so what the adapter holds for hours (an access token) is made anew. */
  async passTime(ms: number): Promise<void> {
    this.#aheadMs += ms;
    this.begun();
  }

  async forget(): Promise<void> {
    this.sandbox.reset();
    await this.sandbox.listening();
  }

  protected make(credentials: Credentials): Provider {
    const baseUrl = this.fixture.traits.psp === "stripe" ? this.sandbox.stripeUrl : this.sandbox.paypalUrl;
    const { secret = "", otherSecret = "" } = this.fixture.webhooks ?? {};
    const provider = this.#make({
      baseUrl,
      clock: systemClock,
      credentials: credentials === "other_secret" ? "right" : credentials,
      webhookSecret: credentials === "other_secret" ? otherSecret : secret,
      webhookCa: () => this.sandbox.paypalWebhookCa,
    });
    this.#providers.push(provider);
    return provider;
  }

  protected settled<T>(work: Promise<T>): Promise<T> {
    return work;
  }
}
