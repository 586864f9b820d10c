import { describe } from "vitest";
import { chargingTests } from "./charging.ts";
import { World } from "./contract-world.ts";
import { doubtTests } from "./doubt.ts";
import { faultTests } from "./faults.ts";
import { identityTests } from "./identity.ts";
import { operationTests } from "./operations.ts";
import type { DeclineCase, ProviderFixture } from "./provider-fixture.ts";

export type { DeclineCase, ProviderFixture };

/** Declares the tests that every provider passes. Call it once, at the top level of `test/contract/<name>.test.ts`. */
export function describeProvider(fixture: ProviderFixture): void {
  describe(`the provider contract: ${fixture.name}`, () => {
    const world = new World(fixture);
    world.hooks();
    describe("charging", () => chargingTests(world));
    describe("faults", () => faultTests(world));
    describe("doubt", () => doubtTests(world));
    describe("operations", () => operationTests(world));
    describe("identity and discretion", () => identityTests(world));
  });
}
