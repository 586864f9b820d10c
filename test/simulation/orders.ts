import { isDeepStrictEqual } from "node:util";
import type { Acceptance } from "../../gateway/store/accept-charges.ts";
import type { Transition } from "../../gateway/store/write-transitions.ts";
import { CAPABILITIES } from "./capabilities.ts";
import type { Psp } from "./weather.ts";
import type { Request } from "./wire.ts";
import type { World } from "./world.ts";

interface Order {
  readonly currency: string;
  readonly tokens: Readonly<Record<string, unknown>>;
  readonly deferUntil: number;
}

/** A key's age counts from the claim: at most a lease, and the skew of two clocks, before its first send. */
const CLAIM_TO_SEND_MS = 60_000;

const UNPAID = new Set(["failed", "canceled", "deferred"]);

/** What callers ordered, against what is asked of the processors and written for them. */
export class Orders {
  readonly #world: World;
  readonly #orders = new Map<string, Order>();
  /** What each refund was sent with last, and when that key was sent first. */
  readonly #refundKeys = new Map<string, { readonly key: string; readonly since: number }>();

  readonly #voided = new Set<string>();

  constructor(world: World) {
    this.#world = world;
  }

  accepted({ id, currency, payment_method, defer_until }: Acceptance): void {
    const { tokens } = payment_method as Pick<Order, "tokens">;
    this.#orders.set(id, { currency, tokens, deferUntil: Date.parse(defer_until) });
  }

  sent(psp: string, { operation, intent, about, refund }: Request): void {
    const key = refund?.key;
    // A caller's refund has one key for ever (refunds.ts).
    if (key?.includes(":compensate")) {
      const last = this.#refundKeys.get(about);
      const { now } = this.#world;
      const forgotten = last !== undefined && now - last.since >= CAPABILITIES[psp as Psp].operationKeyAgeMs - CLAIM_TO_SEND_MS;
      if (last && last.key !== key && !forgotten)
        this.#world.violate("law 8", `a refund of ${about} is sent with ${key}, and was with ${last.key}`, [about]);
      if (last?.key !== key) this.#refundKeys.set(about, { key, since: now });
    }
    const order = intent && this.#orders.get(intent.chargeId);
    if (!order || (order.currency === intent.currency && isDeepStrictEqual(order.tokens[psp], intent.token))) return;
    const detail = `a ${operation} for ${intent.chargeId} asks ${psp} for something else than its caller did`;
    this.#world.violate("law 2", detail, [intent.chargeId]);
  }

  /** What its processor refused may be sent under a new key, once a person has replayed its dead letter. */
  refundFailed(key: string): void {
    for (const [about, last] of this.#refundKeys) if (last.key === key) this.#refundKeys.delete(about);
  }

  written(row: Transition): void {
    const { id, from_status: from, status, operation } = row;
    // A void's key is kept with its intent; a hold may also end without any command.
    if (operation?.kind === "void" && row.command !== null) this.#voided.add(id);
    const lapsed = from === "authorized" && row.attempt?.outcome === "fenced" && row.settlement?.state !== "succeeded";
    const gone = row.settlement?.state === "failed" && row.attempt?.outcome === "fenced";
    if (status === "canceled" && from !== "canceled" && row.command === null && !this.#voided.has(id) && !lapsed && !gone)
      this.#world.violate("law 6", `${id} is canceled, and the command's key is not kept`, [id]);
    if (operation?.captured && row.amount_captured === "0" && UNPAID.has(status))
      this.#world.violate("law 8", `${id} is ${status}, holds nothing, and sends ${operation.attempt_id}'s money back`, [id]);
    const deferUntil = this.#orders.get(id)?.deferUntil;
    if (row.next_attempt && from === "deferred" && deferUntil !== undefined && deferUntil <= Date.parse(row.now))
      this.#world.violate("deferral", `an attempt of ${id} was begun after its time`, [id]);
  }
}
