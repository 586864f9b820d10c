import { describe } from "vitest";
import { chargingTests } from "./charging.ts";
import type { ContractWorld } from "./contract-world.ts";
import { doubtTests } from "./doubt.ts";
import { faultTests } from "./faults.ts";
import { fenceTests } from "./fences.ts";
import { holdTests } from "./holds.ts";
import { identityTests } from "./identity.ts";
import { keyTests } from "./keys.ts";
import { recordTests } from "./records.ts";
import { refundTests } from "./refunds.ts";
import { webhookTests } from "./webhooks.ts";

/** Declares the tests that every provider passes. Call it once, at the top level of `test/contract/<name>.test.ts`. */
export function describeProvider(world: ContractWorld): void {
  describe(`the provider contract: ${world.fixture.name}`, () => {
    world.hooks();
    describe("charging", () => chargingTests(world));
    describe("faults", () => faultTests(world));
    describe("doubt", () => doubtTests(world));
    describe("fences", () => fenceTests(world));
    describe("keys", () => keyTests(world));
    if (world.fixture.manualCapture) describe("holds", () => holdTests(world));
    describe("refunds", () => refundTests(world));
    const { webhooks, records } = world.fixture;
    if (webhooks) describe("webhooks", () => webhookTests(world, webhooks));
    if (records) describe("records", () => recordTests(world, records));
    describe("identity and discretion", () => identityTests(world));
  });
}
