import type { Clock, Random } from "../providers/contract/clock.ts";

export type ChargeId = `ch_${string}`;
export type AttemptId = `at_${string}`;
/** A refund is `re_`, whatever else acts on money `op_`. */
export type OperationId = `re_${string}` | `op_${string}`;
export type PaymentMethodId = `pm_${string}`;

const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";

/** The first characters of ids of this millisecond: below all of them, above all earlier ones. */
export function idFloor(prefix: string, atMs: number): string {
  let time = Math.max(0, atMs);
  let text = "";
  for (let i = 0; i < 10; i++) {
    text = (ALPHABET[time % 32] as string) + text;
    time = Math.floor(time / 32);
  }
  return `${prefix}_${text}`;
}

/**
 * Makes ids that sort by time: a prefix, 10 characters of milliseconds, 16 of randomness (80 bits), Crockford base 32.
 * Later ids sort after earlier ones to the millisecond, which is what cursors and index locality need.
 */
export function idSource(clock: Pick<Clock, "now">, random: Random): <P extends string>(prefix: P) => `${P}_${string}` {
  return (prefix) => {
    let time = clock.now();
    const characters = new Array<string>(26);
    for (let i = 9; i >= 0; i--) {
      characters[i] = ALPHABET[time % 32] as string;
      time = Math.floor(time / 32);
    }
    for (let i = 10; i < 26; i++) characters[i] = ALPHABET[Math.floor(random() * 32)] as string;
    return `${prefix}_${characters.join("")}`;
  };
}
