import { afterAll, beforeAll, expect, it } from "vitest";
import { tellAllExpiring } from "../../../gateway/queue/expiring-methods-job.ts";
import { tellExpiring } from "../../../gateway/store/expiring-methods.ts";
import { deleteMethod, updateMethod } from "../../../gateway/store/payment-methods.ts";
import { type Engine, startEngine } from "../../support/engine.ts";
import { by, store, told } from "./methods-fixture.ts";

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.close());

const at = (time: string) => ({ db: engine.db, clock: { now: () => Date.parse(time) } });
const card = (expMonth: number, expYear: number) => store(engine, { stripe: { payment_method: "pm_card_visa" } }, { expMonth, expYear });
const expiring = async (id: string) => (await told(engine, id)).filter(({ type }) => type === "payment_method.expiring");

it("a method is told of once in the month in which it expires, by UTC", async () => {
  const [july, june, yearBefore] = [await card(7, 2031), await card(6, 2031), await card(7, 2030)];
  const ageless = await store(engine, { stripe: { payment_method: "pm_card_visa" } });
  await tellAllExpiring(at("2031-06-30T23:59:59Z"));
  expect(await expiring(july)).toEqual([]);
  for (const day of ["01T00:00:00", "02T05:41:00", "31T23:59:59"]) await tellAllExpiring(at(`2031-07-${day}Z`));
  expect(await expiring(july)).toMatchObject([{ actor: "system:worker", provider: null, data: { exp_month: 7, exp_year: 2031 } }]);
  expect(await expiring(june)).toHaveLength(1);
  for (const other of [yearBefore, ageless]) expect(await expiring(other)).toEqual([]);
});

it("one whose expiry moved is told of again in its new month, and not for the same expiry given anew", async () => {
  const id = await card(8, 2031);
  await tellAllExpiring(at("2031-08-02T00:00:00Z"));
  await updateMethod(engine.db, by(id), { exp_month: 8, exp_year: 2031 });
  await updateMethod(engine.db, by(id), { brand: "amex" });
  await tellAllExpiring(at("2031-08-03T00:00:00Z"));
  expect(await expiring(id)).toHaveLength(1);
  await updateMethod(engine.db, by(id), { exp_month: 9, exp_year: 2031 });
  await tellAllExpiring(at("2031-09-01T00:00:00Z"));
  expect(await expiring(id)).toHaveLength(2);
});

it("a deleted one is not told of", async () => {
  const id = await card(10, 2031);
  await deleteMethod(engine.db, by(id));
  await tellAllExpiring(at("2031-10-01T00:00:00Z"));
  expect(await expiring(id)).toEqual([]);
});

it("a month's methods are taken in batches, and a run ends with its last one", async () => {
  for (let i = 0; i < 5; i++) await card(11, 2031);
  const november = at("2031-11-01T00:00:00Z");
  await tellAllExpiring(november, { batch: 2, batches: 1 });
  expect(await tellExpiring(engine.db, new Date(november.clock.now()), 2)).toBe(2);
  await tellAllExpiring(november, { batch: 2, batches: 5 });
  expect(await tellExpiring(engine.db, new Date(november.clock.now()), 2)).toBe(0);
});
