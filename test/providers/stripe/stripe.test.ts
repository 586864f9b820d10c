import { describe, expect, test } from "vitest";
import { systemClock } from "../../../providers/contract/clock.ts";
import { createStripeProvider } from "../../../providers/stripe/stripe.ts";
import { always, attempt, commit, errorBody, INTENT, intent, json, newCall, operation, provider, rawStripe } from "./raw-stripe.ts";

describe("prepare", () => {
  test("creates the PaymentIntent unconfirmed, with our ids, under its own key", async () => {
    const server = await always(200, intent("requires_confirmation"));
    expect(await provider(server.url).prepare(attempt(), newCall())).toEqual({ kind: "prepared", object: INTENT });
    const [request] = server.seen;
    expect(request).toMatchObject({ method: "POST", path: "/v1/payment_intents", key: "at_1:prepare" });
    expect(Object.fromEntries(request!.body)).toEqual({
      amount: "4200",
      currency: "usd",
      customer: "cus_1",
      payment_method: "pm_card_visa",
      "payment_method_types[0]": "card",
      capture_method: "automatic",
      description: "Pro plan",
      "metadata[charge_id]": "ch_1",
      "metadata[attempt_id]": "at_1",
      "metadata[reference]": "invoice-1042",
    });
  });

  test("authorizes only, where the attempt says so", async () => {
    const server = await always(200, intent("requires_confirmation"));
    await provider(server.url).prepare(attempt({ capture: "manual" }), newCall());
    expect(server.seen[0]!.body.get("capture_method")).toBe("manual");
  });

  test("keeps within Stripe's lengths without breaking a character", async () => {
    const server = await always(200, intent("requires_confirmation"));
    const reference = `${"x".repeat(499)}😀`;
    await provider(server.url).prepare(attempt({ reference, description: "y".repeat(2000) }), newCall());
    expect(server.seen[0]!.body.get("metadata[reference]")).toBe(`${"x".repeat(499)}\ufffd`);
    expect(server.seen[0]!.body.get("description")).toHaveLength(1000);
  });

  test.each([
    ["another attempt's PaymentIntent", { metadata: { attempt_id: "at_2" } }],
    ["another amount", { amount: 1 }],
    ["no id", { id: undefined }],
  ])("%s is not prepared", async (_name, changes) => {
    const server = await always(200, intent("requires_confirmation", changes));
    expect(await provider(server.url).prepare(attempt(), newCall())).toMatchObject({ kind: "unknown" });
  });
});

describe("lookup", () => {
  const look = (url: string, object: string | null, replayPrepare = false, request = attempt()) =>
    provider(url).lookup({ request, object, replayPrepare }, newCall());

  test.each([
    ["succeeded", { kind: "approved", captured: true, amount: 4200n }],
    ["requires_capture", { kind: "approved", captured: false }],
    ["processing", { kind: "pending" }],
    ["requires_action", { kind: "requires_action" }],
    ["requires_confirmation", { kind: "unpaid", object: INTENT }],
    ["requires_payment_method", { kind: "unpaid", object: INTENT }],
    ["canceled", { kind: "fenced", object: INTENT, decline: null }],
  ])("by id: %s", async (status, finding) => {
    const server = await always(200, intent(status));
    expect(await look(server.url, INTENT)).toMatchObject({ object: INTENT, finding });
    expect(server.seen).toMatchObject([{ method: "GET", path: `/v1/payment_intents/${INTENT}` }]);
  });

  test("a declined PaymentIntent is unpaid, not declined: it can still be confirmed", async () => {
    const server = await always(200, intent("requires_payment_method", { last_payment_error: { code: "expired_card" } }));
    expect(await look(server.url, INTENT)).toMatchObject({ finding: { kind: "unpaid" } });
  });

  test("a canceled one tells why it was not paid", async () => {
    const server = await always(200, intent("canceled", { last_payment_error: { code: "card_declined", decline_code: "lost_card" } }));
    expect(await look(server.url, INTENT)).toMatchObject({
      finding: { kind: "fenced", decline: { reason: "lost_or_stolen", advice: "never" } },
    });
  });

  test.each([400, 401, 404, 429, 500])("%i proves nothing", async (status) => {
    const server = await always(status, errorBody("invalid_request_error", "resource_missing"));
    expect(await look(server.url, INTENT)).toMatchObject({ object: INTENT, finding: { kind: "unknown" } });
  });

  test("refused proves nothing", async () => {
    expect(await look("http://127.0.0.1:1", INTENT)).toMatchObject({ finding: { kind: "unknown", cause: "connection_lost" } });
  });

  test("without an id, the create key's replay brings it, and the live state is asked for", async () => {
    const server = await rawStripe((request, response) =>
      json(response, 200, intent(request.method === "GET" ? "succeeded" : "requires_confirmation")),
    );
    expect(await look(server.url, null, true)).toMatchObject({ object: INTENT, finding: { kind: "approved" } });
    expect(server.seen).toMatchObject([
      { method: "POST", path: "/v1/payment_intents", key: "at_1:prepare" },
      { method: "GET", path: `/v1/payment_intents/${INTENT}` },
    ]);
  });

  test("a stored 500 for the create does not end the search: the list may have it", async () => {
    const server = await rawStripe((request, response) => {
      if (request.method === "POST") json(response, 500, errorBody("api_error"));
      else if (request.path === "/v1/payment_intents")
        json(response, 200, { object: "list", data: [intent("succeeded")], has_more: false });
      else json(response, 200, intent("succeeded"));
    });
    expect(await look(server.url, null, true)).toMatchObject({ object: INTENT, finding: { kind: "approved" } });
  });

  test("past the key's age it pages through the customer's list around the intent's time", async () => {
    const createdAtMs = 1_800_000_000_000;
    const other = (id: string) => intent("succeeded", { id, metadata: { attempt_id: "at_other" } });
    const server = await rawStripe((request, response) => {
      if (request.path !== "/v1/payment_intents") json(response, 200, intent("succeeded"));
      else if (request.body.get("starting_after") === "pi_8")
        json(response, 200, { object: "list", data: [intent("processing")], has_more: false });
      else json(response, 200, { object: "list", data: [other("pi_9"), other("pi_8")], has_more: true });
    });
    expect(await look(server.url, null, false, attempt({ createdAtMs }))).toMatchObject({ object: INTENT, finding: { kind: "approved" } });
    expect(server.seen.map(({ method }) => method)).toEqual(["GET", "GET", "GET"]);
    const query = server.seen[0]!.body;
    expect(query.get("customer")).toBe("cus_1");
    expect(Number(query.get("created[gte]"))).toBeLessThan(createdAtMs / 1000);
    expect(Number(query.get("created[lte]"))).toBeGreaterThan(createdAtMs / 1000 + 23 * 3600);
  });

  test("not found is unknown, never proof", async () => {
    const server = await always(200, { object: "list", data: [], has_more: false });
    expect(await look(server.url, null)).toMatchObject({ object: null, finding: { kind: "unknown", cause: "unexpected" } });
  });

  test("a deadline keeps the id that was learned", async () => {
    const server = await rawStripe((request, response) => {
      if (request.method === "POST") json(response, 200, intent("requires_confirmation"));
    });
    const found = await provider(server.url).lookup({ request: attempt(), object: null, replayPrepare: true }, newCall(500));
    expect(found).toMatchObject({ object: INTENT, finding: { kind: "unknown", cause: "timeout" } });
  });
});

describe("cancel", () => {
  const refusal = errorBody("invalid_request_error", "payment_intent_unexpected_state");

  test("only a confirmed cancel is a fence, and it brings the decline that led to it", async () => {
    const server = await always(200, intent("canceled", { last_payment_error: { code: "card_declined", decline_code: "do_not_honor" } }));
    const finding = await provider(server.url).cancel(INTENT, newCall());
    expect(finding).toMatchObject({ kind: "fenced", object: INTENT, decline: { kind: "declined", advice: "other_provider" } });
    expect(server.seen).toMatchObject([{ method: "POST", path: `/v1/payment_intents/${INTENT}/cancel` }]);
  });

  test("two cancels never share a key: a stored 500 must not be replayed for a day", async () => {
    const stored = new Map<string, number>();
    const server = await rawStripe((request, response, nth) => {
      const status = stored.get(request.key ?? "") ?? (nth === 0 ? 500 : 200);
      if (request.key) stored.set(request.key, status);
      json(response, status, status === 500 ? errorBody("api_error") : intent("canceled"));
    });
    const stripe = provider(server.url);
    expect(await stripe.cancel(INTENT, newCall())).toMatchObject({ kind: "unknown" });
    expect(await stripe.cancel(INTENT, newCall())).toMatchObject({ kind: "fenced" });
  });

  test.each([
    ["succeeded", { kind: "approved", amount: 4200n }],
    ["processing", { kind: "pending" }],
    ["canceled", { kind: "fenced" }],
    ["requires_confirmation", { kind: "unknown" }],
    ["requires_capture", { kind: "unknown" }],
  ])("refused by its state, it is looked up: %s", async (status, finding) => {
    const server = await rawStripe((request, response) =>
      request.method === "GET" ? json(response, 200, intent(status)) : json(response, 400, refusal),
    );
    expect(await provider(server.url).cancel(INTENT, newCall())).toMatchObject(finding);
  });

  test.each([400, 401, 404, 409, 429, 500])("%i is unknown", async (status) => {
    const server = await always(status, errorBody("invalid_request_error", "resource_missing"));
    expect(await provider(server.url).cancel(INTENT, newCall())).toMatchObject({ kind: "unknown" });
  });

  test.each(["requires_confirmation", "requires_capture"])("a 200 that is not canceled is no fence: %s", async (status) => {
    const server = await always(200, intent(status));
    expect(await provider(server.url).cancel(INTENT, newCall())).toMatchObject({ kind: "unknown" });
  });

  test("no connection is unknown", async () => {
    expect(await provider("http://127.0.0.1:1").cancel(INTENT, newCall())).toMatchObject({ kind: "unknown", cause: "connection_lost" });
  });
});

describe("capture", () => {
  test("takes the amount under the operation's key", async () => {
    const server = await always(200, intent("succeeded", { amount_received: 1000 }));
    const outcome = await provider(server.url).capture(operation({ money: { ...operation().money, amount: 1000n } }), newCall());
    expect(outcome).toEqual({ kind: "approved", reference: INTENT, amount: 1000n, captured: true });
    expect(server.seen).toMatchObject([{ path: `/v1/payment_intents/${INTENT}/capture`, key: "op_1" }]);
    expect(server.seen[0]!.body.get("amount_to_capture")).toBe("1000");
  });

  test("another amount than ours is in doubt", async () => {
    const server = await always(200, intent("succeeded", { amount_received: 999 }));
    expect(await provider(server.url).capture(operation(), newCall())).toMatchObject({ kind: "unknown", cause: "conflict" });
  });

  test("refused by its state, it is looked up", async () => {
    for (const [status, outcome] of [
      ["succeeded", { kind: "approved", captured: true }],
      ["canceled", { kind: "not_sent", cause: "fenced" }],
      ["requires_capture", { kind: "unknown" }],
    ] as const) {
      const server = await rawStripe((request, response) =>
        request.method === "GET"
          ? json(response, 200, intent(status))
          : json(response, 400, errorBody("invalid_request_error", "payment_intent_unexpected_state")),
      );
      expect(await provider(server.url).capture(operation(), newCall())).toMatchObject(outcome);
    }
  });

  test("of a hold that is gone is not sent, for good, also on a replay", async () => {
    for (const code of ["payment_intent_unexpected_state", "charge_expired_for_capture", "capture_charge_authorization_expired"]) {
      const server = await rawStripe((request, response) =>
        request.method === "GET" ? json(response, 200, intent("canceled")) : json(response, 400, errorBody("invalid_request_error", code)),
      );
      const gone = { kind: "not_sent", cause: "fenced", fault: false };
      expect(await provider(server.url).capture(operation(), newCall())).toMatchObject(gone);
      expect(await provider(server.url).capture(operation(), newCall(), { replay: true })).toMatchObject(gone);
    }
  });

  test("of what somebody else has captured: the same amount is ours, another one is in doubt", async () => {
    for (const [amount_received, outcome] of [
      [4200, { kind: "approved", captured: true, amount: 4200n }],
      [4000, { kind: "unknown", cause: "conflict" }],
    ] as const) {
      const server = await rawStripe((request, response) =>
        request.method === "GET"
          ? json(response, 200, intent("succeeded", { amount_received }))
          : json(response, 400, errorBody("invalid_request_error", "charge_already_captured")),
      );
      expect(await provider(server.url).capture(operation(), newCall())).toMatchObject(outcome);
    }
  });

  test("another attempt's PaymentIntent is no answer", async () => {
    const server = await always(200, intent("succeeded", { metadata: { attempt_id: "at_2" } }));
    expect(await provider(server.url).capture(operation(), newCall())).toMatchObject({ kind: "unknown" });
  });

  test("a refusal is proof on the first send only", async () => {
    const server = await always(404, errorBody("invalid_request_error"));
    expect(await provider(server.url).capture(operation(), newCall())).toMatchObject({ kind: "not_sent", cause: "rejected" });
    expect(await provider(server.url).capture(operation(), newCall(), { replay: true })).toMatchObject({ kind: "unknown" });
  });
});

describe("a hold", () => {
  const charge = { id: "ch_9", object: "charge", payment_method_details: { card: { capture_before: 1_800_604_800 } } };
  const manual = attempt({ capture: "manual" });

  test("says until when it stands, when it is made and when it is looked at", async () => {
    const server = await always(200, intent("requires_capture", { latest_charge: charge }));
    const held = { kind: "approved", reference: INTENT, amount: 4200n, captured: false, heldUntilMs: 1_800_604_800_000 };
    expect(await commit(provider(server.url), { request: manual })).toEqual(held);
    expect((await provider(server.url).lookup({ request: manual, object: INTENT, replayPrepare: false }, newCall())).finding).toEqual(held);
    expect(server.seen.map(({ body }) => body.get("expand[0]"))).toEqual(["latest_charge", "latest_charge"]);
  });

  test.each([
    ["is not expanded", "ch_9"],
    ["is not there", null],
    ["says nothing", { id: "ch_9" }],
    ["says nonsense", { payment_method_details: { card: { capture_before: "soon" } } }],
  ])("is held all the same when its charge %s", async (_name, latest_charge) => {
    const server = await always(200, intent("requires_capture", { latest_charge }));
    const held = { kind: "approved", reference: INTENT, amount: 4200n, captured: false };
    expect(await commit(provider(server.url), { request: manual })).toEqual(held);
  });

  test("an attempt that captures at once asks for no charge: its request is what it always was", async () => {
    const server = await always(200, intent("succeeded"));
    await commit(provider(server.url));
    expect([...server.seen[0]!.body.keys()]).toEqual(["off_session"]);
  });
});

describe("a token that is gone", () => {
  const gone = [
    errorBody("invalid_request_error", "resource_missing", { param: "payment_method" }),
    errorBody("invalid_request_error", undefined, {
      message: "The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment. It may not be used again.",
    }),
  ];
  test.each(gone)("is said so, by prepare and by commit: %j", async (body) => {
    const server = await always(400, body);
    const outcome = { kind: "not_sent", cause: "rejected", fault: false, tokenGone: true };
    expect(await provider(server.url).prepare(attempt(), newCall())).toMatchObject(outcome);
    expect(await commit(provider(server.url))).toMatchObject(outcome);
    expect(await commit(provider(server.url), { replay: true })).toMatchObject({ kind: "unknown" });
  });

  test.each([
    errorBody("invalid_request_error", "resource_missing", { param: "customer" }),
    errorBody("invalid_request_error", "parameter_invalid_integer", { param: "amount" }),
    errorBody("invalid_request_error", "payment_method_unexpected_state"),
  ])("is not said of other refusals: %j", async (body) => {
    const server = await always(400, body);
    const outcome = await provider(server.url).prepare(attempt(), newCall());
    expect(outcome).toMatchObject({ kind: "not_sent", cause: "rejected" });
    expect(outcome).not.toHaveProperty("tokenGone");
  });
});

describe("refund", () => {
  const refund = (status: string, changes: object = {}) => ({
    id: "re_1",
    object: "refund",
    amount: 4200,
    currency: "usd",
    payment_intent: INTENT,
    status,
    metadata: { operation_key: "op_1" },
    ...changes,
  });

  test.each([
    ["succeeded", { kind: "approved", reference: "re_1", amount: 4200n, captured: true }],
    ["pending", { kind: "pending", reference: "re_1" }],
    ["requires_action", { kind: "pending", reference: "re_1" }],
    ["failed", { kind: "declined", reason: "refund_failed", providerCode: "failed" }],
    ["canceled", { kind: "declined", reason: "refund_failed" }],
    ["brand_new", { kind: "unknown" }],
  ])("%s", async (status, outcome) => {
    const server = await always(200, refund(status));
    expect(await provider(server.url).refund(operation(), newCall())).toMatchObject(outcome);
    expect(server.seen).toMatchObject([{ method: "POST", path: "/v1/refunds", key: "op_1" }]);
    expect(server.seen[0]!.body.get("payment_intent")).toBe(INTENT);
    expect(await provider(server.url).lookupRefund!(operation(), "re_1", newCall())).toMatchObject(outcome);
  });

  test.each([
    ["another payment", { payment_intent: "pi_2" }],
    ["another amount", { amount: 1 }],
    ["another object", { object: "payment_intent" }],
  ])("an answer about %s is unknown", async (_name, changes) => {
    const server = await always(200, refund("succeeded", changes));
    expect(await provider(server.url).refund(operation(), newCall())).toMatchObject({ kind: "unknown" });
  });

  test("a rule of Stripe's refuses it: declined; on a replay in doubt", async () => {
    const server = await always(400, errorBody("invalid_request_error", "charge_already_refunded"));
    expect(await provider(server.url).refund(operation(), newCall())).toMatchObject({
      kind: "declined",
      providerCode: "charge_already_refunded",
    });
    expect(await provider(server.url).refund(operation(), newCall(), { replay: true })).toMatchObject({ kind: "unknown" });
  });

  test("a 500 is in doubt, and our key in the list ends the doubt", async () => {
    const server = await rawStripe((request, response) => {
      if (request.method === "POST") json(response, 500, errorBody("api_error"));
      else
        json(response, 200, {
          object: "list",
          data: [refund("succeeded", { id: "re_0", metadata: {} }), refund("succeeded")],
          has_more: false,
        });
    });
    const stripe = provider(server.url);
    expect(await stripe.refund(operation(), newCall())).toMatchObject({ kind: "unknown", cause: "server_error" });
    expect(await stripe.lookupRefund!(operation(), null, newCall())).toMatchObject({ kind: "approved", reference: "re_1" });
    expect(await stripe.lookupRefund!(operation({ key: "op_2" }), null, newCall())).toMatchObject({ kind: "unknown" });
  });
});

describe("the provider", () => {
  test("identifies its account, and its mode by the key", async () => {
    const server = await always(200, { id: "acct_1", object: "account" });
    for (const [secretKey, livemode] of [
      ["sk_test_x", false],
      ["sk_live_x", true],
      ["rk_live_x", true],
      ["rk_test_x", false],
    ] as const) {
      expect(await provider(server.url, { secretKey }).identify(newCall())).toEqual({ kind: "identity", account: "acct_1", livemode });
    }
    expect(server.seen[0]).toMatchObject({ method: "GET", path: "/v1/account" });
    expect(await provider(server.url, { secretKey: "something" }).identify(newCall())).toMatchObject({ kind: "unknown" });
  });

  test("a key that Stripe does not know is unknown", async () => {
    const server = await always(401, errorBody("invalid_request_error"));
    expect(await provider(server.url).identify(newCall())).toMatchObject({ kind: "unknown" });
    expect(await provider("http://127.0.0.1:1").identify(newCall())).toMatchObject({ kind: "unknown" });
  });

  test.each([
    [null, ""],
    ["pm_card_visa", ""],
    [[], ""],
    [{}, "/payment_method"],
    [{ payment_method: 7 }, "/payment_method"],
    [{ payment_method: "card_1" }, "/payment_method"],
    [{ payment_method: "4242424242424242" }, "/payment_method"],
    [{ payment_method: `pm_${"x".repeat(255)}` }, "/payment_method"],
    [{ payment_method: "pm_1/../x" }, "/payment_method"],
    [{ payment_method: "pm_1", customer: "pm_1" }, "/customer"],
    [{ payment_method: "pm_1", customer: null }, "/customer"],
    [{ payment_method: "pm_1", "a/b~": 1 }, "/a~1b~0"],
  ])("the token %j is refused at %j", (token, path) => {
    const wrong = provider("http://127.0.0.1:1").checkToken(token);
    expect(wrong?.path).toBe(path);
    expect(JSON.stringify(wrong)).not.toContain("4242");
  });

  test("good tokens pass", () => {
    const stripe = provider("http://127.0.0.1:1");
    expect(stripe.checkToken({ payment_method: "pm_card_visa" })).toBeNull();
    expect(stripe.checkToken({ payment_method: "pm_1", customer: "cus_1" })).toBeNull();
  });

  test("takes an address without a path only", () => {
    const create = (apiBase: string) => createStripeProvider({ secretKey: "sk_test_x", apiBase, clock: systemClock });
    expect(() => create("https://api.stripe.com/v1")).toThrow(TypeError);
    expect(() => create("ftp://api.stripe.com")).toThrow(TypeError);
    create("https://api.stripe.com").close();
  });

  test("speaks to IPv6 addresses", async () => {
    expect(await provider("http://[::1]:1").prepare(attempt(), newCall())).toMatchObject({ kind: "not_sent", cause: "refused" });
  });
});
