import { describe, expect, test } from "vitest";
import { scrub } from "../../../providers/stripe/answer.ts";
import { always, attempt, commit, errorBody, INTENT, intent, json, newCall, provider, rawStripe, SECRET } from "./raw-stripe.ts";

interface Case {
  readonly name: string;
  readonly status: number;
  readonly body: unknown;
  readonly first: object;
  readonly replay: object;
}

const DOUBT = { kind: "unknown" };
const refusals: Case[] = [
  {
    name: "400 invalid request",
    status: 400,
    body: errorBody("invalid_request_error", "parameter_unknown"),
    first: { kind: "not_sent", cause: "rejected", fault: false },
    replay: DOUBT,
  },
  {
    name: "404",
    status: 404,
    body: errorBody("invalid_request_error", "resource_missing"),
    first: { kind: "not_sent", cause: "rejected", fault: false },
    replay: DOUBT,
  },
  {
    name: "401",
    status: 401,
    body: errorBody("invalid_request_error"),
    first: { kind: "not_sent", cause: "unauthorized", fault: true },
    replay: DOUBT,
  },
  {
    name: "403",
    status: 403,
    body: errorBody("invalid_request_error"),
    first: { kind: "not_sent", cause: "unauthorized", fault: true },
    replay: DOUBT,
  },
  {
    name: "429",
    status: 429,
    body: errorBody("rate_limit_error", "rate_limit"),
    first: { kind: "not_sent", cause: "rate_limited", fault: true },
    replay: DOUBT,
  },
  {
    name: "400 rate_limit",
    status: 400,
    body: errorBody("invalid_request_error", "rate_limit"),
    first: { kind: "not_sent", cause: "rate_limited", fault: true },
    replay: DOUBT,
  },
];

const doubts: [string, number, unknown, string][] = [
  ["429 lock_timeout", 429, errorBody("invalid_request_error", "lock_timeout"), "in_progress"],
  ["409", 409, errorBody("idempotency_error", "idempotency_key_in_use"), "in_progress"],
  ["409 of another type", 409, errorBody("invalid_request_error"), "in_progress"],
  ["400 idempotency_error", 400, errorBody("idempotency_error"), "conflict"],
  ["400 of another type", 400, errorBody("api_error"), "unexpected"],
  ["402 without a card error", 402, errorBody("invalid_request_error"), "unexpected"],
  ["424", 424, errorBody("api_error"), "unexpected"],
  ["500", 500, errorBody("api_error"), "server_error"],
  ["500 that talks of an invalid request", 500, errorBody("invalid_request_error"), "server_error"],
  ["503 of a proxy", 503, { error: "unavailable" }, "server_error"],
  ["404 of a proxy", 404, { error: { message: "no route" } }, "unreadable"],
  ["403 of a firewall", 403, { error: { type: "blocked" } }, "unreadable"],
  ["401 with an OAuth error", 401, { error: "invalid_client", error_description: "no" }, "unreadable"],
];

describe("what Stripe's refusals of a confirm mean", () => {
  test.each(refusals)("$name is proof on the first send only", async ({ status, body, first, replay }) => {
    const server = await always(status, body);
    expect(await commit(provider(server.url))).toMatchObject(first);
    expect(await commit(provider(server.url), { replay: true })).toMatchObject(replay);
  });

  test.each(doubts)("%s is in doubt", async (_name, status, body, cause) => {
    const server = await always(status, body);
    for (const replay of [false, true]) {
      expect(await commit(provider(server.url), { replay })).toMatchObject({ kind: "unknown", cause });
    }
  });

  test.each([404, 429, 503])("%i as HTML is in doubt", async (status) => {
    const server = await rawStripe((_request, response) => response.writeHead(status, { "content-type": "text/html" }).end("<h1>no</h1>"));
    expect(await commit(provider(server.url))).toMatchObject({ kind: "unknown", cause: status === 503 ? "server_error" : "unreadable" });
  });

  test("no detail tells a secret, a token, or Stripe's own words about them", async () => {
    const nasty = { param: `payment_method pm_card_visa ${SECRET}`, code: "card_1Abc 4242424242424242" };
    for (const status of [400, 401, 404, 429, 500]) {
      const server = await always(status, errorBody("invalid_request_error", nasty.code, nasty));
      const text = JSON.stringify(await commit(provider(server.url)));
      expect(text).not.toMatch(/SECRET|pm_card|Secret words|4242|card_1/);
      expect(text.length).toBeLessThan(400);
    }
  });

  test("scrub keeps Stripe's words and request ids", () => {
    expect(scrub("card_declined req_abc123 payment_intent")).toBe("card_declined req_abc123 payment_intent");
    expect(scrub("rk_live_x1 whsec_y cus_1 4242 4242 4242 4242")).toBe("[removed] [removed] [removed] [removed]");
  });
});

describe("what Stripe's answer to a confirm means", () => {
  const confirmed = async (body: unknown, options: { replay?: boolean } = {}) => commit(provider((await always(200, body)).url), options);

  test("the confirm is off-session, under the commit's key", async () => {
    const server = await always(200, intent("succeeded"));
    await commit(provider(server.url));
    expect(server.seen[0]).toMatchObject({ method: "POST", path: `/v1/payment_intents/${INTENT}/confirm`, key: "at_1:commit" });
    expect(server.seen[0]!.body.get("off_session")).toBe("true");
  });

  test("succeeded is approved and captured", async () => {
    expect(await confirmed(intent("succeeded"))).toEqual({ kind: "approved", reference: INTENT, amount: 4200n, captured: true });
  });

  test("requires_capture is approved, not captured", async () => {
    expect(await confirmed(intent("requires_capture"))).toEqual({ kind: "approved", reference: INTENT, amount: 4200n, captured: false });
  });

  test("processing is pending", async () => {
    expect(await confirmed(intent("processing"))).toMatchObject({ kind: "pending", reference: INTENT });
  });

  test("requires_action brings the page, where there is one", async () => {
    const next = { type: "redirect_to_url", redirect_to_url: { url: "https://hooks.stripe.com/3ds" } };
    expect(await confirmed(intent("requires_action", { next_action: next }))).toEqual({
      kind: "requires_action",
      url: next.redirect_to_url.url,
    });
    expect(await confirmed(intent("requires_action", { next_action: { type: "use_stripe_sdk" } }))).toEqual({
      kind: "requires_action",
      url: null,
    });
  });

  test("requires_payment_method is the decline in its last error; without one nobody knows", async () => {
    const declined = intent("requires_payment_method", {
      last_payment_error: { code: "card_declined", decline_code: "insufficient_funds" },
    });
    expect(await confirmed(declined)).toMatchObject({ kind: "declined", reason: "insufficient_funds", advice: "same_later" });
    expect(await confirmed(intent("requires_payment_method"))).toMatchObject({ kind: "unknown", cause: "unexpected" });
  });

  test("canceled is proof, also on a replay: a canceled PaymentIntent never charges", async () => {
    for (const replay of [false, true]) {
      expect(await confirmed(intent("canceled"), { replay })).toMatchObject({ kind: "not_sent", cause: "fenced", fault: false });
    }
  });

  test.each([
    ["a state that we do not know", { status: "requires_magic" }],
    ["a state that a confirm does not leave", { status: "requires_confirmation" }],
    ["another PaymentIntent", { id: "pi_other" }],
    ["another object", { object: "setup_intent" }],
    ["another amount", { amount: 4201 }],
    ["another currency", { currency: "eur" }],
    ["another attempt", { metadata: { attempt_id: "at_other" } }],
    ["no id", { id: undefined }],
    ["an amount that is no number", { amount: "4200" }],
  ])("%s is unknown", async (_name, changes) => {
    expect(await confirmed(intent("succeeded", changes))).toMatchObject({ kind: "unknown", cause: "unexpected" });
  });
});

describe("payment_intent_unexpected_state", () => {
  const refusal = errorBody("invalid_request_error", "payment_intent_unexpected_state");

  test.each([
    ["succeeded", { kind: "approved", captured: true }],
    ["requires_capture", { kind: "approved", captured: false }],
    ["processing", { kind: "pending" }],
    ["canceled", { kind: "not_sent", cause: "fenced" }],
    ["requires_action", { kind: "requires_action" }],
    ["requires_confirmation", { kind: "unknown" }],
    ["requires_payment_method", { kind: "unknown" }],
  ])("is looked up: %s", async (status, outcome) => {
    const server = await rawStripe((request, response) =>
      request.method === "GET" ? json(response, 200, intent(status)) : json(response, 400, refusal),
    );
    for (const replay of [false, true]) expect(await commit(provider(server.url), { replay })).toMatchObject(outcome);
    expect(server.seen.map(({ method }) => method)).toEqual(["POST", "GET", "POST", "GET"]);
  });

  test.each([
    ["404", 404],
    ["401", 401],
    ["429", 429],
    ["500", 500],
  ])("a lookup that fails with %s leaves it in doubt", async (_name, status) => {
    const server = await rawStripe((request, response) =>
      request.method === "GET" ? json(response, status, errorBody("invalid_request_error")) : json(response, 400, refusal),
    );
    expect(await commit(provider(server.url))).toMatchObject({ kind: "unknown" });
  });

  test("a lookup that is refused leaves it in doubt: the confirm was sent", async () => {
    const server = await rawStripe((_request, response) => {
      response.shouldKeepAlive = false;
      json(response, 400, refusal);
      server.server.close();
    });
    expect(await commit(provider(server.url))).toMatchObject({ kind: "unknown", cause: "connection_lost" });
  });
});

describe("a declined card", () => {
  const declined = (intentChanges: object) =>
    errorBody("card_error", "card_declined", {
      decline_code: "do_not_honor",
      payment_intent: intent("requires_payment_method", { ...intentChanges }),
    });

  test("is a decline, on the first send as on a replay", async () => {
    const server = await always(402, declined({}));
    for (const replay of [false, true]) {
      expect(await commit(provider(server.url), { replay })).toEqual({
        kind: "declined",
        reason: "generic_decline",
        source: "issuer",
        advice: "other_provider",
        retryAfterS: null,
        providerCode: "do_not_honor",
        networkCode: null,
      });
    }
  });

  test("whose PaymentIntent is another one, or paid, is looked up first", async () => {
    for (const changes of [{ id: "pi_other" }, { status: "succeeded" }, { status: "processing" }]) {
      const server = await rawStripe((request, response) =>
        request.method === "GET" ? json(response, 200, intent("succeeded")) : json(response, 402, declined(changes)),
      );
      expect(await commit(provider(server.url))).toMatchObject({ kind: "approved" });
    }
  });

  test("as a duplicate is in doubt: another payment may exist", async () => {
    const server = await always(402, errorBody("card_error", "card_declined", { decline_code: "duplicate_transaction" }));
    expect(await commit(provider(server.url))).toMatchObject({ kind: "unknown", cause: "conflict" });
  });

  test("without a decline code falls back to the error's code", async () => {
    const server = await always(402, errorBody("card_error", "expired_card"));
    expect(await commit(provider(server.url))).toMatchObject({ kind: "declined", reason: "expired_card", providerCode: "expired_card" });
  });

  test("also in prepare", async () => {
    const server = await always(402, errorBody("card_error", "expired_card"));
    expect(await provider(server.url).prepare(attempt(), newCall())).toMatchObject({ kind: "declined", reason: "expired_card" });
  });
});
