import { expect } from "vitest";
import { requestOf } from "../../../gateway/charges/attempt.ts";
import type { Attempt, Charge } from "../../../gateway/charges/charge.ts";
import { leaseEnd } from "../../../gateway/charges/lease.ts";
import { takeTurn } from "../../../gateway/charges/turn.ts";
import { type Claim, claimOne } from "../../../gateway/store/claim-charges.ts";
import { type ClosedAttempt, hintAttempt, takeAttemptsToLookAt } from "../../../gateway/store/closed-attempts.ts";
import { Call } from "../../../providers/contract/call.ts";
import { systemClock } from "../../../providers/contract/clock.ts";
import type { Provider } from "../../../providers/contract/provider.ts";
import { chargeInput, type Engine, type EngineSettings, eventually, movedAt, reread, startEngine } from "../../support/engine.ts";

/** The engine, and what it takes to have an attempt that is given up and paid all the same. */
export class LateStage {
  /** This test's instance: what its breakers have seen is this test's. */
  engine: Engine;
  readonly #first: Engine;
  readonly #gate: Gate;

  private constructor(first: Engine, gate: Gate) {
    this.engine = first;
    this.#first = first;
    this.#gate = gate;
  }

  static async open(): Promise<LateStage> {
    const gate: Gate = { held: null };
    return new LateStage(await startEngine({ wrap: gated(gate), providerTimeoutMs: 2_000, chargeBudgetMs: 8_000 }), gate);
  }

  /** As it was at the beginning, with a new instance: new attempts go to PayPal only. */
  async reset(settings: EngineSettings = {}): Promise<Engine> {
    this.#gate.held = null;
    this.#first.sandbox.clearFaults();
    await this.#closeInstance();
    this.engine = await this.#first.another(settings);
    await this.allow("paypal");
    return this.engine;
  }

  async close(): Promise<void> {
    await this.#closeInstance();
    await this.#first.close();
  }

  async #closeInstance(): Promise<void> {
    if (this.engine !== this.#first) await this.engine.close();
  }

  /** Holds whoever comes to Stripe's harmless step; `refuse` lets them go on, refused. */
  hold(): { reached: Promise<void>; refuse: () => void; letOthersPass: () => void } {
    const reached = Promise.withResolvers<void>();
    const opened = Promise.withResolvers<void>();
    this.#gate.held = { reached: reached.resolve, opened: opened.promise };
    const letOthersPass = () => {
      this.#gate.held = null;
    };
    return { reached: reached.promise, refuse: opened.resolve, letOthersPass };
  }

  /** New attempts go to these only. */
  async allow(...ids: string[]): Promise<void> {
    const by = { actor: "key:ops", accountId: "acct_default", now: new Date() };
    for (const provider of ["stripe", "paypal"]) {
      const mode = ids.includes(provider) ? "up" : "drain";
      await this.engine.overrides.set({ provider, mode, reason: "test", expiresAt: null }, by);
    }
  }

  /** Deferred: PayPal refused the connection of its attempt's commit step, which is proof; Stripe could not be asked. */
  async deferred(): Promise<{ charge: Charge; first: Attempt }> {
    const { charges, sandbox } = this.engine;
    sandbox.setFault("paypal", { kind: "refuse", operation: "commit", count: 1, delayMs: 60_000 });
    const { charge } = await charges.create(chargeInput());
    expect(charge).toMatchObject({
      status: "deferred",
      attempts: [{ provider: "paypal", outcome: "not_sent", live: false, nextLookAt: null }],
    });
    sandbox.clearFaults("paypal");
    await sandbox.listening();
    return { charge, first: charge.attempts[0] as Attempt };
  }

  /** Law 8's premise: the attempt that was given up is paid after all. (What is not sent can be sent again.) */
  async paidLate(charge: Charge, attempt: Attempt): Promise<void> {
    const paypal = this.engine.core.providers.get("paypal") as Provider;
    const commit = () => {
      const call = new Call({ clock: systemClock, timeoutMs: 5_000 });
      return paypal.commit(requestOf(charge, attempt), attempt.object as string, call, { replay: false });
    };
    await eventually(commit, ({ kind }) => kind === "approved");
  }

  /** A deferred charge whose first attempt is paid late, as an answer after its deadline has told. */
  async withEvidence(): Promise<{ charge: Charge; first: Attempt }> {
    const { charge, first } = await this.deferred();
    await this.paidLate(charge, first);
    await hintAttempt(this.engine.db, first.id, new Date());
    return { charge, first };
  }

  /** A worker's claim of this very charge. */
  async claimed(charge: Charge, status: "deferred" | "processing" = "deferred"): Promise<{ claim: Claim; until: Date }> {
    const { core, db } = this.engine;
    const until = leaseEnd(core.clock, core.settings);
    const claim = await claimOne(db, { now: new Date(), leaseUntil: until, id: charge.id, accountId: null, statuses: [status] });
    if (!claim) throw new Error(`${charge.id} could not be claimed`);
    return { claim, until };
  }

  async takesTurn(charge: Charge, status: "deferred" | "processing" = "deferred"): Promise<void> {
    const { claim, until } = await this.claimed(charge, status);
    await takeTurn(this.engine.core, claim, until);
  }

  /** The look at this charge's attempt, taken as a worker takes it whose clock is `aheadMs` ahead. */
  async lookTaken(charge: Charge, aheadMs = 0): Promise<ClosedAttempt> {
    const { core, db } = this.engine;
    const until = new Date(leaseEnd(core.clock, core.settings).getTime() + aheadMs);
    const looks = await takeAttemptsToLookAt(db, { now: new Date(), until, limit: 100 });
    const look = looks.find(({ chargeId }) => chargeId === charge.id);
    if (!look) throw new Error(`no look at ${charge.id} is due`);
    return look;
  }

  async leaseOver(charge: Charge): Promise<void> {
    await this.engine.db.query({
      name: "test_lease_over",
      text: "update charges set lease_until = null where id = $1",
      values: [charge.id],
    });
  }

  async adopted(charge: Charge): Promise<void> {
    const { engine } = this;
    expect(await reread(engine, charge)).toMatchObject({ status: "succeeded", provider: "paypal", amountCaptured: 4200n });
    expect(movedAt(engine.sandbox, charge.id)).toEqual({ paypal: 4200n });
    const told = await engine.db.query<{ data: { adopted: boolean } }>({
      name: "test_late_success",
      text: "select data from events where charge_id = $1 and type = 'charge.late_success'",
      values: [charge.id],
    });
    expect(told).toMatchObject([{ data: { adopted: true } }]);
  }
}

interface Gate {
  held: { reached: () => void; opened: Promise<void> } | null;
}

function gated(gate: Gate): (provider: Provider) => Provider {
  return (provider) =>
    provider.id !== "stripe"
      ? provider
      : overlaid(provider, {
          prepare: async (...args) => {
            if (!gate.held) return provider.prepare(...args);
            gate.held.reached();
            await gate.held.opened;
            return { kind: "not_sent", cause: "refused", fault: true, detail: "refused at the gate" };
          },
        });
}

/** The same provider, but for some of its operations. */
export function overlaid(provider: Provider, over: Partial<Provider>): Provider {
  return new Proxy(provider, {
    get(target, name) {
      if (Reflect.has(over, name)) return Reflect.get(over, name);
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
