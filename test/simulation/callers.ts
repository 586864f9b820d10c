import type { Charge } from "../../gateway/charges/charge.ts";
import type { CreateCharge } from "../../gateway/charges/service.ts";
import { fingerprintOf } from "../../gateway/idempotency/fingerprint.ts";
import type { ChargeId } from "../../gateway/ids.ts";
import type { Currency } from "../../providers/contract/money.ts";
import type { Cluster } from "./cluster.ts";
import type { Coverage } from "./coverage.ts";
import type { Dice } from "./dice.ts";
import { HoldActs } from "./hold-acts.ts";
import type { Instance } from "./instance.ts";
import { Line } from "./line.ts";
import type { Card } from "./payment.ts";
import { RefundActs } from "./refund-acts.ts";
import type { Weather } from "./weather.ts";
import type { World } from "./world.ts";

const ACCOUNT = "acct_default";
const DAY_MS = 24 * 3_600_000;
/** Problems that say that no money moved. */
const NOTHING_KEPT = new Set(["no_provider_available", "reference_in_use", "validation_failed"]);
/** Answers to a cancel that was not carried out. */
const REFUSED = new Set(["charge_final", "charge_in_flight", "idempotency_key_reused", "not_found"]);
const FINAL = new Set(["succeeded", "failed", "canceled"]);

const CARDS: Readonly<Record<Card, number>> = {
  good: 60,
  declined_other: 12,
  declined_never: 4,
  declined_later: 4,
  pending_good: 7,
  pending_bad: 3,
  action: 7,
  action_never: 0.3,
  // Only of what is held, and drawn there: hold-acts.ts.
  capture_refused: 0,
  capture_pending: 0,
};

/** Of the charges, so many come with a card that an earlier one had. */
const USED_AGAIN = 0.2;

/** What a caller wants, and all that it was ever told: kept outside of the system. */
export interface Wish {
  readonly key: string;
  readonly input: Omit<CreateCharge, "defer"> & { readonly defer: boolean };
  readonly deferMs: number;
  readonly told: { readonly at: number; readonly charge: Charge }[];
  readonly problems: { readonly at: number; readonly code: string }[];
  tries: number;
}

/** What the database really did. */
interface Witness {
  /** When each key was taken. */
  readonly keys: ReadonlyMap<string, number>;
  answered(chargeId: string, status: string): void;
  captureAsked(chargeId: string, amount: bigint): void;
  readonly refunds: { answered(id: string, state: string): void };
}

/** The billing cores out there: they lose answers, come again, come twice, come a day later, and now and then do something odd. */
export class Callers {
  readonly wishes: Wish[] = [];
  readonly #world: World;
  readonly #cluster: Cluster;
  readonly #coverage: Coverage;
  readonly #dice: Dice;
  readonly #cancelDice: Dice;
  readonly #walletDice: Dice;
  readonly #watch: Witness;
  readonly #line: Line;
  /** null: nothing is held in this seed. */
  readonly #holdActs: HoldActs | null;
  /** null: nothing goes back in this seed. */
  readonly #refundActs: RefundActs | null;

  constructor(parts: {
    world: World;
    weather: Weather;
    cluster: Cluster;
    coverage: Coverage;
    watch: Witness;
  }) {
    this.#watch = parts.watch;
    this.#world = parts.world;
    this.#cluster = parts.cluster;
    this.#coverage = parts.coverage;
    this.#dice = this.#world.dice("callers");
    this.#line = new Line(this.#world, this.#dice, (id, status) => this.#watch.answered(id, status));
    this.#cancelDice = this.#world.dice("cancels again");
    this.#walletDice = this.#world.dice("cards used again");
    this.#holdActs = parts.weather.holds ? this.#keepers() : null;
    this.#refundActs = parts.weather.refunds ? this.#refunders() : null;
    const dice = this.#dice;
    for (let no = dice.whole(3, 7); no > 0; no--) {
      const wish = this.#wish(no);
      this.wishes.push(wish);
      const at = this.#moment(parts.weather);
      this.#later(at, "asks", () => this.#ask(wish));
      if (dice.chance(0.2)) this.#later(at + dice.between(0, 50), "asks at the same time", () => this.#ask(wish));
      if (dice.chance(0.1)) this.#later(at + dice.between(0, 30_000), "asks with another body", () => this.#askDifferently(wish));
      if (dice.chance(0.15)) this.#later(at + DAY_MS + dice.between(0, 3_600_000), "asks a day later", () => this.#ask(wish));
      if (dice.chance(parts.weather.treachery ? 0.6 : 0.15)) this.#later(at + dice.between(0, 60_000), "cancels", () => this.#cancel(wish));
    }
  }

  #keepers(): HoldActs {
    return new HoldActs({
      world: this.#world,
      coverage: this.#coverage,
      accountId: ACCOUNT,
      ask: {
        instance: () => this.#instance(),
        captureAsked: (chargeId, amount) => this.#watch.captureAsked(chargeId, amount),
        call: (key, instance, request, heard) => this.#line.charge(key, instance, request, heard),
      },
    });
  }

  #refunders(): RefundActs {
    return new RefundActs({
      world: this.#world,
      coverage: this.#coverage,
      accountId: ACCOUNT,
      ask: {
        instance: () => this.#instance(),
        refund: (key, instance, request, heard) =>
          this.#line.send(key, instance, request, heard, ({ refund }) => {
            this.#watch.refunds.answered(refund.id, refund.state);
            return `${refund.id} ${refund.state}`;
          }),
      },
    });
  }

  /** After the storm everybody wants to know: until a final answer, or a person's turn. */
  askAgain(everyMs: number): void {
    for (const wish of this.wishes) {
      const ask = (): void => {
        if (wish.told.some(({ charge }) => FINAL.has(charge.status))) return;
        this.#ask(wish);
        if (this.#world.now < DAY_MS * 5) this.#later(everyMs, "asks again", ask);
      };
      this.#later(this.#dice.between(0, 5_000), "asks after the storm", ask);
    }
  }

  /** Most come early, while the storms blow, and some just before the power fails. */
  #moment({ blackout, calmAt }: Weather): number {
    const dice = this.#dice;
    if (blackout && dice.chance(0.5)) return Math.max(500, blackout.at - dice.between(100, 3_000));
    return dice.chance(0.85) ? dice.between(500, 60_000) : dice.between(500, calmAt);
  }

  #later(ms: number, label: string, run: () => void): void {
    this.#world.after(ms, null, label, run);
  }

  #wish(no: number): Wish {
    const dice = this.#dice;
    const key = `wish-${no}`;
    const drawn = dice.weighted(CARDS);
    const card = this.#holdActs?.card(drawn) ?? drawn;
    // A card's issuer says the same wherever it is asked, but for declines of the processor itself.
    const other = card === "declined_other" ? dice.pick(["good", "declined_other"] as const) : card;
    const tokens: Record<string, unknown> = {};
    const has = dice.weighted({ both: 0.75, stripe: 0.12, paypal: 0.13 });
    if (has !== "paypal") tokens.stripe = { psp: "stripe", card, customer: key };
    if (has !== "stripe") tokens.paypal = { psp: "paypal", card: other, customer: key };
    const reference = dice.chance(0.3) ? `invoice-${dice.whole(1, 3)}` : null;
    const amount = BigInt(dice.whole(100, 99_999));
    const input = {
      accountId: ACCOUNT,
      actor: "key:billing",
      idempotencyKey: key,
      fingerprint: fingerprintOf({ method: "POST", path: "/v1/charges", json: { key, amount: amount.toString() } }),
      money: { amount, currency: dice.pick(["usd", "usd", "eur", "jpy"]) as Currency },
      reference,
      allowDuplicateReference: dice.chance(0.2),
      ...(this.#holdActs?.wanted() ?? { capture: "automatic" as const, failover: "proven" as const }),
      paymentMethodId: null,
      paymentMethod: { tokens: this.#usedBefore() ?? tokens, type: "card", brand: "visa", country: "US" },
      description: null,
      metadata: { wish: key },
      defer: dice.chance(0.85),
    };
    return { key, input, deferMs: dice.pick([120_000, 600_000, 72 * 3_600_000, 72 * 3_600_000]), told: [], problems: [], tries: 0 };
  }

  /** Now and then a card that was used before, at best one that its issuer will never approve. */
  #usedBefore(): Readonly<Record<string, unknown>> | null {
    if (this.wishes.length === 0 || !this.#walletDice.chance(USED_AGAIN)) return null;
    const used = this.wishes.map((wish) => wish.input.paymentMethod.tokens);
    const bad = used.filter((tokens) => Object.values(tokens).some((token) => (token as { card: Card }).card === "declined_never"));
    return this.#walletDice.pick(bad.length > 0 ? bad : used);
  }

  #ask(wish: Wish): void {
    const instance = this.#instance();
    wish.tries += 1;
    if (!instance) {
      this.#again(wish);
      return;
    }
    this.#world.tell("caller", `${wish.key} asks ${instance.machine.name}`);
    const { defer, ...rest } = wish.input;
    const untilMs = this.#world.wall + wish.deferMs;
    const startedAt = this.#world.now;
    this.#line.charge(
      wish.key,
      instance,
      () => instance.charges.create({ ...rest, defer: defer ? { untilMs } : false }),
      (answer) => {
        if (answer === null) return this.#again(wish);
        if ("charge" in answer) return this.#hear(wish, answer.charge, startedAt);
        wish.problems.push({ at: this.#world.now, code: answer.problem });
        if (answer.problem === "idempotency_key_reused")
          this.#world.violate("law 6", `${wish.key} asked the same again and was told that its key was reused`, [wish.key]);
        // "No money moved, nothing is kept" is a lie once the key has a charge.
        const takenAt = this.#watch.keys.get(wish.key);
        if (NOTHING_KEPT.has(answer.problem) && takenAt !== undefined && takenAt < startedAt) {
          this.#world.violate("law 6", `${wish.key} has a charge, and was told ${answer.problem}`, [wish.key]);
        }
        this.#again(wish);
      },
    );
  }

  /** Another body under the same key must not be answered with a charge once the key is taken. */
  #askDifferently(wish: Wish): void {
    const instance = this.#instance();
    if (!instance || wish.told.length === 0) return;
    const fingerprint = fingerprintOf({ method: "POST", path: "/v1/charges", json: { key: wish.key, amount: "1" } });
    const { defer: _, ...rest } = wish.input;
    this.#world.tell("caller", `${wish.key} asks ${instance.machine.name} with another body`);
    this.#line.charge(
      wish.key,
      instance,
      () => instance.charges.create({ ...rest, fingerprint, money: { ...rest.money, amount: 1n }, defer: false }),
      (answer) => {
        if (answer && "charge" in answer)
          this.#world.violate("law 6", `${wish.key} was answered although its body differs`, [wish.key, answer.charge.id]);
      },
    );
  }

  #cancel(wish: Wish): void {
    const known = wish.told.at(-1)?.charge;
    const instance = this.#instance();
    if (!known || !instance) return;
    this.#sendCancel(wish, known, instance, false);
  }

  /** `answered`: this key was, with a charge. The same again must be answered so too, whatever has become of the charge. */
  #sendCancel(wish: Wish, known: Charge, instance: Instance, answered: boolean): void {
    const askedAt = this.#world.now;
    const idempotencyKey = `${wish.key}-cancel`;
    const fingerprint = fingerprintOf({ method: "POST", path: `/v1/charges/${known.id}/cancel`, json: undefined });
    this.#world.tell("caller", `${wish.key} cancels ${known.id} at ${instance.machine.name}`);
    this.#coverage.count("cancels asked");
    this.#line.charge(
      wish.key,
      instance,
      () =>
        instance.charges.cancel({ accountId: ACCOUNT, actor: "key:billing", chargeId: known.id as ChargeId, idempotencyKey, fingerprint }),
      (answer) => {
        if (answer && "charge" in answer) {
          this.#hear(wish, answer.charge, askedAt);
          if (this.#cancelDice.chance(0.5))
            this.#later(this.#cancelDice.between(0, 60_000), "cancels again", () => this.#cancelAgain(wish, known));
        } else if (answer && answered && REFUSED.has(answer.problem)) {
          this.#world.violate("law 6", `${wish.key} canceled ${known.id}, asked the same again and was told ${answer.problem}`, [known.id]);
        }
      },
    );
  }

  #cancelAgain(wish: Wish, known: Charge): void {
    const instance = this.#instance();
    if (!instance) return;
    this.#coverage.count("cancels repeated");
    this.#sendCancel(wish, known, instance, true);
  }

  #hear(wish: Wish, charge: Charge, askedAt: number): void {
    this.#coverage.count(`told ${charge.status}`);
    wish.told.push({ at: this.#world.now, charge });
    if (wish.told[0]?.charge.id !== charge.id)
      this.#world.violate("law 6", `${wish.key} was told of ${wish.told[0]?.charge.id}, and now of ${charge.id}`, [wish.key, charge.id]);
    const before = wish.told.find((told) => told.at < askedAt && FINAL.has(told.charge.status))?.charge;
    if (before && before.status !== charge.status && charge.status !== "succeeded") {
      this.#world.violate("law 8", `${wish.key} was told ${before.status}, and later ${charge.status}`, [wish.key, charge.id]);
    }
    if (charge.status === "authorized") this.#holdActs?.authorized(wish.key, charge, (told, at) => this.#hear(wish, told, at));
    if (charge.status === "succeeded") this.#refundActs?.succeeded(wish.key, charge);
    if (!FINAL.has(charge.status)) this.#again(wish);
    else if (this.#dice.chance(0.2)) this.#later(this.#dice.between(0, 120_000), "asks once more", () => this.#ask(wish));
  }

  #again(wish: Wish): void {
    if (wish.tries < 4) this.#later(this.#dice.between(500, 20_000), "asks again", () => this.#ask(wish));
  }

  #instance(): Instance | undefined {
    const ready = this.#cluster.ready();
    return ready.length === 0 ? undefined : this.#dice.pick(ready);
  }
}
