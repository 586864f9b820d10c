import { mkdir, mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import supertest from "supertest";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createHttpFixture, type HttpFixture } from "./http-fixture.ts";

let http: HttpFixture;
let root: string;
const SCRIPT = `export const long = "${"x".repeat(2_000)}";`;
const INDEX = '<!doctype html><script type="module" src="/console/assets/main-1.js"></script>';

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "switchyard-console-"));
  await writeFile(join(root, "secret.txt"), "not for pages");
  http = await createHttpFixture({ pages: join(root, "dist") });
});
afterAll(async () => {
  await http.close();
  await rm(root, { recursive: true });
});

const get = (path: string) => supertest(http.app).get(path);

async function build(index: string): Promise<void> {
  await mkdir(join(root, "dist/assets"), { recursive: true });
  await writeFile(join(root, "dist/assets/main-1.js"), SCRIPT);
  await writeFile(join(root, "dist/icon.svg"), "<svg xmlns='http://www.w3.org/2000/svg'/>");
  await writeFile(join(root, "dist/index.html"), index);
}

it("says plainly that the console is not built", async () => {
  const answer = await get("/console").expect(503);
  expect(answer.headers["content-type"]).toContain("text/plain");
  expect(answer.text).toContain("npm start");
});

it("shows one document for every page of the console, never from a cache, under the strict policy", async () => {
  await build(INDEX);
  for (const path of ["/console", "/console/", "/console/charges", "/console/charges/ch_1?tab=events"]) {
    const { text, headers } = await get(path).set("Accept", "text/html,application/xhtml+xml").expect(200);
    expect(text, path).toBe(INDEX);
    expect(headers["content-type"]).toBe("text/html; charset=utf-8");
    expect(headers["cache-control"]).toBe("no-cache");
    expect(headers["content-security-policy"]).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; " +
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    );
    expect(headers["x-content-type-options"]).toBe("nosniff");
  }
});

it("lets hashed files be kept for a year, others be asked for again, and sends them compressed", async () => {
  const script = await get("/console/assets/main-1.js").set("Accept-Encoding", "gzip").expect(200);
  expect(script.text).toBe(SCRIPT);
  expect(script.headers).toMatchObject({
    "cache-control": "public, max-age=31536000, immutable",
    "content-encoding": "gzip",
    "content-type": "text/javascript; charset=utf-8",
    vary: "Accept-Encoding",
  });
  expect(Number(script.headers["content-length"])).toBeLessThan(200);
  const icon = await get("/console/icon.svg").expect(200);
  expect(icon.headers).toMatchObject({ "cache-control": "no-cache", "content-type": "image/svg+xml" });
  await get("/console/icon.svg")
    .set("If-None-Match", icon.headers.etag as string)
    .expect(304);
  expect((await supertest(http.app).head("/console/icon.svg").expect(200)).headers["content-length"]).toBe("41");
});

it("has nothing but what was built: no other file, no way out of the folder, no other method", async () => {
  for (const path of ["/console/assets/main-2.js", "/console/assets/none", "/console/favicon.ico"]) await get(path).expect(404);
  for (const path of [
    "/console/../secret.txt",
    "/console/..%2fsecret.txt",
    "/console/%2e%2e/secret.txt",
    "/console/assets/..%2f..%2fsecret.txt",
  ])
    expect((await get(path)).text, path).not.toContain("not for pages");
  await supertest(http.app).post("/console/charges").send({}).expect(404);
});

it("shows what was built anew", async () => {
  await build(INDEX.replace("main-1", "main-3"));
  await utimes(join(root, "dist/index.html"), 1, 1);
  expect((await get("/console").expect(200)).text).toContain("main-3");
});
