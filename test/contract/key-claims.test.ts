import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { KeyClaims } from "../../gateway/idempotency/key-claims.ts";
import { redisAvailable } from "../support/redis.ts";
import { type ClaimsSide, realClaims, simulatedClaims } from "./claims-side.ts";

/** Longer than any test here. */
const TTL_MS = 600_000;
/** To be waited for, and long enough that nobody's claim ends before it is looked at. */
const SHORT_TTL_MS = 2_000;
/** Until what nobody waits for, a release, has reached the server, as a rule. */
const ON_ITS_WAY_MS = 100;
const TRIES = 600;

const real = redisAvailable();

describe.each([
  { side: "a real Redis", open: realClaims, there: real },
  { side: "the simulated Redis", open: simulatedClaims, there: true },
])("claims on idempotency keys: $side", ({ open, there }) => {
  const only = test.skipIf(!there);
  let side: ClaimsSide;
  let here: KeyClaims;
  let elsewhere: KeyClaims;
  let keys = 0;
  let key = "";
  const take = (claims: KeyClaims, account = "acct_1") => claims.take(account, key);

  beforeAll(async () => {
    if (!there) return;
    side = await open();
    [here, elsewhere] = [await side.instance(TTL_MS), await side.instance(TTL_MS)];
  });
  beforeEach(() => {
    keys += 1;
    key = `key-${keys}`;
  });
  afterEach(() => side?.calm());
  afterAll(() => side?.close());

  only("one claim at a time, over all instances; another account's same key is another key", async () => {
    expect(await take(here)).toBeTypeOf("function");
    expect(await take(here)).toBeNull();
    expect(await take(elsewhere)).toBeNull();
    expect(await take(elsewhere, "acct_2")).toBeTypeOf("function");
  });

  only("what is released is free", async () => {
    const release = await take(here);
    expect(await take(elsewhere)).toBeNull();
    release?.();
    for (let tries = 1; (await take(elsewhere)) === null; tries += 1) {
      expect(tries).toBeLessThan(TRIES);
      await side.pause(ON_ITS_WAY_MS);
    }
  });

  only("what has expired is free, and its old owner releases nothing", async () => {
    const release = await take(await side.instance(SHORT_TTL_MS));
    expect(release).toBeTypeOf("function");
    await side.pause(SHORT_TTL_MS + ON_ITS_WAY_MS);
    expect(await take(elsewhere)).toBeTypeOf("function");
    release?.();
    await side.pause(ON_ITS_WAY_MS);
    expect(await take(here)).toBeNull();
  });

  only("a Redis that fails knows of no claim, and no instance is kept waiting; within one the claim holds", async () => {
    await side.fail();
    const release = await take(here);
    expect(release).toBeTypeOf("function");
    expect(await take(here)).toBeNull();
    expect(await take(elsewhere)).toBeTypeOf("function");
    release?.();
    await side.pause(ON_ITS_WAY_MS);
    expect(await take(here)).toBeTypeOf("function");
  });

  only("a slow Redis is passed over in time; within one instance the claim holds", async () => {
    await side.slow();
    for (let i = 0; i < 10; i += 1) {
      key = `slow-${keys}-${i}`;
      const startedAt = side.clock.monotonic();
      expect(await take(here)).toBeTypeOf("function");
      expect(side.clock.monotonic() - startedAt).toBeLessThan(side.passedOverWithinMs);
      expect(await take(here)).toBeNull();
    }
  });

  only("after trouble, claims are known to all again", async () => {
    await side.fail();
    await take(here);
    await side.calm();
    key = `${key}-after`;
    expect(await take(here)).toBeTypeOf("function");
    expect(await take(elsewhere)).toBeNull();
  });
});
