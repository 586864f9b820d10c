import { createPayPalProvider } from "../../providers/paypal/paypal.ts";
import { money } from "./contract-world.ts";
import { describeProvider } from "./provider-contract.ts";
import type { DeclineCase, ProviderFixture } from "./provider-fixture.ts";
import { PAYPAL } from "./psp-traits.ts";
import { type MakeAdapter, SandboxWorld } from "./sandbox-world.ts";

const CLIENT_ID = "AZ-contract-client-id-71c";
const SECRET = "contract-client-secret-e03";

const card = (vaultId: string) => ({ vault_id: vaultId, source: "card" });

/** A 201 whose capture is DECLINED with this processor response. */
function processor(
  code: string,
  reason: DeclineCase["reason"],
  advice: DeclineCase["advice"],
  more: Partial<DeclineCase> = {},
): DeclineCase {
  return { code, token: card(`processor_${code}`), reason, source: "issuer", advice, found: "declined", ...more };
}

/** A 422 with this issue. */
function issue(code: string, reason: DeclineCase["reason"], advice: DeclineCase["advice"], more: Partial<DeclineCase> = {}): DeclineCase {
  return { code, token: { vault_id: `decline_${code}` }, reason, source: "provider", advice, found: "unpaid", ...more };
}

const own = { source: "provider" } as const;

const declines: DeclineCase[] = [
  ...["0960", "5920", "8000", "8100", "8110", "8220", "9100", "PPNT", "PPER"].map((code) =>
    processor(code, "processor_error", "other_provider", own),
  ),
  ...["0500", "5100"].map((code) => processor(code, "generic_decline", "other_provider")),
  processor("5120", "insufficient_funds", "same_later"),
  processor("5710", "limit_exceeded", "same_later"),
  ...["PPEL", "PPNL"].map((code) => processor(code, "limit_exceeded", "same_later", own)),
  processor("5650", "authentication_required", "authenticate"),
  processor("1330", "incorrect_number", "fix_data"),
  processor("1380", "expired_card", "fix_data"),
  processor("5110", "incorrect_cvc", "fix_data"),
  processor("5170", "incorrect_address", "fix_data"),
  processor("5400", "expired_card", "fix_data"),
  processor("PPEF", "expired_card", "fix_data", own),
  ...["5140", "5150", "6300"].map((code) => processor(code, "invalid_account", "never")),
  ...["5180", "9540"].map((code) => processor(code, "card_restricted", "never")),
  ...["PP06", "PPRN"].map((code) => processor(code, "do_not_retry", "never", own)),
  ...["9500", "9510", "9520"].map((code) => processor(code, "fraud", "never")),
  processor("Q0Q0", "generic_decline", "never"),
  processor("0500__advice_01", "generic_decline", "fix_data", { networkCode: "01" }),
  processor("0500__advice_02", "generic_decline", "same_later", { networkCode: "02" }),
  ...["03", "21", "99"].map((advice) => processor(`0500__advice_${advice}`, "generic_decline", "never", { networkCode: advice })),
  processor("5120__advice_24", "insufficient_funds", "same_later", { networkCode: "24", retryAfterS: 3_600 }),
  processor("0500__advice_25", "generic_decline", "same_later", { networkCode: "25", retryAfterS: 86_400 }),
  processor("0500__advice_26", "generic_decline", "same_later", { networkCode: "26", retryAfterS: 172_800 }),
  processor("0500__advice_27", "generic_decline", "same_later", { networkCode: "27", retryAfterS: 345_600 }),
  processor("0500__advice_28", "generic_decline", "same_later", { networkCode: "28", retryAfterS: 518_400 }),
  processor("0500__advice_29", "generic_decline", "same_later", { networkCode: "29", retryAfterS: 691_200 }),
  processor("0500__advice_30", "generic_decline", "same_later", { networkCode: "30", retryAfterS: 864_000 }),
  issue("INSTRUMENT_DECLINED", "generic_decline", "other_provider", { source: "issuer" }),
  issue("PAYMENT_SOURCE_DECLINED_BY_PROCESSOR", "generic_decline", "other_provider", { source: "issuer" }),
  issue("TRANSACTION_REFUSED", "generic_decline", "other_provider"),
  issue("PAYER_CANNOT_PAY", "not_supported", "other_provider"),
  ...["COMPLIANCE_VIOLATION", "TRANSACTION_BLOCKED_BY_PAYEE"].map((code) => issue(code, "card_restricted", "never")),
  ...["PAYER_ACCOUNT_LOCKED_OR_CLOSED", "PAYER_ACCOUNT_RESTRICTED"].map((code) => issue(code, "invalid_account", "never")),
  issue("CARD_EXPIRED", "expired_card", "fix_data"),
  ...["TOKEN_EXPIRED", "TOKEN_ID_NOT_FOUND"].map((code) => issue(code, "invalid_account", "fix_data")),
  issue("AGREEMENT_ALREADY_CANCELLED", "payment_stopped", "fix_data"),
];

const create: MakeAdapter = ({ baseUrl, clock, credentials, webhookSecret, webhookCa }) =>
  createPayPalProvider({
    clientId: CLIENT_ID,
    clientSecret: credentials === "right" ? SECRET : "wrong",
    apiBase: baseUrl,
    clock,
    webhookId: webhookSecret,
    webhookCa: webhookCa(),
  });

const fixture: ProviderFixture = {
  name: "paypal",
  traits: PAYPAL,
  manualCapture: true,
  secrets: [CLIENT_ID, SECRET, "A21AA", "contract-vault-id", "1JE4291016473214C"],
  tokens: {
    approved: card("contract-vault-id"),
    pending: { vault_id: "pending" },
    requiresAction: { vault_id: "payer_action" },
    disputed: { vault_id: "disputed" },
    bad: [
      { token: null, path: "" },
      { token: "8kk845", path: "" },
      { token: {}, path: "/vault_id" },
      { token: { vault_id: 8 }, path: "/vault_id" },
      { token: { vault_id: "v".repeat(256) }, path: "/vault_id" },
      { token: { vault_id: "v", source: "venmo" }, path: "/source" },
      { token: { vault_id: "v", customer: "c" }, path: "/customer" },
    ],
    good: [card("8kk845"), { vault_id: "8kk845" }, { vault_id: "v".repeat(255), source: "paypal" }],
  },
  amounts: [money(4200), money(1, "eur"), money(4200, "jpy"), money(420_000, "huf"), money(100, "twd"), money(99_999_999_99n, "usd")],
  impossible: [money(420_050, "huf"), money(101, "twd"), money(4200, "kwd"), money(4200, "clp")],
  declines,
  novelDecline: "processor_Z999",
  // No event says its mode: the webhook id, which is of one, is in what is signed.
  webhooks: { secret: "1JE4291016473214C", otherSecret: "0AB1C2D3E4F567890", windowMs: 4 * 86_400_000, saysMode: false },
  records: { pageSize: 500 },
};

describeProvider(new SandboxWorld(fixture, create));
