import { readFile } from "node:fs/promises";
import http from "node:http";
import { gzipSync } from "node:zlib";
import supertest from "supertest";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Listening, listen } from "../../../gateway/http/listen.ts";
import { PROBLEMS } from "../../../gateway/problems.ts";
import { createHttpFixture, type HttpFixture, KEYS, VALID_CHARGE } from "./http-fixture.ts";

let fixture: HttpFixture;
let server: Listening;
beforeAll(async () => {
  fixture = await createHttpFixture();
  server = await listen(fixture.app, { host: "127.0.0.1", port: 0 });
});
afterAll(async () => {
  await server.close(100);
  await fixture.close();
});

const post = () => fixture.as("billing").post("/v1/charges").set("Idempotency-Key", "k");
const json = () => post().set("Content-Type", "application/json");

describe("whatever goes wrong is told as problem+json", () => {
  it("with all that a caller needs", async () => {
    const answer = await supertest(fixture.app).get("/nowhere").set("X-Request-Id", "mine-1");
    expect(answer.status).toBe(404);
    expect(answer.headers["content-type"]).toBe("application/problem+json");
    expect(JSON.parse(answer.text)).toEqual({
      type: "urn:switchyard:problem:not_found",
      title: "No such resource",
      status: 404,
      detail: "There is no such resource.",
      code: "not_found",
      money: "none",
      action: "No money moved for this request.",
      request_id: "mine-1",
    });
  });

  it("for a method that the resource does not take", async () => {
    const answer = await fixture.as("admin").put("/v1/charges");
    expect(answer.status).toBe(405);
    expect(answer.headers.allow).toBe("GET, HEAD, POST");
    expect(JSON.parse(answer.text).code).toBe("method_not_allowed");
  });

  it("for a path that is ours only by chance of case or slash", async () => {
    for (const path of ["/V1/charges", "/v1/charges/", "/v1//charges"])
      expect((await fixture.as("admin").get(path)).status, path).toBe(404);
  });

  it("for a representation that there is not", async () => {
    const answer = await fixture.as("billing").get("/v1/charges").set("Accept", "text/csv");
    expect(answer.status).toBe(406);
    expect((await fixture.as("billing").get("/v1/charges").set("Accept", "text/html, */*;q=0.1")).status).toBe(200);
  });

  it("for a body of another type, charset or encoding", async () => {
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1", "application/jsonp"]) {
      const answer = await post().set("Content-Type", type).send(JSON.stringify(VALID_CHARGE));
      expect(answer.status, type).toBe(415);
    }
    const zipped = json().set("Content-Encoding", "gzip");
    zipped.write(gzipSync(JSON.stringify(VALID_CHARGE)));
    expect((await zipped).status).toBe(415);
    expect((await post().set("Content-Type", 'Application/JSON; Charset="UTF-8"').send(JSON.stringify(VALID_CHARGE))).status).toBe(201);
  });

  it("for a body that is no JSON, or none", async () => {
    for (const body of ["{", "nonsense", '{"a":1}x', "\ufeff{}"]) expect((await json().send(body)).body.code, body).toBe("invalid_json");
    expect((await post()).body.code).toBe("invalid_json");
    for (const body of ["[]", "null", "1", '"text"']) expect((await json().send(body)).body.errors[0].pointer, body).toBe("");
  });

  it("for a body above 64 KiB, and not for one of exactly that", async () => {
    const padded = (bytes: number) => JSON.stringify(VALID_CHARGE).padEnd(bytes, " ");
    expect((await json().send(padded(65_536))).status).toBe(201);
    for (const bytes of [65_537, 900_000, 3_000_000]) {
      const answer = await json().send(padded(bytes));
      expect(answer.status).toBe(413);
      expect(answer.body.code).toBe("body_too_large");
    }
  });

  it("for a body above 64 KiB that does not say its length", async () => {
    const request = json();
    for (let i = 0; i < 10; i++) request.write(" ".repeat(10_000));
    expect((await request).status).toBe(413);
  });

  it("for a path or query with a card number, without repeating it", async () => {
    for (const path of ["/v1/charges/4111111111111111", "/v1/charges?reference=4111+1111%201111-1111", "/nowhere/4111111111111111"]) {
      const answer = await fixture.as("billing").get(path);
      expect(answer.status).toBe(422);
      expect(answer.text).toMatch(/card_number_not_allowed/);
      expect(answer.text).not.toMatch(/4111/);
    }
    expect(fixture.log.join("")).not.toMatch(/4111/);
  });

  it("for a path that is not validly encoded, holds U+0000, or is too long", async () => {
    for (const path of [
      "/v1/charges/%E0%A4%A",
      "/v1/charges/%zz",
      "/v1/charges/%ff1",
      "/v1/charges/%00",
      "/v1/charges?starting_after=%00",
      `/v1/charges?reference=${"r".repeat(5_000)}`,
    ]) {
      const answer = await raw(path);
      expect(answer.status, path.slice(0, 40)).toBe(400);
      expect(JSON.parse(answer.text).code).toBe("invalid_request");
    }
  });

  it("for an unexpected error, without its detail, which goes to the log under the request's id", async () => {
    const answer = await supertest(fixture.app).post("/test/fail").set("X-Request-Id", "lost-1");
    expect(answer.status).toBe(500);
    expect(answer.body).toMatchObject({ code: "internal_error", money: "unknown", request_id: "lost-1" });
    expect(answer.text).not.toMatch(/secret detail|\.ts/);
    const line = JSON.parse(fixture.log.at(-1) as string);
    expect(line).toMatchObject({
      level: "error",
      request_id: "lost-1",
      problem: "internal_error",
      err: { message: "secret detail of [card number]" },
    });
    expect(fixture.log.join("")).not.toMatch(/4111/);
  });

  it("for a body whose sender goes away, to the log only", async () => {
    const lines = fixture.log.length;
    await new Promise<void>((resolve) => {
      const request = http.request({
        port: server.port,
        path: "/v1/charges",
        method: "POST",
        headers: {
          authorization: `Bearer ${KEYS.billing}`,
          "content-type": "application/json",
          "content-length": 1_000,
          "idempotency-key": "k",
        },
      });
      request.on("error", () => resolve());
      request.write('{"amount":');
      // While the server waits for the rest: several turns of the event loop later, however late the first one comes.
      void (async () => {
        for (let turns = 0; turns < 5; turns++) await new Promise((resolve) => setTimeout(resolve, 20));
        request.destroy();
      })();
    });
    await expect.poll(() => fixture.log.length).toBe(lines + 1);
    expect(JSON.parse(fixture.log.at(-1) as string)).toMatchObject({ problem: "invalid_request", hung_up: true });
  });
});

describe("the catalogue of problems", () => {
  it("is the one that docs/errors.md describes", async () => {
    const text = await readFile(new URL("../../../docs/errors.md", import.meta.url), "utf8");
    const rows = [...text.matchAll(/^\| `(\w+)` \| (\d+) \| (\w+) \| (.+?) \| .+ \|$/gm)].map(([, code, status, money, title]) => ({
      code,
      status,
      money,
      title,
    }));
    expect(rows).toEqual(
      Object.entries(PROBLEMS).map(([code, { status, money, title }]) => ({ code, status: String(status), money, title })),
    );
  });
});

describe("every answer", () => {
  it("names its request: the caller's id if it is harmless, else one of ours", async () => {
    const idOf = async (id: string) => (await supertest(fixture.app).get("/healthz").set("X-Request-Id", id)).headers["x-request-id"];
    expect(await idOf("order-42:retry/1")).toBe("order-42:retry/1");
    for (const id of ["a b", "<script>", "x".repeat(129), "4111111111111111", "4111-1111-1111-1111"])
      expect(await idOf(id), id).toMatch(/^req_[0-9a-z]{26}$/);
  });

  it("carries the headers that keep browsers from doing harm, and does not say what runs here", async () => {
    const { headers } = await supertest(fixture.app).get("/healthz");
    expect(headers).toMatchObject({ "x-content-type-options": "nosniff", "cache-control": "no-store" });
    expect(headers["content-security-policy"]).toBeDefined();
    expect(headers["strict-transport-security"]).toBeDefined();
    expect(headers["x-powered-by"]).toBeUndefined();
  });

  it("leaves one log line, with its route and never its path, query, key or body", async () => {
    const before = fixture.log.length;
    await fixture.as("ops").get("/v1/charges/ch_unknown?");
    await json().send(JSON.stringify({ ...VALID_CHARGE, description: "private words" }));
    const lines = fixture.log.slice(before).map((line) => JSON.parse(line));
    expect(lines).toEqual([
      expect.objectContaining({
        method: "GET",
        route: "/v1/charges/{id}",
        status: 404,
        problem: "not_found",
        actor: "key:key_ops",
        ms: expect.any(Number),
      }),
      expect.objectContaining({
        method: "POST",
        route: "/v1/charges",
        status: 201,
        charge: expect.stringMatching(/^ch_/),
        actor: "key:key_billing",
      }),
    ]);
    expect(fixture.log.join("")).not.toMatch(/private words|pm_card_visa|sy_test_|ch_unknown/);
  });
});

/** A request that no client library corrects. */
function raw(path: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const request = http.get({ port: server.port, path, headers: { authorization: `Bearer ${KEYS.billing}` } }, (answer) => {
      let text = "";
      answer.on("data", (chunk) => (text += chunk));
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, text }));
    });
    request.on("error", reject);
  });
}
