import { afterAll, beforeAll, expect, it } from "vitest";
import { providerNames } from "../../providers/sandbox/fault.ts";
import { type Asked, ask, chargeUntilTold } from "./client.ts";
import { startWorld, until, type World } from "./harness.ts";
import { JUDGED_MS, judge } from "./judge.ts";

let world: World;
let url: string;
beforeAll(async () => {
  world = await startWorld();
  ({ url } = await world.start());
});
afterAll(() => world.close());

const TOKENS = { stripe: { payment_method: "pm_card_visa" }, paypal: { vault_id: "vault-1" } };
/** At each processor: as many paid without anybody hearing of it, and as many unpaid without anybody knowing. */
const EACH = 6;

it("ends every doubt when the processors are well again, also while nobody sends a charge", { timeout: JUDGED_MS }, async () => {
  const doubted = providerNames.map((provider) => {
    world.sandbox.setFault(provider, { kind: "hang_after", operation: "commit", count: EACH });
    world.sandbox.setFault(provider, { kind: "hang_before", operation: "commit" });
    world.sandbox.setFault(provider, { kind: "hang_before", operation: "lookup" });
    // All at once: the gate opens when the last of them is in doubt, and nobody comes to probe.
    const body = { amount: 900, currency: "usd", payment_method: { [provider]: TOKENS[provider] } };
    const charge = (n: number) => chargeUntilTold(world.urls, { key: `${provider}-${n}`, body });
    return Promise.all(Array.from({ length: 2 * EACH }, (_, n) => charge(n)));
  });
  const asked: Asked[] = (await Promise.all(doubted)).flat();
  expect(asked.map(({ charge }) => charge.status)).toEqual(asked.map(() => "in_doubt"));
  type Providers = { data: { breaker: { state: string } }[] };
  const gates = async () => (await ask<Providers>(url, "GET /v1/providers")).body.data.map(({ breaker }) => breaker.state);
  await until(gates, (states) => states.every((state) => state === "half_open"));
  world.sandbox.clearFaults();

  const { faults, seen } = await judge(world, asked);
  expect(faults).toEqual([]);
  expect(seen).toMatchObject({ charges: asked.length, succeeded: asked.length });
});
