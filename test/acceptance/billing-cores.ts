import { Dice } from "../simulation/dice.ts";
import { type Answer, type Asked, ask, type ChargeJson, COME_AGAIN, isPolite } from "./client.ts";
import { sleep } from "./harness.ts";
import { chargeBody } from "./storm.ts";

const FINAL: ReadonlySet<string> = new Set(["succeeded", "failed", "canceled"]);
/** What says that no money moved, and that nothing is kept. */
const NOTHING_KEPT: ReadonlySet<string> = new Set(["409 reference_in_use", "503 no_provider_available", "422 validation_failed"]);
const PATIENCE_MS = 10_000;
/** In the storm a caller leaves it at so many tries, and comes back when it is over. */
const TRIES = 4;
const EXPIRY_MS = 25_000;

interface Wish {
  readonly key: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly dice: Dice;
  readonly told: ChargeJson[];
  readonly heard: string[];
}

/** The callers of the simulator over HTTP: they lose answers, come again, come twice, change bodies, cancel; and remember all. */
export class BillingCores {
  readonly #seed: number;
  readonly #urls: () => readonly string[];
  readonly #wishes: Wish[] = [];
  #stormy = true;
  /** What was told wrongly at the moment when it was told. */
  readonly complaints: { readonly about: readonly string[]; readonly fault: string }[] = [];

  constructor(seed: number, urls: () => readonly string[]) {
    this.#seed = seed;
    this.#urls = urls;
  }

  /** `lanes` of them, each with one wish after the other, until `calm`. */
  async run(lanes: number): Promise<void> {
    await Promise.all(Array.from({ length: lanes }, () => this.#lane()));
  }

  calm(): void {
    this.#stormy = false;
  }

  /** Everybody asks until it is told an end; `givenUp`: what waits for a person now. */
  async askToTheEnd(givenUp: () => Promise<ReadonlySet<string>>, end: number): Promise<void> {
    await Promise.all(
      this.#wishes.map(async (wish) => {
        while (!(await this.#isOver(wish, givenUp)) && Date.now() < end) await sleep(wish.dice.between(1_000, 4_000));
      }),
    );
  }

  /** One for each time that a caller was told a charge. */
  asked(): Asked[] {
    return this.#wishes.flatMap(({ key, body, told, heard }) =>
      told.map((charge, i) => ({ key, body, charge, heard: i === told.length - 1 ? heard : [] })),
    );
  }

  /** How often each answer was heard. */
  answers(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const said of this.#wishes.flatMap(({ heard }) => heard)) counts[said] = (counts[said] ?? 0) + 1;
    return counts;
  }

  async #isOver(wish: Wish, givenUp: () => Promise<ReadonlySet<string>>): Promise<boolean> {
    const said = await this.#ask(wish);
    if (said === "422 validation_failed" || isFinal(wish.told.at(-1))) return true;
    const known = wish.told.at(-1);
    return known !== undefined && (await givenUp()).has(known.id);
  }

  async #lane(): Promise<void> {
    while (this.#stormy) {
      const wish = this.#wish(this.#wishes.length);
      this.#wishes.push(wish);
      const { dice } = wish;
      await Promise.all(Array.from({ length: dice.chance(0.1) ? 2 : 1 }, () => this.#pursue(wish)));
      if (dice.chance(0.1)) await this.#askDifferently(wish);
      if (dice.chance(0.5) && wish.told.at(-1)?.status === "deferred") await this.#cancel(wish);
      if (dice.chance(0.2)) await this.#ask(wish);
      if (dice.chance(0.1)) await this.#read(wish);
      await sleep(dice.between(20, 250));
    }
  }

  #wish(n: number): Wish {
    const key = `wish-${n}`;
    const dice = new Dice(this.#seed, key);
    const body = {
      ...chargeBody(n),
      amount: dice.whole(100, 99_999),
      metadata: { wish: key },
      ...(dice.chance(0.15) ? { reference: `shared-${dice.whole(1, 5)}` } : {}),
      ...(dice.chance(0.2) ? { allow_duplicate_reference: true } : {}),
      ...(dice.chance(0.15) ? { defer: false } : dice.chance(0.1) ? { defer: { until: new Date(Date.now() + EXPIRY_MS) } } : {}),
    };
    return { key, body, dice, told: [], heard: [] };
  }

  async #pursue(wish: Wish): Promise<void> {
    for (let tries = 0; tries < TRIES && this.#stormy; tries += 1) {
      await this.#ask(wish);
      if (wish.told.length > 0) return;
      await sleep(wish.dice.between(100, 1_500));
    }
  }

  /** What it was told, in short. */
  async #ask(wish: Wish): Promise<string> {
    const known = wish.told.at(-1);
    const answer = await this.#send(wish, "POST /v1/charges", { key: wish.key, body: wish.body });
    if (answer && answer.status < 300) return this.#hear(wish, answer.body);
    const said = this.#said(wish, answer);
    if (known && NOTHING_KEPT.has(said)) this.#complain(wish, `has ${known.id}, and was told ${said}`);
    const polite = answer === null || NOTHING_KEPT.has(said) || (COME_AGAIN.has(said) && isPolite(answer));
    if (!polite) this.#complain(wish, `was told ${said}: ${answer.text}`);
    return said;
  }

  async #askDifferently(wish: Wish): Promise<void> {
    const known = wish.told.at(-1);
    if (!known) return;
    const answer = await this.#send(wish, "POST /v1/charges", { key: wish.key, body: { ...wish.body, amount: known.amount + 1 } });
    if (answer && answer.status < 300) this.#complain(wish, `was told ${answer.text} although its body differs`);
    else this.#said(wish, answer);
  }

  async #cancel(wish: Wish): Promise<void> {
    const answer = await this.#send(wish, `POST /v1/charges/${wish.told.at(-1)?.id}/cancel`, { key: `${wish.key}-cancel` });
    if (answer?.status === 200) this.#hear(wish, answer.body);
    else this.#said(wish, answer);
  }

  async #read(wish: Wish): Promise<void> {
    const known = wish.told.at(-1);
    if (!known) return;
    const answer = await this.#send(wish, `GET /v1/charges/${known.id}`, {});
    if (answer?.status === 200) this.#hear(wish, answer.body);
    else if (this.#said(wish, answer).startsWith("404")) this.#complain(wish, `was told of ${known.id}, which cannot be read`);
  }

  /** null: no answer. It was lost, the caller hung up, or a gateway that was frozen never got the whole request (a bare 408). */
  async #send(wish: Wish, address: string, request: { key?: string; body?: unknown }): Promise<Answer<ChargeJson> | null> {
    const { dice } = wish;
    const urls = this.#urls();
    if (urls.length === 0) return null;
    const patienceMs = this.#stormy && dice.chance(0.15) ? Math.ceil(dice.between(10, 700)) : PATIENCE_MS;
    const answer = await ask<ChargeJson>(dice.pick(urls), address, { ...request, patienceMs }).catch(() => null);
    return answer?.status === 408 || (this.#stormy && dice.chance(0.05)) ? null : answer;
  }

  #hear(wish: Wish, charge: ChargeJson): string {
    wish.told.push(charge);
    wish.heard.push(charge.status);
    return charge.status;
  }

  #said(wish: Wish, answer: Answer<unknown> | null): string {
    const said = answer ? `${answer.status} ${(answer.body as { code?: string } | null)?.code}` : "no answer";
    wish.heard.push(said);
    return said;
  }

  #complain({ key, told }: Wish, fault: string): void {
    this.complaints.push({ about: told.map(({ id }) => id), fault: `${key} ${fault}` });
  }
}

function isFinal(charge: ChargeJson | undefined): boolean {
  return charge !== undefined && FINAL.has(charge.status);
}
