import fc from "fast-check";
import supertest from "supertest";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Attempt, Charge } from "../../../gateway/charges/charge.ts";
import { reread } from "../../support/engine.ts";
import { disputeOf, type StripeEvent, stripeEvent, WebhookStage } from "./webhook-stage.ts";

let stage: WebhookStage;
beforeAll(async () => {
  stage = await WebhookStage.open();
});
afterAll(() => stage.close());

let serial = 0;
const newDispute = () => `du_${++serial}`;
const TYPES: Record<string, string> = {
  needs_response: "charge.dispute.created",
  won: "charge.dispute.closed",
  lost: "charge.dispute.closed",
};
const about = (charge: { intent: string }, dispute: string, status: string, atS = 0, more: object = {}): StripeEvent =>
  stripeEvent(TYPES[status] ?? "charge.dispute.updated", disputeOf(charge.intent, dispute, status, more), atS);
const get = (path: string, key = "finance") => supertest(stage.app).get(path).set("Authorization", `Bearer ${key}`);
const disputed = async (charge: Charge) => (await reread(stage.engine, charge)).disputed;
const story = async (charge: Charge) =>
  (await stage.rows<{ type: string }>("select type from events where charge_id = $1 and type like 'dispute.%' order by id", charge.id)).map(
    ({ type }) => type,
  );

describe("a dispute that a webhook tells of", () => {
  it("is shown with its charge, blocks refunds while it is open, and is in the trail with its amount", async () => {
    const charge = await stage.paid();
    const attempt = charge.attempts[0] as Attempt;
    const id = newDispute();
    await stage.taken(about(charge, id, "needs_response"));
    expect(await disputed(charge)).toBe(true);
    const list = await get(`/v1/disputes?charge=${charge.id}`);
    const [dispute] = list.body.data;
    expect(dispute).toEqual({
      id: expect.stringMatching(/^dp_/),
      object: "dispute",
      charge: charge.id,
      attempt: attempt.id,
      provider: "stripe",
      provider_dispute: id,
      status: "open",
      amount: 4200,
      currency: "usd",
      reason: "fraudulent",
      network_code: "10.4",
      evidence_due_at: "2027-01-15T08:00:00.000Z",
      opened_at: expect.any(String),
      updated_at: expect.any(String),
    });
    expect((await get(`/v1/disputes/${dispute.id}`)).body).toEqual(dispute);
    expect((await get(`/v1/charges/${charge.id}`)).body).toMatchObject({ disputed: true, disputes: [dispute] });
    expect(await stage.told("dispute.opened", charge.id)).toMatchObject([
      { actor: "system:webhook", provider: "stripe", amount: 4200n, data: { dispute: id, status: "open", was: null } },
    ]);
    await stage.taken(about(charge, id, "won", 5));
    expect(await disputed(charge)).toBe(false);
    expect((await get(`/v1/disputes/${dispute.id}`)).body).toMatchObject({ status: "won" });
    expect(await story(charge)).toEqual(["dispute.opened", "dispute.won"]);
  });

  it("is one row, one event and one flag, however often and at once its news is delivered", async () => {
    const charge = await stage.paid();
    const id = newDispute();
    const event = about(charge, id, "needs_response");
    const answers = await Promise.all(Array.from({ length: 20 }, () => stage.deliver(event)));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200));
    expect((await get(`/v1/disputes?charge=${charge.id}`)).body.data).toHaveLength(1);
    expect(await story(charge)).toEqual(["dispute.opened"]);
  });

  it("that is only an inquiry blocks nothing", async () => {
    const charge = await stage.paid();
    const id = newDispute();
    await stage.taken(about(charge, id, "warning_needs_response"));
    expect(await disputed(charge)).toBe(false);
    await stage.taken(about(charge, id, "needs_response", 1));
    expect(await disputed(charge)).toBe(true);
    await stage.taken(about(charge, id, "warning_closed", 2));
    expect(await disputed(charge)).toBe(false);
    expect(await story(charge)).toEqual(["dispute.updated", "dispute.opened", "dispute.closed"]);
  });

  it("is not opened again by what was told late", async () => {
    const charge = await stage.paid();
    const id = newDispute();
    await stage.taken(about(charge, id, "won", 10));
    await stage.taken(about(charge, id, "needs_response", 0));
    await stage.taken(about(charge, id, "under_review", 10));
    expect(await disputed(charge)).toBe(false);
    expect(await story(charge)).toEqual(["dispute.opened", "dispute.won"]);
  });

  it("keeps its charge from being refunded once it is lost: the bank has taken the money already", async () => {
    const charge = await stage.paid();
    const id = newDispute();
    await stage.taken(about(charge, id, "needs_response"));
    await stage.taken(about(charge, id, "lost", 1));
    expect(await disputed(charge)).toBe(true);
  });

  it("ends where two events of the same second say so, in whatever order they come", async () => {
    for (const order of [
      ["under_review", "won"],
      ["won", "under_review"],
    ] as const) {
      const charge = await stage.paid();
      const id = newDispute();
      for (const status of order) await stage.taken(about(charge, id, status, 10));
      expect(await disputed(charge)).toBe(false);
    }
  });

  it("blocks until the last one of a charge is over, also when they change at once", async () => {
    const charge = await stage.paid();
    const [first, second] = [newDispute(), newDispute()];
    await Promise.all([stage.taken(about(charge, first, "needs_response")), stage.taken(about(charge, second, "needs_response"))]);
    await stage.taken(about(charge, first, "won", 1));
    expect(await disputed(charge)).toBe(true);
    const third = newDispute();
    await Promise.all([stage.taken(about(charge, second, "won", 1)), stage.taken(about(charge, third, "needs_response"))]);
    expect(await disputed(charge)).toBe(true);
    await stage.taken(about(charge, third, "won", 1));
    expect(await disputed(charge)).toBe(false);
  });

  it("keeps what an event leaves out, and tells of what it changes", async () => {
    const charge = await stage.paid();
    const id = newDispute();
    await stage.taken(about(charge, id, "needs_response"));
    await stage.taken(about(charge, id, "under_review", 1, { amount: null, reason: null }));
    const [dispute] = (await get(`/v1/disputes?charge=${charge.id}`)).body.data;
    expect(dispute).toMatchObject({ amount: 4200, reason: "fraudulent" });
    expect(await story(charge)).toEqual(["dispute.opened"]);
    await stage.taken(about(charge, id, "under_review", 2, { amount: 4000 }));
    expect(await story(charge)).toEqual(["dispute.opened", "dispute.updated"]);
  });

  it("ends as its newest event says and flags its charge so, in whatever order and however often events come", async () => {
    const charge = await stage.paid();
    const statuses = ["warning_needs_response", "needs_response", "under_review", "won", "lost", "warning_closed"] as const;
    const ends: Record<string, string> = {
      warning_needs_response: "warning",
      needs_response: "open",
      under_review: "open",
      warning_closed: "closed",
    };
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...statuses), { minLength: 1, maxLength: 5 }),
        fc.infiniteStream(fc.nat(1_000)),
        async (life, dice) => {
          const id = newDispute();
          const events = life.map((status, i) => about(charge, id, status, i));
          const shuffled = [...events, ...events].map((event) => ({ event, at: dice.next().value as number })).sort((a, b) => a.at - b.at);
          for (const { event } of shuffled) await stage.taken(event);
          const last = life.at(-1) as string;
          const [row] = await stage.rows<{ status: string }>("select status from disputes where provider_dispute = $1", id);
          expect(row?.status).toBe(ends[last] ?? last);
          const [flag] = await stage.rows<{ same: boolean }>(
            "select disputed = exists (select from disputes where charge_id = c.id and status in ('open', 'lost')) as same from charges c where id = $1",
            charge.id,
          );
          expect(flag?.same).toBe(true);
        },
      ),
      { numRuns: 25 },
    );
  });

  it("of a payment that was given up is evidence that it was made: the attempt is looked at", async () => {
    const charge = await stage.paid();
    const attempt = charge.attempts[0] as Attempt;
    await stage.rows("update attempts set live = false, outcome = 'declined' where id = $1", attempt.id);
    await stage.taken(about(charge, newDispute(), "needs_response"));
    const after = await reread(stage.engine, charge);
    expect(after).toMatchObject({ disputed: true, leaseNo: charge.leaseNo + 1 });
    expect(after.attempts[0]?.nextLookAt).toEqual(new Date(0));
  });
});

describe("the list of disputes", () => {
  it("pages, filters by status, and shows an account its own only", async () => {
    const charge = await stage.paid();
    for (const status of ["needs_response", "lost", "needs_response"]) await stage.taken(about(charge, newDispute(), status));
    const first = (await get(`/v1/disputes?charge=${charge.id}&limit=2`)).body;
    const rest = (await get(`/v1/disputes?charge=${charge.id}&limit=2&starting_after=${first.next_cursor}`)).body;
    expect([first.data.length, first.has_more, rest.data.length, rest.has_more]).toEqual([2, true, 1, false]);
    expect((await get(`/v1/disputes?charge=${charge.id}&status=lost`)).body.data).toMatchObject([{ status: "lost" }]);
    expect((await get("/v1/disputes?status=bad")).status).toBe(400);
    expect((await get(`/v1/disputes/${first.data[0].id}`, "other")).status).toBe(404);
    expect((await get("/v1/disputes/dp_none")).status).toBe(404);
  });
});
