import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseStrictJson } from "../../../gateway/http/strict-json.ts";
import { Problem } from "../../../gateway/problems.ts";

function parse(text: string): unknown {
  const { value, faults } = parseStrictJson(Buffer.from(text));
  expect(faults).toEqual([]);
  return value;
}

function faultsOf(text: string): string[] {
  return parseStrictJson(Buffer.from(text)).faults.map(({ pointer }) => pointer);
}

function refusal(bytes: Uint8Array | string): Problem {
  try {
    parseStrictJson(typeof bytes === "string" ? Buffer.from(bytes) : bytes);
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
  throw new Error("accepted");
}

const CONFUSING = ["a", "/", "~", ":", "{", "}", "[", "]", ",", "é", "💳"];
/** Texts of the characters that could confuse a scanner. */
const tricky = fc.string({ unit: fc.constantFrom(...CONFUSING, "\\", '"', "\n") });
const trickyKey = fc.string({ unit: fc.constantFrom(...CONFUSING) });

/** JSON in which every second character of a key is written by its numbers. */
function withEscapedKeys(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(withEscapedKeys).join()}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const unit = (half: string) => `\\u${half.charCodeAt(0).toString(16).padStart(4, "0")}`;
  const escaped = (character: string, n: number) => (n % 2 ? character : character.split("").map(unit).join(""));
  const field = ([key, of]: [string, unknown]) => `"${Array.from(key, escaped).join("")}":${withEscapedKeys(of)}`;
  return `{${Object.entries(value).map(field).join()}}`;
}

describe("strict JSON", () => {
  const value = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { depthSize: "small" },
      tricky,
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie("value")),
      fc.dictionary(trickyKey, tie("value")),
    ),
  })).value;

  it("reads what JSON.parse reads", () => {
    fc.assert(
      fc.property(value, (given) => {
        const text = JSON.stringify(given);
        expect(JSON.stringify(parse(text))).toBe(text);
      }),
    );
  });

  it("reads keys that are written with escapes as those that are not", () => {
    fc.assert(
      fc.property(value, (given) => {
        expect(parse(withEscapedKeys(given))).toEqual(parse(JSON.stringify(given)));
      }),
    );
  });

  it("refuses a broken body at its place, without quoting it", () => {
    const problem = refusal('{"card": 4111111111111111');
    expect(problem.code).toBe("invalid_json");
    expect(problem.message).not.toMatch(/4111/);
    expect(refusal("nonsense").message).not.toMatch(/nonsense/);
    expect(refusal("").code).toBe("invalid_json");
  });

  it("refuses bytes that are not UTF-8", () => {
    expect(refusal(Buffer.from([0x22, 0xc3, 0x28, 0x22])).code).toBe("invalid_json");
    expect(refusal(Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])).code).toBe("invalid_json");
  });

  it("refuses a key that is given twice, also when one is written with escapes", () => {
    expect(faultsOf('{"a":{"b":1,"b":2}}')).toEqual(["/a"]);
    expect(faultsOf('{"a":1,"\\u0061":2}')).toEqual([""]);
    expect(faultsOf('[{"a":1},{"a":2}]')).toEqual([]);
  });

  it("reads a key as it is written, whatever was read before it", () => {
    // From then on V8's JSON.parse reads an escape in a key as the backslash, or what follows it as the rest of the other key.
    faultsOf('{"amount":1,"\\\\":1}');
    faultsOf('{"amount":1,"gr\\\\u00":1}');
    expect(parse('{"amount":1,"\\u00e9":1}')).toEqual({ amount: 1, é: 1 });
    expect(parse('{"amount":1,"gr\\u00f6\\u00dfe":[{"\\u00e9":2}]}')).toEqual({ amount: 1, größe: [{ é: 2 }] });
  });

  it("refuses a key that cannot be written without escapes", () => {
    expect(faultsOf('{"a":{"b\\\\":1}}')).toEqual(["/a"]);
    expect(faultsOf('{"a":{"\\"b":1}}')).toEqual(["/a"]);
    expect(faultsOf('{"a":{"\\n":1}}')).toEqual(["/a"]);
    expect(parse('{"a":{"\\u002f":"\\"\\\\\\n"}}')).toEqual({ a: { "/": '"\\\n' } });
  });

  it("refuses U+0000, lone surrogates and __proto__, each with its pointer", () => {
    expect(faultsOf('{"a":["x","\\u0000"],"b":{"c/d":"\\ud83d"},"e":"\\ud83d\\udcb3"}')).toEqual(["/a/1", "/b/c~1d"]);
    expect(faultsOf('{"a":{"\\u0000":1}}')).toEqual(["/a"]);
    expect(faultsOf('{"metadata":{"__proto__":"x"}}')).toEqual(["/metadata"]);
  });

  it("refuses numbers that would not survive as they are written", () => {
    for (const number of ["4200.0000000000000001", "9007199254740993", "1e400", "-0", "4200.0", "1e3"])
      expect(faultsOf(`{"amount":${number}}`)).toEqual(["/amount"]);
    expect(parse('{"amount":4200,"x":[-1,0,0.5]}')).toEqual({ amount: 4200, x: [-1, 0, 0.5] });
  });

  it("refuses more than 16 levels", () => {
    expect(parse(`${"[".repeat(16)}${"]".repeat(16)}`)).toBeInstanceOf(Array);
    expect(refusal(`${"[".repeat(17)}${"]".repeat(17)}`).code).toBe("invalid_json");
    expect(refusal(`${'{"a":'.repeat(9_000)}1${"}".repeat(9_000)}`).code).toBe("invalid_json");
  });

  it("finds card numbers in texts, numbers and keys, and never repeats them", () => {
    const problem = refusal(
      '{"a":{"b":["4111 1111 1111 1111"]},"n":4111111111111111,"k":{"4111111111111111":1},"e":"\\u0034111111111111111"}',
    );
    expect(problem.code).toBe("card_number_not_allowed");
    expect(problem.faults.map(({ pointer }) => pointer)).toEqual(["/a/b/0", "/n", "/k", "/e"]);
    expect(JSON.stringify([problem.message, problem.faults])).not.toMatch(/4111/);
  });
});
