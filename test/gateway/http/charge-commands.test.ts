import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createHttpFixture, type HttpFixture } from "./http-fixture.ts";

let http: HttpFixture;
beforeAll(async () => {
  http = await createHttpFixture();
});
afterAll(() => http.close());

describe("POST /v1/charges/{id}/cancel and /resolve", () => {
  it("passes a cancellation on with its key", async () => {
    const cancel = () => http.as("billing").post("/v1/charges/ch_1/cancel");
    const answer = await cancel().set("Idempotency-Key", "c1");
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ id: "ch_1", status: "canceled" });
    expect(http.charges.commands.at(-1)).toMatchObject({ chargeId: "ch_1", idempotencyKey: "c1", actor: "key:key_billing" });
    expect((await cancel().set("Idempotency-Key", "c1").send({})).status).toBe(200);
    expect((await cancel().set("Idempotency-Key", "c1").send({ amount: 1 })).body.errors).toEqual([
      { pointer: "/amount", detail: "is not a known field" },
    ]);
    expect((await cancel()).body.code).toBe("idempotency_key_missing");
  });

  it("passes a settlement by hand on, with its author", async () => {
    const resolve = (body: object) => http.as("ops").post("/v1/charges/ch_1/resolve").send(body);
    const answer = await resolve({ outcome: "charged", provider_reference: "pi_1", reason: "seen in the dashboard" });
    expect(answer.status).toBe(200);
    expect(http.charges.commands.at(-1)).toEqual({
      accountId: "acct_default",
      actor: "key:key_ops",
      chargeId: "ch_1",
      outcome: "charged",
      providerReference: "pi_1",
      reason: "seen in the dashboard",
    });
    expect((await resolve({ outcome: "charged", reason: "x" })).body.errors).toEqual([
      { pointer: "/provider_reference", detail: "is needed when the outcome is charged" },
    ]);
    expect((await resolve({ outcome: "not_charged", provider_reference: "pi_1", reason: "x" })).status).toBe(422);
    expect((await resolve({ outcome: "maybe", reason: "" })).body.errors).toHaveLength(2);
  });

  it("knows no charge with an id that cannot be one", async () => {
    expect((await http.as("ops").post("/v1/charges/no-charge/resolve").send({})).status).toBe(404);
  });
});
