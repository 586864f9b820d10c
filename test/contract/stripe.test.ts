import { createStripeProvider } from "../../providers/stripe/stripe.ts";
import { money } from "./contract-world.ts";
import { describeProvider } from "./provider-contract.ts";
import type { DeclineCase, ProviderFixture } from "./provider-fixture.ts";
import { STRIPE } from "./psp-traits.ts";
import { type MakeAdapter, SandboxWorld } from "./sandbox-world.ts";

const SECRET = "sk_test_contract_b5yXq2";

const token = (paymentMethod: string) => ({ customer: "cus_NffrFeUfNV2Hib", payment_method: paymentMethod });

function decline(code: string, reason: DeclineCase["reason"], advice: DeclineCase["advice"], more: Partial<DeclineCase> = {}): DeclineCase {
  return { code, token: token(`pm_card_decline_${code}`), reason, source: "issuer", advice, found: "unpaid", ...more };
}

const declines: DeclineCase[] = [
  ...["reenter_transaction", "try_again_later", "issuer_not_available", "approve_with_id"].map((code) =>
    decline(code, "processor_error", "other_provider"),
  ),
  decline("processing_error", "processor_error", "other_provider", { source: "provider" }),
  ...["generic_decline", "do_not_honor", "call_issuer", "no_action_taken", "not_permitted", "service_not_allowed"].map((code) =>
    decline(code, "generic_decline", "other_provider"),
  ),
  ...["card_not_supported", "currency_not_supported", "invalid_amount"].map((code) =>
    decline(code, "not_supported", "other_provider", { source: "provider" }),
  ),
  decline("insufficient_funds", "insufficient_funds", "same_later"),
  decline("card_velocity_exceeded", "limit_exceeded", "same_later"),
  decline("withdrawal_count_limit_exceeded", "limit_exceeded", "same_later"),
  decline("authentication_required", "authentication_required", "authenticate"),
  decline("incorrect_number", "incorrect_number", "fix_data"),
  decline("invalid_number", "incorrect_number", "fix_data"),
  decline("incorrect_cvc", "incorrect_cvc", "fix_data"),
  decline("invalid_cvc", "incorrect_cvc", "fix_data"),
  decline("invalid_expiry_month", "expired_card", "fix_data"),
  decline("invalid_expiry_year", "expired_card", "fix_data"),
  decline("expired_card", "expired_card", "fix_data"),
  decline("incorrect_zip", "incorrect_address", "fix_data"),
  decline("incorrect_address", "incorrect_address", "fix_data"),
  decline("incorrect_pin", "incorrect_pin", "fix_data"),
  decline("pin_try_exceeded", "incorrect_pin", "fix_data"),
  ...["lost_card", "stolen_card", "pickup_card"].map((code) => decline(code, "lost_or_stolen", "never")),
  decline("restricted_card", "card_restricted", "never"),
  decline("transaction_not_allowed", "card_restricted", "never"),
  decline("invalid_account", "invalid_account", "never"),
  decline("do_not_try_again", "do_not_retry", "never"),
  ...["stop_payment_order", "revocation_of_authorization", "revocation_of_all_authorizations"].map((code) =>
    decline(code, "payment_stopped", "never"),
  ),
  decline("security_violation", "fraud", "never"),
  decline("fraudulent", "fraud", "never", { source: "provider" }),
  decline("merchant_blacklist", "fraud", "never", { source: "provider" }),
  decline("a_code_of_tomorrow", "generic_decline", "never"),
  decline("do_not_honor__advice_do_not_try_again", "generic_decline", "never"),
  decline("do_not_honor__advice_try_again_later", "generic_decline", "same_later"),
  decline("do_not_honor__advice_confirm_card_data", "generic_decline", "fix_data"),
  decline("do_not_honor__network_57", "generic_decline", "never", { networkCode: "57" }),
  decline("do_not_honor__network_51", "generic_decline", "other_provider", { networkCode: "51" }),
  decline("insufficient_funds__advice_try_again_later__network_R1", "insufficient_funds", "never", { networkCode: "R1" }),
  // Stripe's own test cards
  {
    code: "pm_card_visa_chargeDeclined",
    token: token("pm_card_visa_chargeDeclined"),
    reason: "generic_decline",
    source: "issuer",
    advice: "other_provider",
    found: "unpaid",
  },
  { code: "pm_card_radarBlock", token: token("pm_card_radarBlock"), reason: "fraud", source: "provider", advice: "never", found: "unpaid" },
  {
    code: "pm_card_authenticationRequired",
    token: token("pm_card_authenticationRequired"),
    reason: "authentication_required",
    source: "issuer",
    advice: "authenticate",
    found: "unpaid",
  },
];

const create: MakeAdapter = ({ baseUrl, clock, credentials, webhookSecret }) => {
  const secretKey = credentials === "right" ? SECRET : "sk_live_of_nobody_b5yXq2";
  return createStripeProvider({ secretKey, webhookSecret, apiBase: baseUrl, clock });
};

const fixture: ProviderFixture = {
  name: "stripe",
  traits: STRIPE,
  manualCapture: true,
  secrets: [SECRET, "b5yXq2", "pm_card", "cus_Nffr", "whsec"],
  tokens: {
    approved: token("pm_card_visa"),
    pending: token("pm_card_pending"),
    requiresAction: token("pm_card_requires_action"),
    disputed: token("pm_card_createDispute"),
    good: [token("pm_card_visa"), { payment_method: "pm_card_visa" }],
    bad: [
      { token: "pm_card_visa", path: "" },
      { token: { customer: "cus_1" }, path: "/payment_method" },
      { token: { payment_method: "4242424242424242" }, path: "/payment_method" },
      { token: { payment_method: "pm_1", customer: 1 }, path: "/customer" },
      { token: { payment_method: "pm_1", vault_id: "x" }, path: "/vault_id" },
    ],
  },
  amounts: [money(4200), money(4200, "jpy"), money(4200, "kwd"), money(5, "isk"), money(5, "ugx"), money(4200, "mga"), money(4250, "huf")],
  impossible: [money(4201, "kwd"), money(4250, "mga")],
  declines,
  novelDecline: "brand_new_code",
  webhooks: { secret: "whsec_contract", otherSecret: "whsec_of_nobody", windowMs: 300_000, saysMode: true },
  records: { pageSize: 100 },
};

describeProvider(new SandboxWorld(fixture, create));
