import supertest from "supertest";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createHttpFixture, type HttpFixture } from "./http-fixture.ts";

let http: HttpFixture;
beforeAll(async () => {
  http = await createHttpFixture();
});
afterAll(() => http.close());

const get = (path: string) => supertest(http.app).get(path);

describe("without a key anybody may see", () => {
  it("that it is alive", async () => {
    const answer = await get("/healthz");
    expect([answer.status, answer.body]).toEqual([200, { status: "ok" }]);
    expect((await supertest(http.app).head("/healthz")).status).toBe(200);
  });

  it("whether it can take charges, and what stands against it", async () => {
    http.system.readiness = { ready: false, checks: [{ name: "database", ok: false, detail: "cannot be reached" }] };
    const answer = await get("/readyz");
    expect([answer.status, answer.body]).toEqual([503, http.system.readiness]);
    http.system.readiness = { ready: true, checks: [] };
    expect((await get("/readyz")).status).toBe(200);
  });

  it("its metrics, by route and not by path", async () => {
    await http.as("billing").get("/v1/charges/ch_secret");
    await get("/nowhere/secret");
    const answer = await get("/metrics");
    expect(answer.headers["content-type"]).toMatch(/^text\/plain/);
    expect(answer.text).toMatch(
      /switchyard_http_request_duration_seconds_count\{method="GET",route="\/v1\/charges\/\{id\}",status="404"\} 1/,
    );
    expect(answer.text).toMatch(/route="unmatched",status="404"/);
    expect(answer.text).not.toMatch(/secret/);
  });
});
