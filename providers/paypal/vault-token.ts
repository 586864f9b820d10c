import { isRecord } from "./answer.ts";

/** PayPal's own limit for a vault id. */
const MAX_VAULT_ID_CHARS = 255;

/** What `payment_method` holds for PayPal. */
export interface VaultToken {
  readonly vaultId: string;
  readonly source: "card" | "paypal";
}

/** The token, or where and why it cannot be used. `path` is a JSON pointer inside the token. */
export function readVaultToken(token: unknown): VaultToken | { readonly path: string; readonly message: string } {
  if (!isRecord(token)) return { path: "", message: "expected an object with vault_id" };
  for (const field of Object.keys(token)) {
    if (field !== "vault_id" && field !== "source") return { path: `/${escapePointer(field)}`, message: "unknown field" };
  }
  const { vault_id: vaultId, source = "paypal" } = token;
  if (typeof vaultId !== "string" || vaultId === "" || vaultId.length > MAX_VAULT_ID_CHARS) {
    return { path: "/vault_id", message: `expected a string of 1 to ${MAX_VAULT_ID_CHARS} characters` };
  }
  if (!/^[\x21-\x7e]+$/.test(vaultId)) return { path: "/vault_id", message: "expected visible ASCII characters without spaces" };
  if (source !== "card" && source !== "paypal") return { path: "/source", message: 'expected "card" or "paypal"' };
  return { vaultId, source };
}

function escapePointer(field: string): string {
  return field.slice(0, 100).replaceAll("~", "~0").replaceAll("/", "~1");
}
