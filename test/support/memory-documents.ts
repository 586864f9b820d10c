import { assertWithinLimits } from "../../gateway/health/document-limits.ts";
import type { Exchange, Exchanged, SharedDocument, SharedDocuments } from "../../gateway/health/shared-documents.ts";
import type { Clock } from "../../providers/contract/clock.ts";

/** A store in memory that several fleets share on one virtual clock; it can be cut off and emptied. */
export class MemoryStore {
  readonly #clock: Clock;
  /** One way. */
  readonly #latencyMs: number;
  #documents = new Map<string, SharedDocument>();
  #version = 0;
  #epoch = 1;
  #listeners: { client: object; fn: () => void }[] = [];
  readonly #cutOff = new Set<object>();
  readonly #deaf = new Set<object>();
  exchanges = 0;
  /** By how much its clock is ahead of the instances'. */
  aheadMs = 0;

  constructor(clock: Clock, latencyMs = 1) {
    this.#clock = clock;
    this.#latencyMs = latencyMs;
  }

  client(): SharedDocuments {
    const me: SharedDocuments = {
      exchange: async (request) => {
        assertWithinLimits(request);
        await this.#clock.sleep(this.#latencyMs);
        if (this.#cutOff.has(me)) throw new Error("cut off");
        const answer = this.#exchange(request, me);
        await this.#clock.sleep(this.#latencyMs);
        if (this.#deaf.has(me)) throw new Error("no answer");
        return answer;
      },
      onUrgent: (fn) => this.#listeners.push({ client: me, fn }),
      close: () => {
        this.#listeners = this.#listeners.filter(({ client }) => client !== me);
        this.#cutOff.add(me);
      },
    };
    return me;
  }

  cutOff(...clients: readonly SharedDocuments[]): void {
    for (const client of clients) this.#cutOff.add(client);
  }

  /** What they ask for is done, and they do not hear of it. */
  loseAnswers(...clients: readonly SharedDocuments[]): void {
    for (const client of clients) this.#deaf.add(client);
  }

  reconnect(...clients: readonly SharedDocuments[]): void {
    for (const client of clients) {
      this.#cutOff.delete(client);
      this.#deaf.delete(client);
    }
  }

  empty(): void {
    this.#documents = new Map();
    this.#version = 0;
    this.#epoch += 1;
  }

  read(name: string): unknown {
    const value = this.#documents.get(name)?.value;
    return value === undefined ? undefined : JSON.parse(value);
  }

  /** As somebody else would. */
  write(name: string, value: string): void {
    this.#documents.set(name, { name, version: ++this.#version, value });
  }

  #exchange({ since, writes, urgent }: Exchange, by: object): Exchanged {
    this.exchanges += 1;
    const epoch = String(this.#epoch);
    const reset = since !== null && since.epoch !== epoch;
    const written: { name: string; version: number }[] = [];
    const refused: SharedDocument[] = [];
    for (const { name, expected, value } of writes) {
      const held = this.#documents.get(name) ?? { name, version: 0, value: "" };
      if (held.version !== expected) refused.push(held);
      else {
        this.write(name, value);
        written.push({ name, version: this.#version });
      }
    }
    const from = reset || since === null ? 0 : since.version;
    const known = new Set([...written, ...refused].map(({ name }) => name));
    const changed = [...this.#documents.values()].filter(({ name, version }) => version > from && !known.has(name));
    if (urgent && written.length > 0)
      for (const { client, fn } of this.#listeners) if (client !== by) this.#clock.after(this.#latencyMs, fn);
    const position = { epoch, version: this.#version };
    return { position, now: this.#clock.now() + this.aheadMs, written, documents: [...refused, ...changed], reset, more: false };
  }
}
