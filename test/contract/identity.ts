import { expect, test } from "vitest";
import { type ContractWorld, plain } from "./contract-world.ts";

const MAX_DETAIL_LENGTH = 300;

export function identityTests(world: ContractWorld): void {
  const { secrets, tokens } = world.fixture;

  test("identify names the same account each time, and the mode", async () => {
    const first = await world.provider.identify(world.call());
    expect(first).toMatchObject({ kind: "identity", livemode: false, account: expect.stringMatching(/\S/) });
    expect(await world.create("right").identify(world.call())).toEqual(first);
  });

  test("who cannot be asked is unknown", async () => {
    expect(await world.create("wrong").identify(world.call())).toMatchObject({ kind: "unknown" });
    world.fault({ kind: "refuse" });
    expect(await world.provider.identify(world.call())).toMatchObject({ kind: "unknown" });
  });

  test.each(tokens.good)("the token %j can be used", (token) => {
    expect(world.provider.checkToken(token)).toBeNull();
  });

  test.each(tokens.bad)("the token $token is refused at '$path'", ({ token, path }) => {
    expect(world.provider.checkToken(token)).toMatchObject({ path, message: expect.stringMatching(/\S/) });
  });

  test("keys may be replayed for some hours at least, and say for how long", () => {
    const { prepareKeyAgeMs, commitKeyAgeMs, operationKeyAgeMs } = world.provider.capabilities;
    for (const age of [prepareKeyAgeMs, commitKeyAgeMs, operationKeyAgeMs]) expect(age).toBeGreaterThan(3_600_000);
  });

  // The last one: it judges everything that the tests above were told.
  test("nothing that was told holds a secret, and details are short", () => {
    expect(world.told.length).toBeGreaterThan(100);
    for (const told of world.told) {
      const text = JSON.stringify(told, plain) ?? "";
      for (const secret of secrets) expect(text).not.toContain(secret);
      const detail = (told as { detail?: string } | null)?.detail ?? "";
      expect(detail.length).toBeLessThanOrEqual(MAX_DETAIL_LENGTH);
    }
  });
}
