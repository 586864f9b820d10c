import { afterEach, beforeEach, expect, test } from "vitest";
import { forgetOldDeliveries } from "../../../gateway/queue/forget-deliveries-job.ts";
import { deleteEndpoint } from "../../../gateway/store/webhook-endpoints.ts";
import { ACCOUNT, HooksWorld } from "../webhooks-out/hooks-world.ts";
import type { Receiver } from "../webhooks-out/receiver.ts";

let world: HooksWorld;
let receiver: Receiver;

beforeEach(async () => {
  world = await HooksWorld.open();
  receiver = await world.receiver();
});
afterEach(() => world.close());

const DAY = 24 * 3_600_000;
const forget = () => forgetOldDeliveries({ db: world.db, clock: world.clock });

test("delivered ones are kept for a week, dead ones until somebody has seen to them", async () => {
  await world.endpoint(receiver.url);
  receiver.answer = (got, response) => void response.writeHead(got.type === "charge.failed" ? 500 : 200).end();
  await world.event("charge.succeeded", { charge: "ch_a" });
  await world.event("charge.failed", { charge: "ch_b" });
  await world.run();
  await world.pass(6 * DAY, DAY / 24);
  await forget();
  expect((await world.rows()).map(({ state }) => state)).toEqual(["delivered", "dead"]);
  world.clock.pass(30 * DAY);
  await forget();
  expect((await world.rows()).map(({ state }) => state)).toEqual(["dead"]);
  const [letter] = await world.letters();
  receiver.answer = (_got, response) => void response.writeHead(200).end();
  await world.replay(letter!.id);
  await world.send();
  world.clock.pass(8 * DAY);
  await forget();
  expect(await world.rows()).toEqual([]);
});

test("of a deleted endpoint nothing is sent or left, and its dead letters are settled", async () => {
  const { id } = await world.endpoint(receiver.url);
  const other = await world.receiver();
  await world.endpoint(other.url);
  receiver.answer = (_got, response) => void response.writeHead(500).end();
  await world.event("charge.authorized");
  await world.run();
  await world.pass(73 * 3_600_000, 3_600_000);
  await world.event("charge.captured");
  await world.run();
  const tried = receiver.got.length;
  await deleteEndpoint(world.db, { accountId: ACCOUNT, actor: "key:billing", now: world.now }, id);
  await world.event("charge.succeeded");
  await world.run();
  await world.pass(DAY, 3_600_000);
  expect(receiver.got).toHaveLength(tried);
  expect(await world.letters()).toMatchObject([{ state: "settled" }]);
  expect(await world.events("webhook_endpoint.deleted")).toMatchObject([{ data: { endpoint: id, pending: 1 } }]);
  await forget();
  expect(await world.rows(id)).toEqual([]);
  expect(await world.db.query({ name: "left", text: "select id from webhook_endpoints where id = $1", values: [id] })).toEqual([]);
  expect(other.types()).toEqual(["charge.authorized", "charge.captured", "charge.succeeded"]);
});
