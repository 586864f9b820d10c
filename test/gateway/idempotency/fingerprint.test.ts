import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalJson, fingerprintOf } from "../../../gateway/idempotency/fingerprint.ts";

const request = (json: unknown, path = "/v1/charges") => fingerprintOf({ method: "post", path, json }).toString("hex");

/** The same value with the keys of every object in the opposite order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, inner]) => [key, reversed(inner)]),
  );
}

describe("a request's fingerprint", () => {
  it("does not depend on the order of keys", () => {
    fc.assert(fc.property(fc.jsonValue(), (json) => request(json) === request(reversed(json))));
  });

  it("differs when any value, the order of a list, or the path differs", () => {
    expect(request({ amount: 1 })).not.toBe(request({ amount: 2 }));
    expect(request({ amount: 1 })).not.toBe(request({ amount: "1" }));
    expect(request([1, 2])).not.toBe(request([2, 1]));
    expect(request({})).not.toBe(request(undefined));
    expect(request({}, "/v1/charges/ch_1/cancel")).not.toBe(request({}, "/v1/charges/ch_2/cancel"));
  });

  it("is of JSON that says the same as the body", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (json) => {
        expect(JSON.parse(canonicalJson(json))).toEqual(JSON.parse(JSON.stringify(json)));
      }),
    );
  });
});
