import type { Random } from "../../providers/contract/clock.ts";
import { seeded } from "../support/manual-clock.ts";

/** A named stream of chance: streams of one seed do not disturb each other, so that a new use of one shifts no other. */
export class Dice {
  readonly random: Random;

  constructor(seed: number, stream: string) {
    let mixed = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b);
    for (let i = 0; i < stream.length; i++) mixed = Math.imul(mixed ^ stream.charCodeAt(i), 0x01000193);
    const draw = seeded(mixed);
    for (let i = 0; i < 4; i++) draw();
    this.random = draw;
  }

  chance(probability: number): boolean {
    return this.random() < probability;
  }

  /** Uniform in [from, to). */
  between(from: number, to: number): number {
    return from + (to - from) * this.random();
  }

  /** Both ends included. */
  whole(from: number, to: number): number {
    return from + Math.floor(this.random() * (to - from + 1));
  }

  pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.random() * from.length)] as T;
  }

  /** By weight; the weights need not sum to 1. */
  weighted<T extends string>(weights: Readonly<Partial<Record<T, number>>>): T {
    const entries = Object.entries(weights) as [T, number][];
    let left = this.random() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [name, weight] of entries) {
      left -= weight;
      if (left < 0) return name;
    }
    return entries[entries.length - 1]![0];
  }
}
