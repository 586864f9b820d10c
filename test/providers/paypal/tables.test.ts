import { describe, expect, test } from "vitest";
import { DECLINES, declinedByProcessor } from "../../../providers/paypal/declines.ts";
import { ACTION, IN_DOUBT, NOT_EXECUTED } from "../../../providers/paypal/issues.ts";
import { readVaultToken } from "../../../providers/paypal/vault-token.ts";

const codes = DECLINES.flatMap((row) => row.codes.split(" "));

test("no code is in two rows, and no issue in two tables", () => {
  expect(new Set(codes).size).toBe(codes.length);
  const issues = [...codes, ...IN_DOUBT.keys(), ...ACTION, ...NOT_EXECUTED];
  expect(new Set(issues).size).toBe(issues.length);
});

test.each([
  ["01", "fix_data", null],
  ["02", "same_later", null],
  ["03", "never", null],
  ["21", "never", null],
  ["24", "same_later", 3_600],
  ["25", "same_later", 86_400],
  ["26", "same_later", 172_800],
  ["27", "same_later", 345_600],
  ["28", "same_later", 518_400],
  ["29", "same_later", 691_200],
  ["30", "same_later", 864_000],
  ["99", "never", null],
])("the network's advice %s overrides the table", (advice, expected, retryAfterS) => {
  expect(declinedByProcessor("0500", advice)).toMatchObject({
    reason: "generic_decline",
    advice: expected,
    retryAfterS,
    networkCode: advice,
  });
});

test("an advice that nobody taught us changes nothing, and odd codes are not repeated", () => {
  expect(declinedByProcessor("0500", "77")).toMatchObject({ advice: "other_provider", networkCode: "77" });
  expect(declinedByProcessor("x y <script>", 21)).toMatchObject({ advice: "never", providerCode: null, networkCode: null });
});

describe("the vault token", () => {
  test.each([
    [{ vault_id: "8kk845" }, { vaultId: "8kk845", source: "paypal" }],
    [
      { vault_id: "8kk845", source: "card" },
      { vaultId: "8kk845", source: "card" },
    ],
  ])("%j is taken", (token, read) => expect(readVaultToken(token)).toEqual(read));

  test.each([
    [null, ""],
    ["8kk845", ""],
    [[], ""],
    [{}, "/vault_id"],
    [{ vault_id: "" }, "/vault_id"],
    [{ vault_id: 1 }, "/vault_id"],
    [{ vault_id: "a".repeat(256) }, "/vault_id"],
    [{ vault_id: "a b" }, "/vault_id"],
    [{ vault_id: "a", source: "token" }, "/source"],
    [{ vault_id: "a", "x/y~": 1 }, "/x~1y~0"],
  ])("%j is refused at %j", (token, path) => expect(readVaultToken(token)).toMatchObject({ path, message: expect.any(String) }));
});
