import { hasCardNumber, numberIsCardNumber } from "../card-numbers.ts";
import { type FieldFault, Problem } from "../problems.ts";
import { pointerTo } from "./pointer.ts";

/** Levels of objects and arrays; the deepest request that we know needs 4. */
const MAX_DEPTH = 16;
/** Faults told at once: enough to correct a body, too few to make a large answer out of a small request. */
export const MAX_FAULTS = 50;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Parses a body strictly. The grammar is JSON.parse's; beyond it are refused: bytes that are not UTF-8, a key given twice
 * (parsers disagree on which one counts), more than 16 levels, U+0000, lone surrogates, `__proto__`, keys that cannot be
 * written without escapes, numbers that do not survive as they are written (`4200.0000000000000001`), and card numbers.
 * The faults are for the schema's to join them.
 * No message quotes the body: it may hold what we must not keep.
 */
export function parseStrictJson(bytes: Uint8Array): { value: unknown; faults: readonly FieldFault[] } {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    throw new Problem("invalid_json", "The body is not valid UTF-8.");
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const position = /position (\d+)/.exec(error instanceof Error ? error.message : "")?.[1];
    throw new Problem(
      "invalid_json",
      position ? `The body stops being JSON at character ${position}.` : "The body is not JSON, or it ends too early.",
    );
  }
  const scan = new Scan(text);
  scan.run();
  if (scan.cards.length > 0) {
    throw new Problem("card_number_not_allowed", "The body holds what looks like a card number. Send the provider's token.", {
      faults: scan.cards,
    });
  }
  // V8 takes a key with escapes for another one that any text before it may have had (nodejs/node#63785).
  if (scan.escapedKeys.length > 0) value = JSON.parse(withPlainKeys(text, scan.escapedKeys));
  return { value, faults: scan.faults };
}

/** A key's place in the text, between its quotation marks, and what it says. */
interface Key {
  readonly start: number;
  readonly end: number;
  readonly key: string;
}

function withPlainKeys(text: string, escaped: readonly Key[]): string {
  let plain = "";
  let from = 0;
  for (const { start, end, key } of escaped) {
    plain += text.slice(from, start) + key;
    from = end;
  }
  return plain + text.slice(from);
}

interface Level {
  /** null for an array. */
  readonly keys: Set<string> | null;
  /** Where we are in it: the key, or the index. */
  at: string | number;
}

/** Walks the tokens of a text that JSON.parse has accepted, so it needs no grammar of its own. */
class Scan {
  readonly faults: FieldFault[] = [];
  readonly cards: FieldFault[] = [];
  /** Those that can be written without. */
  readonly escapedKeys: Key[] = [];
  readonly #text: string;
  readonly #levels: Level[] = [];
  #nextBackslash = -1;

  constructor(text: string) {
    this.#text = text;
  }

  run(): void {
    const text = this.#text;
    for (let i = 0; i < text.length; ) {
      const character = text[i];
      if (character === '"') i = this.#string(i);
      else if (character === "{" || character === "[") i = this.#open(i, character === "{");
      else if (character === "}" || character === "]") i = this.#close(i);
      else if (character === ",") i = this.#next(i);
      else if (character === "-" || (character !== undefined && character >= "0" && character <= "9")) i = this.#number(i);
      else i += 1;
    }
  }

  #open(i: number, isObject: boolean): number {
    if (this.#levels.length >= MAX_DEPTH) throw new Problem("invalid_json", `The body has more than ${MAX_DEPTH} levels.`);
    this.#levels.push({ keys: isObject ? new Set() : null, at: isObject ? "" : 0 });
    return i + 1;
  }

  #close(i: number): number {
    this.#levels.pop();
    return i + 1;
  }

  #next(i: number): number {
    const level = this.#levels.at(-1);
    if (level && typeof level.at === "number") level.at += 1;
    return i + 1;
  }

  #number(i: number): number {
    let end = i + 1;
    while (end < this.#text.length && NUMBER_PART.includes(this.#text[end] as string)) end += 1;
    const token = this.#text.slice(i, end);
    if (numberIsCardNumber(token)) this.#card(this.#pointer());
    else if (String(Number(token)) !== token) this.#fault(this.#pointer(), "a number must be written plainly and be exact, like 4200");
    return end;
  }

  #string(i: number): number {
    let end = this.#text.indexOf('"', i + 1);
    let escaped = false;
    for (let backslash = this.#backslash(i); backslash < end; backslash = this.#backslash(backslash + 2)) {
      escaped = true;
      if (end === backslash + 1) end = this.#text.indexOf('"', end + 1);
    }
    const raw = this.#text.slice(i + 1, end);
    const value = escaped ? (JSON.parse(`"${raw}"`) as string) : raw;
    const isKey = this.#isKey(end + 1);
    // What is wrong with a key is told at its object: the pointer would repeat it.
    const depth = isKey ? -1 : undefined;
    if (hasCardNumber(value)) this.#card(this.#pointer(depth));
    if (escaped) {
      const wrong = wrongWith(value, isKey);
      if (wrong !== null) this.#fault(this.#pointer(depth), wrong);
      else if (isKey) this.escapedKeys.push({ start: i + 1, end, key: value });
    }
    if (isKey) this.#key(value);
    return end + 1;
  }

  /** The first backslash at or after `from`; looked for once, however many strings come before it. */
  #backslash(from: number): number {
    if (this.#nextBackslash < from) {
      const found = this.#text.indexOf("\\", from);
      this.#nextBackslash = found === -1 ? this.#text.length : found;
    }
    return this.#nextBackslash;
  }

  /** In valid JSON a string is a key exactly if a colon follows. */
  #isKey(after: number): boolean {
    if (!this.#levels.at(-1)?.keys) return false;
    let i = after;
    while (SPACE.includes(this.#text[i] ?? "-")) i += 1;
    return this.#text[i] === ":";
  }

  #key(key: string): void {
    const level = this.#levels.at(-1) as Level;
    if (level.keys?.has(key)) this.#fault(this.#pointer(-1), "a key is given twice");
    if (key === "__proto__") this.#fault(this.#pointer(-1), "the key __proto__ is not allowed");
    level.keys?.add(key);
    level.at = key;
  }

  #pointer(depth?: number): string {
    const path = this.#levels.map((level) => level.at);
    return pointerTo(depth === undefined ? path : path.slice(0, depth));
  }

  #card(pointer: string): void {
    if (this.cards.length < MAX_FAULTS) this.cards.push({ pointer, message: "looks like a card number" });
  }

  #fault(pointer: string, message: string): void {
    if (this.faults.length < MAX_FAULTS) this.faults.push({ pointer, message });
  }
}

/** What only an escape can bring into a text. */
function wrongWith(text: string, isKey: boolean): string | null {
  if (text.includes("\0")) return "U+0000 is not allowed";
  if (!text.isWellFormed()) return "a surrogate without its other half is not text";
  if (isKey && JSON.stringify(text) !== `"${text}"`) return "a key must not hold a quotation mark, a backslash or a control character";
  return null;
}

const NUMBER_PART = "0123456789.eE+-";
const SPACE = " \t\n\r";
