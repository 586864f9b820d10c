import { describe, expect, test } from "vitest";
import type { Provider } from "../../providers/contract/provider.ts";
import { createPayPalProvider } from "../../providers/paypal/paypal.ts";
import { createStripeProvider } from "../../providers/stripe/stripe.ts";
import { CAPABILITIES } from "../simulation/capabilities.ts";
import type { Token } from "../simulation/provider.ts";
import { money } from "./contract-world.ts";
import { describeProvider } from "./provider-contract.ts";
import type { DeclineCase, ProviderFixture } from "./provider-fixture.ts";
import { PAYPAL, type PspTraits, STRIPE } from "./psp-traits.ts";
import { SimulatedWorld } from "./simulated-world.ts";

const card = (name: Token["card"]): Token => ({ card: name });

function decline(name: Token["card"], advice: DeclineCase["advice"], found: DeclineCase["found"]): DeclineCase {
  return { code: name, token: card(name), reason: "generic_decline", source: "issuer", advice, found };
}

/** No decline table, no currencies, no tokens to check: those are the real adapters' own (stripe.test.ts, paypal.test.ts). */
function fixtureOf(traits: PspTraits): ProviderFixture {
  const shown = traits.psp === "stripe" ? "unpaid" : "declined";
  return {
    name: `simulated ${traits.psp}`,
    traits,
    manualCapture: true,
    secrets: [],
    tokens: { approved: card("good"), pending: card("pending_good"), requiresAction: card("action_never"), bad: [], good: [card("good")] },
    amounts: [money(4200), money(4200, "jpy")],
    impossible: [],
    declines: [
      decline("declined_other", "other_provider", shown),
      decline("declined_later", "same_later", shown),
      decline("declined_never", "never", "unpaid"),
    ],
    novelDecline: null,
  };
}

for (const traits of [STRIPE, PAYPAL]) describeProvider(new SimulatedWorld(fixtureOf(traits)));

describe("what the simulated adapters declare", () => {
  const nowhere = "http://127.0.0.1:9";
  const clock = { now: () => 0, monotonic: () => 0, sleep: () => Promise.resolve(), after: () => () => {} };
  const real: Provider[] = [
    createStripeProvider({ secretKey: "sk_test_declared", apiBase: nowhere, clock }),
    createPayPalProvider({ clientId: "declared", clientSecret: "declared", apiBase: nowhere, clock }),
  ];

  test.each(real.map((provider) => ({ provider, kind: provider.kind })))("is what $kind declares", ({ provider }) => {
    expect(CAPABILITIES[provider.kind as keyof typeof CAPABILITIES]).toEqual(provider.capabilities);
    provider.close();
  });
});
