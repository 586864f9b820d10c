import { assertWithinLimits, MAX_DOCUMENTS, MAX_READ, MAX_READ_BYTES, PATIENCE_MS } from "../../gateway/health/document-limits.ts";
import { withinPatience } from "../../gateway/health/patience.ts";
import type { Exchange, Exchanged, SharedDocument, SharedDocuments } from "../../gateway/health/shared-documents.ts";
import type { Dice } from "./dice.ts";
import type { Machine } from "./machine.ts";
import type { RedisMood, Weather } from "./weather.ts";
import type { World } from "./world.ts";

/** From well within the clients' patience to well beyond it. */
const SLOWEST_MS = 2 * PATIENCE_MS;
/** How far a replica may lag behind. */
export const LONGEST_LAG_MS = 30_000;
/** While trouble goes on, a client may still reach either side of a failover, or find everything gone once more. */
const AGAIN = 0.2;
/** How often a connection that fails had brought the request there. */
const FAILS_AFTERWARDS = 0.5;
/** How often what is urgent reaches nobody while something is wrong. */
const UNHEARD = 0.5;
const LONGEST_NEWS_MS = 5;

type Entry = Pick<SharedDocument, "version" | "value">;

interface Client {
  readonly machine: Machine;
  readonly listeners: (() => void)[];
}

/** The documents of one simulated Redis, as good or bad as the weather. Answers at once, but for its slow mood. */
export class SimulatedDocuments {
  readonly #world: World;
  readonly #weather: Weather;
  readonly #dice: Dice;
  readonly #entries = new Map<string, Entry>();
  /** What each write of the last moments found there: the way back. */
  #undo: { readonly at: number; readonly name: string; readonly before: Entry | undefined; readonly version: number }[] = [];
  readonly #clients = new Set<Client>();
  #epochs = 1;
  #version = 0;
  /** No version is given twice, as microseconds pass on the real side. */
  #issued = 0;
  #lastMood: RedisMood = "well";

  constructor(world: World, weather: Weather) {
    this.#world = world;
    this.#weather = weather;
    this.#dice = world.dice("documents");
  }

  client(machine: Machine): SharedDocuments {
    const client: Client = { machine, listeners: [] };
    const close = () => void this.#clients.delete(client);
    this.#clients.add(client);
    machine.onDeath(close);
    return {
      exchange: async (request) => {
        assertWithinLimits(request);
        if (!this.#clients.has(client)) throw new Error("these documents are closed");
        return this.#command(client, request);
      },
      onUrgent: (listener) => void client.listeners.push(listener),
      close,
    };
  }

  async #command(client: Client, request: Exchange): Promise<Exchanged> {
    const mood = this.#weather.redisMood();
    if (mood === "gone") throw new Error("redis is away");
    if (mood === "failing") {
      if (this.#dice.chance(FAILS_AFTERWARDS)) this.#execute(client, request, mood);
      throw new Error("redis failed, perhaps afterwards");
    }
    const begins = this.#lastMood !== mood;
    this.#lastMood = mood;
    if (mood === "stale" && (begins || this.#dice.chance(AGAIN))) this.#failOver();
    if (mood === "forgetful" && (begins || this.#dice.chance(AGAIN))) this.#forget();
    return mood === "slow" ? this.#slowly(client, request) : this.#execute(client, request, mood);
  }

  #slowly(client: Client, request: Exchange): Promise<Exchanged> {
    const there = this.#dice.between(0, SLOWEST_MS / 2);
    const back = this.#dice.between(0, SLOWEST_MS / 2);
    const answer = new Promise<Exchanged>((resolve) => {
      this.#world.after(there, null, "documents are exchanged", () => {
        const exchanged = this.#execute(client, request, "slow");
        this.#world.after(back, client.machine, "documents come", () => resolve(exchanged));
      });
    });
    return withinPatience(client.machine.clock, PATIENCE_MS, answer);
  }

  /** As exchange-script.ts, step by step. */
  #execute(client: Client, { since, writes, urgent }: Exchange, mood: RedisMood): Exchanged {
    const epoch = `epoch-${this.#epochs}`;
    const reset = since !== null && (since.epoch !== epoch || since.version > this.#version);
    const from = since === null || reset ? 0 : since.version;
    const written: { name: string; version: number }[] = [];
    const told: SharedDocument[] = [];
    for (const { name, expected, value } of writes) {
      const present = this.#entries.get(name);
      if ((present?.version ?? 0) === expected) written.push({ name, version: this.#write(name, value) });
      else told.push({ name, ...(present ?? { version: 0, value: "" }) });
    }
    this.#dropOldest();
    if (urgent && written.length > 0) this.#spread(client, mood);
    const known = new Set(writes.map(({ name }) => name));
    const { version, more, changed } = this.#changedAfter(from, known);
    return { position: { epoch, version }, now: this.#world.wall, written, documents: [...told, ...changed], reset, more };
  }

  #changedAfter(from: number, known: ReadonlySet<string>): { version: number; more: boolean; changed: SharedDocument[] } {
    const newer = [...this.#entries].filter(([, { version }]) => version > from).sort(([, a], [, b]) => a.version - b.version);
    const page = newer.slice(0, MAX_READ);
    const changed: SharedDocument[] = [];
    let bytes = 0;
    for (const [index, [name, entry]] of page.entries()) {
      if (!known.has(name)) {
        changed.push({ name, ...entry });
        bytes += Buffer.byteLength(entry.value);
      }
      if (bytes > MAX_READ_BYTES && index < page.length - 1) return { version: entry.version, more: true, changed };
    }
    const more = page.length === MAX_READ;
    return { version: more ? (page.at(-1)?.[1].version ?? from) : this.#version, more, changed };
  }

  #write(name: string, value: string): number {
    this.#remember(name);
    this.#issued = Math.max(this.#issued + 1, this.#world.wall * 1_000);
    this.#version = this.#issued;
    // Deleted first: the map is in the order of versions.
    this.#entries.delete(name);
    this.#entries.set(name, { version: this.#version, value });
    return this.#version;
  }

  #dropOldest(): void {
    for (const name of this.#entries.keys()) {
      if (this.#entries.size <= MAX_DOCUMENTS) return;
      this.#remember(name);
      this.#entries.delete(name);
    }
  }

  #remember(name: string): void {
    const { now } = this.#world;
    this.#undo.push({ at: now, name, before: this.#entries.get(name), version: this.#version });
    while (this.#undo[0] && this.#undo[0].at < now - LONGEST_LAG_MS) this.#undo.shift();
  }

  #spread(writer: Client, mood: RedisMood): void {
    const fine = mood === "well" || mood.startsWith("lying");
    for (const client of this.#clients) {
      if (client === writer || (!fine && this.#dice.chance(UNHEARD))) continue;
      this.#world.after(this.#dice.between(0, LONGEST_NEWS_MS), client.machine, "documents are urgent", () => {
        if (this.#clients.has(client)) for (const listener of client.listeners) listener();
      });
    }
  }

  #forget(): void {
    this.#entries.clear();
    this.#undo = [];
    this.#version = 0;
    this.#epochs += 1;
    this.#world.tell("documents", "are all gone");
  }

  /** As it was some moments ago. */
  #failOver(): void {
    const seen = this.#world.now - this.#dice.between(1_000, LONGEST_LAG_MS);
    for (let last = this.#undo.at(-1); last && last.at > seen; last = this.#undo.at(-1)) {
      this.#undo.pop();
      this.#version = last.version;
      this.#entries.delete(last.name);
      if (last.before) this.#entries.set(last.name, last.before);
    }
    const inOrder = [...this.#entries].sort(([, a], [, b]) => a.version - b.version);
    this.#entries.clear();
    for (const [name, entry] of inOrder) this.#entries.set(name, entry);
    this.#epochs += 1;
    this.#world.tell("documents", `are again what they were ${Math.round(this.#world.now - seen)} ms ago`);
  }
}
