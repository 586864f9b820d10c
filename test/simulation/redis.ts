import type { RedisClient } from "../../gateway/redis.ts";
import type { Weather } from "./weather.ts";
import type { World } from "./world.ts";

/** One Redis for all instances, as good or bad as the weather. Answers at once: its slowness is a failure (key-claims.ts). */
export class SimulatedRedis {
  readonly #world: World;
  readonly #weather: Weather;
  readonly #entries = new Map<string, { readonly owner: string; readonly until: number }>();

  constructor(world: World, weather: Weather) {
    this.#world = world;
    this.#weather = weather;
  }

  client(): RedisClient {
    const mood = () => this.#weather.redisMood();
    const fake = {
      get status() {
        return mood() === "gone" ? "end" : "ready";
      },
      set: (name: string, owner: string, _px: string, ttlMs: number) => this.#set(name, owner, ttlMs),
      eval: (_script: string, _keys: number, name: string, owner: string) => this.#release(name, owner),
    };
    return fake as unknown as RedisClient;
  }

  async #set(name: string, owner: string, ttlMs: number): Promise<"OK" | null> {
    const mood = this.#weather.redisMood();
    if (mood === "failing") throw new Error("redis is failing");
    if (mood === "lying_taken") return null;
    if (mood === "lying_free") return "OK";
    if (mood === "forgetful") this.#entries.clear();
    const held = this.#entries.get(name);
    if (held && held.until > this.#world.now) return null;
    this.#entries.set(name, { owner, until: this.#world.now + ttlMs });
    return "OK";
  }

  async #release(name: string, owner: string): Promise<number> {
    if (this.#weather.redisMood() === "failing") throw new Error("redis is failing");
    return this.#entries.get(name)?.owner === owner && this.#entries.delete(name) ? 1 : 0;
  }
}
