import { expect, test } from "vitest";
import { createAuthenticator } from "../../../gateway/http/authenticate.ts";
import type { ApiKey } from "../../../gateway/store/api-keys.ts";
import { ManualClock } from "../../support/manual-clock.ts";

test("a key that is revoked while it is looked up stops at once, too", async () => {
  const key = { id: "key_1", accountId: "acct_default", role: "ops" } as ApiKey;
  let revoked = false;
  let passes = (): void => {};
  const slow = new Promise<void>((resolve) => (passes = resolve));
  const authenticator = createAuthenticator({
    async findKey() {
      const found = revoked ? null : key;
      await slow;
      return found;
    },
    adminKey: null,
    clock: new ManualClock(),
  });
  const first = authenticator.authenticate("sy_test_ops");
  revoked = true;
  authenticator.forget("key_1");
  passes();
  expect(await first).toMatchObject({ keyId: "key_1" });
  expect(await authenticator.authenticate("sy_test_ops")).toBeNull();
});
