import { expect } from "vitest";
import type { Charge } from "../../../gateway/charges/charge.ts";
import type { Operation } from "../../../gateway/charges/operation.ts";
import type { CreateRefund } from "../../../gateway/charges/service.ts";
import { readRefund } from "../../../gateway/store/read-refunds.ts";
import type { Provider } from "../../../providers/contract/provider.ts";
import { both, chargeInput, type Engine, type EngineSettings, eventually, reread, startEngine } from "../../support/engine.ts";

export type ProviderId = "stripe" | "paypal";
export const PROVIDERS: readonly ProviderId[] = ["stripe", "paypal"];

type Refund = Provider["refund"];
type Lookup = NonNullable<Provider["lookupRefund"]>;

/** The engine, and what it takes to have captured money that is to go back. */
export class RefundStage {
  readonly engine: Engine;
  /** What stands between the engine and the adapters in one test. */
  readonly between: {
    refund: ((real: Refund, ...args: Parameters<Refund>) => ReturnType<Refund>) | null;
    lookup: ((real: Lookup, ...args: Parameters<Lookup>) => ReturnType<Lookup>) | null;
  };
  #serial = 0;

  private constructor(engine: Engine, between: RefundStage["between"]) {
    this.engine = engine;
    this.between = between;
  }

  static async open(settings: EngineSettings = {}): Promise<RefundStage> {
    const between: RefundStage["between"] = { refund: null, lookup: null };
    const wrap = (provider: Provider): Provider =>
      new Proxy(provider, {
        get(target, name) {
          const value = Reflect.get(target, name);
          if (typeof value !== "function") return value;
          const real = value.bind(target);
          if (name === "refund")
            return (...args: Parameters<Refund>) => (between.refund ?? ((as: Refund, ...a) => as(...a)))(real, ...args);
          if (name === "lookupRefund")
            return (...args: Parameters<Lookup>) => (between.lookup ?? ((as: Lookup, ...a) => as(...a)))(real, ...args);
          return real;
        },
      });
    const engine = await startEngine({ wrap, providerTimeoutMs: 600, chargeBudgetMs: 3_000, ...settings });
    return new RefundStage(engine, between);
  }

  async reset(): Promise<void> {
    this.between.refund = null;
    this.between.lookup = null;
    this.engine.sandbox.clearFaults();
    await this.engine.sandbox.listening();
    for (const provider of PROVIDERS) await this.override(provider, "up");
    // What an earlier test left open is not this one's.
    await this.sql("update operations set next_action_at = null where kind in ('refund', 'compensate')");
  }

  override(provider: ProviderId, mode: "up" | "down" | "drain"): Promise<unknown> {
    const by = { actor: "key:ops", accountId: "acct_default", now: new Date() };
    return this.engine.overrides.set({ provider, mode, reason: "test", expiresAt: null }, by);
  }

  /** 100.00 usd, captured there. */
  async paid(provider: ProviderId, token?: string): Promise<Charge> {
    const tokens = both(...(provider === "stripe" ? [token] : [undefined, token]));
    const { charge } = await this.engine.charges.create(
      chargeInput({ tokens: { [provider]: tokens[provider] }, money: { amount: 10_000n, currency: "usd" as Operation["currency"] } }),
    );
    const settled = await eventually(
      async () => {
        if (charge.status !== "succeeded") await this.pass();
        return reread(this.engine, charge);
      },
      ({ status }) => status === "succeeded",
    );
    expect(settled).toMatchObject({ provider, amountCaptured: 10_000n });
    return settled;
  }

  input(charge: Pick<Charge, "id">, more: Partial<CreateRefund> = {}): CreateRefund {
    this.#serial += 1;
    return {
      accountId: "acct_default",
      actor: "key:test",
      idempotencyKey: `refund-${process.pid}-${this.#serial}`,
      fingerprint: Buffer.alloc(32, 9),
      chargeId: charge.id,
      amount: 1_000n,
      reason: null,
      metadata: {},
      ...more,
    };
  }

  async refund(charge: Pick<Charge, "id">, more: Partial<CreateRefund> = {}): Promise<Operation> {
    return (await this.engine.charges.refund(this.input(charge, more))).refund;
  }

  async read(refund: Pick<Operation, "id">): Promise<Operation> {
    const read = await readRefund(this.engine.db, { accountId: "acct_default", id: refund.id });
    if (!read) throw new Error(`${refund.id} is gone`);
    return read;
  }

  /** What the processors' books say went back, each movement by itself. */
  movedBack(charge: Pick<Charge, "id">): bigint[] {
    const moved = this.engine.sandbox.ledger().filter(({ chargeId, type }) => chargeId === charge.id && type === "refund");
    return moved.map(({ amount }) => amount);
  }

  /** Requests to give money back that reached a processor, by their keys. */
  sent(refund: Pick<Operation, "providerKey">): number {
    const asked = this.engine.sandbox.requests();
    return asked.filter(({ operation, idempotencyKey }) => operation === "refund" && idempotencyKey === refund.providerKey).length;
  }

  async amounts(charge: Pick<Charge, "id">): Promise<{ refunded: bigint; reserved: bigint }> {
    const { amountRefunded: refunded, amountReserved: reserved } = await reread(this.engine, charge as Charge);
    return { refunded, reserved };
  }

  /** As if its time had come; its lease, if it has one, is over. */
  due(refund: Pick<Operation, "id">): Promise<unknown> {
    return this.sql(
      "update operations set next_action_at = now() - interval '1 s', lease_until = least(lease_until, now() - interval '1 s') where id = $1",
      refund.id,
    );
  }

  /** All its times move back by so many hours. */
  age(refund: Pick<Operation, "id">, hours: number): Promise<unknown> {
    return this.sql(
      "update operations set created_at = created_at - $2 * interval '1 h', first_sent_at = first_sent_at - $2 * interval '1 h' where id = $1",
      refund.id,
      hours,
    );
  }

  async turn(refund: Pick<Operation, "id">): Promise<Operation> {
    await this.due(refund);
    await this.pass();
    return this.read(refund);
  }

  async pass(): Promise<void> {
    await this.engine.worker.pass();
    await this.engine.worker.idle();
  }

  /** Turn by turn, until it is so; a breaker may not let the first questions pass. */
  turnsUntil(refund: Pick<Operation, "id">, ...states: Operation["state"][]): Promise<Operation> {
    return eventually(
      () => this.turn(refund),
      ({ state }) => states.includes(state),
    );
  }

  async events(charge: Pick<Charge, "id">): Promise<string[]> {
    const rows = await this.sql<{ type: string }>(
      "select type from events where charge_id = $1 and (type like 'refund.%' or type like 'compensation.%' or type like 'dead_letter.%') order by id",
      charge.id,
    );
    return rows.map(({ type }) => type);
  }

  letters(charge: Pick<Charge, "id">): Promise<{ id: string; kind: string; state: string; operation_id: string | null; reason: string }[]> {
    return this.sql("select id, kind, state, operation_id, reason from dead_letters where charge_id = $1 order by id", charge.id);
  }

  sql<R extends object>(text: string, ...values: unknown[]): Promise<R[]> {
    return this.engine.db.query<R>({ name: "", text, values });
  }
}
