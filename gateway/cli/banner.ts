import { relative } from "node:path";
import type { Config } from "../config.ts";
import type { ProviderConfig } from "../provider-config.ts";

/** Tokens that the simulated processors charge. */
const TOKENS: Readonly<Record<ProviderConfig["adapter"], object>> = {
  stripe: { payment_method: "pm_card_visa" },
  paypal: { vault_id: "vault-1" },
};

/** What a start says: where it listens; for a local start also how to charge, and how to break a processor. */
export function banner(facts: {
  config: Pick<Config, "host" | "role">;
  providers: readonly Pick<ProviderConfig, "id" | "adapter">[];
  port: number;
  /** Since the process began. */
  seconds: number;
  keysFile: string | null;
  sandboxUrl: string | null;
  logPath: string | null;
}): string[] {
  const host = facts.config.host.includes(":") ? `[${facts.config.host}]` : facts.config.host;
  const url = `http://${host}:${facts.port}`;
  const lines = [`Switchyard is ready on ${url} (${facts.seconds.toFixed(1)} s)`];
  if (facts.keysFile === null) return lines;
  const keys = relative(process.cwd(), facts.keysFile) || facts.keysFile;
  lines.push(`Keys (billing, finance, ops) are in ${keys}; the log is in ${facts.logPath ? relative(process.cwd(), facts.logPath) : "-"}`);
  if (facts.sandboxUrl === null) return lines;
  const tokens = Object.fromEntries(facts.providers.map(({ id, adapter }) => [id, TOKENS[adapter]]));
  return [
    ...lines,
    "",
    "Charge a saved payment method:",
    `  curl -s ${url}/v1/charges -H "Authorization: Bearer $(sed -n 's/.*"billing": "\\(.*\\)".*/\\1/p' ${keys})" \\`,
    `    -H "Idempotency-Key: demo-$(date +%s)" -H "Content-Type: application/json" \\`,
    `    -d '{"amount": 4200, "currency": "usd", "payment_method": ${spaced(tokens)}}'`,
    "",
    `Take Stripe down and charge again, bring it back, and see where the money went:`,
    `  curl -s -X POST ${facts.sandboxUrl}/stripe/down    # or paypal/down; other faults: ${facts.sandboxUrl}`,
    `  curl -s -X POST ${facts.sandboxUrl}/stripe/up`,
    `  curl -s ${facts.sandboxUrl}/ledger`,
    "",
    "Ctrl-C stops it; the data stays.",
  ];
}

/** JSON with a space after each colon and comma; none of the texts in it has one. */
function spaced(value: object): string {
  return JSON.stringify(value).replaceAll(/[:,]/g, "$& ");
}
