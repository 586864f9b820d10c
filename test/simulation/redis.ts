import type { RedisClient } from "../../gateway/redis.ts";
import type { Dice } from "./dice.ts";
import type { Machine } from "./machine.ts";
import type { RedisMood, Weather } from "./weather.ts";
import type { World } from "./world.ts";

/** From well within what the product waits for (key-claims.ts) to well beyond it. */
const SLOWEST_MS = 400;
/** How far a replica may lag behind. */
const LONGEST_LAG_MS = 30_000;
/** While a failover goes on, a client may still reach either side. */
const FAILS_OVER_AGAIN = 0.2;

interface Entry {
  readonly owner: string;
  readonly until: number;
}

/** One Redis for all instances, as good or bad as the weather. Answers at once, but for its slow mood. */
export class SimulatedRedis {
  readonly #world: World;
  readonly #weather: Weather;
  readonly #dice: Dice;
  readonly #entries = new Map<string, Entry>();
  /** What each write of the last moments found there: the way back. */
  readonly #undo: { readonly at: number; readonly name: string; readonly before: Entry | undefined }[] = [];
  #lastMood: RedisMood = "well";

  constructor(world: World, weather: Weather) {
    this.#world = world;
    this.#weather = weather;
    this.#dice = world.dice("redis");
  }

  client(machine: Machine): RedisClient {
    const weather = this.#weather;
    const fake = {
      get status() {
        return weather.redisMood() === "gone" ? "end" : "ready";
      },
      set: (name: string, owner: string, _px: string, ttlMs: number) =>
        this.#command(machine, (mood) => this.#set(mood, name, owner, ttlMs)),
      eval: (_script: string, _keys: number, name: string, owner: string) => this.#command(machine, () => this.#release(name, owner)),
    };
    return fake as unknown as RedisClient;
  }

  async #command<T>(machine: Machine, execute: (mood: RedisMood) => T): Promise<T> {
    const mood = this.#weather.redisMood();
    if (mood === "gone" || mood === "failing") throw new Error(`redis is ${mood}`);
    if (mood === "stale" && (this.#lastMood !== "stale" || this.#dice.chance(FAILS_OVER_AGAIN))) this.#failOver();
    this.#lastMood = mood;
    return mood === "slow" ? this.#slowly(machine, () => execute(mood)) : execute(mood);
  }

  #slowly<T>(machine: Machine, execute: () => T): Promise<T> {
    const there = this.#dice.between(0, SLOWEST_MS / 2);
    const back = this.#dice.between(0, SLOWEST_MS / 2);
    return new Promise((resolve) => {
      this.#world.after(there, null, "redis executes", () => {
        const answer = execute();
        this.#world.after(back, machine, "redis answers", () => resolve(answer));
      });
    });
  }

  #set(mood: RedisMood, name: string, owner: string, ttlMs: number): "OK" | null {
    if (mood === "lying_taken") return null;
    if (mood === "lying_free") return "OK";
    if (mood === "forgetful") this.#entries.clear();
    const held = this.#entries.get(name);
    if (held && held.until > this.#world.now) return null;
    this.#write(name, { owner, until: this.#world.now + ttlMs });
    return "OK";
  }

  #release(name: string, owner: string): number {
    const held = this.#entries.get(name);
    if (held?.owner !== owner || held.until <= this.#world.now) return 0;
    this.#write(name, undefined);
    return 1;
  }

  #write(name: string, entry: Entry | undefined): void {
    const { now } = this.#world;
    this.#undo.push({ at: now, name, before: this.#entries.get(name) });
    while (this.#undo[0] && this.#undo[0].at < now - LONGEST_LAG_MS) this.#undo.shift();
    if (entry) this.#entries.set(name, entry);
    else this.#entries.delete(name);
  }

  /** As it was some moments ago. */
  #failOver(): void {
    const seen = this.#world.now - this.#dice.between(1_000, LONGEST_LAG_MS);
    for (let last = this.#undo.at(-1); last && last.at > seen; last = this.#undo.at(-1)) {
      this.#undo.pop();
      if (last.before) this.#entries.set(last.name, last.before);
      else this.#entries.delete(last.name);
    }
    this.#world.tell("redis", `fails over to a replica that saw what was ${Math.round(this.#world.now - seen)} ms ago`);
  }
}
