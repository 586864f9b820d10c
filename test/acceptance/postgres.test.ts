import { afterAll, beforeAll, expect, it } from "vitest";
import { type Asked, allCharges, ask, chargeUntilTold, isPolite } from "./client.ts";
import { IMPATIENT, startWorld, until, type World } from "./harness.ts";
import { JUDGED_MS, judge } from "./judge.ts";
import { chargeAll, goodBody, ignoreHealth, startStorm } from "./storm.ts";

let world: World;
const asked: Asked[] = [];
beforeAll(async () => {
  world = await startWorld({ env: IMPATIENT, postgres: "own" });
});
afterAll(() => world.close());

it("loses nothing and moves nothing twice while PostgreSQL is restarted and killed", { timeout: JUDGED_MS }, async () => {
  const { postgres } = world;
  const [one, two] = await Promise.all([world.start(), world.start()]);
  const calm = startStorm(world.sandbox, 0.15);
  const heedHealth = await ignoreHealth(one.url);
  let doing: Promise<void> = Promise.resolve();
  asked.push(
    ...(await chargeAll(world, {
      prefix: "postgres",
      count: 150,
      between(done) {
        if (done === 40) doing = doing.then(() => postgres.restart());
        if (done === 90) doing = doing.then(() => postgres.kill9()).then(() => postgres.start());
      },
    })),
  );
  await doing;
  calm();
  await heedHealth();
  const { faults, seen } = await judge(world, asked);
  expect(faults).toEqual([]);
  expect(seen.charges).toBe(150);
  expect([one.isRunning(), two.isRunning()]).toEqual([true, true]);
});

it("answers 503 with Retry-After while PostgreSQL is gone, and knows everything when it is back", { timeout: JUDGED_MS }, async () => {
  const [url = ""] = world.urls();
  const request = { key: "while-gone", body: goodBody(900) };
  const before = await allCharges(url);
  await world.postgres.kill9();

  const refused = await ask(url, "POST /v1/charges", request);
  // Whether the key was used before cannot be looked up now: nobody may say that no money moved.
  // An idle connection may be found dead only by the statement that is sent over it: that one is ambiguous.
  const code = expect.stringMatching(/^(database_unavailable|outcome_unknown_retry_same_key)$/);
  expect(refused).toMatchObject({ status: 503, body: { code, money: "unknown" } });
  expect(isPolite(refused)).toBe(true);
  for (const path of ["/v1/charges", `/v1/charges/${before[0]?.id}`, "/v1/routing/stats", "/v1/routing/deferred", "/v1/audit"]) {
    const read = await ask(url, `GET ${path}`);
    expect({ path, status: read.status, polite: isPolite(read) }).toEqual({ path, status: 503, polite: true });
  }
  expect((await ask(url, "GET /readyz")).status).toBe(503);
  expect((await ask(url, "GET /healthz")).status).toBe(200);

  await world.postgres.start();
  await until(
    async () => (await ask(url, "GET /readyz")).status,
    (status) => status === 200,
  );
  expect(await allCharges(url)).toEqual(before);
  asked.push(await chargeUntilTold(world.urls, request));
  expect((await judge(world, asked)).faults).toEqual([]);
});
