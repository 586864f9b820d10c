import supertest from "supertest";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PROBLEMS, type ProblemCode } from "../../../gateway/problems.ts";
import { createHttpFixture, type HttpFixture } from "./http-fixture.ts";

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly security: object[];
  readonly parameters: { name: string; in: string; required: boolean; schema: object }[];
  readonly requestBody?: { content: Record<string, { schema: Record<string, unknown>; example?: object }> };
  readonly responses: Record<
    string,
    { description: string; content?: Record<string, { schema?: object; examples?: Record<string, unknown> }> }
  >;
}
interface Document {
  readonly openapi: string;
  readonly info: { title: string; version: string };
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { schemas: Record<string, Record<string, unknown>>; securitySchemes: object };
}

let http: HttpFixture;
let document: Document;
beforeAll(async () => {
  http = await createHttpFixture();
  document = (await supertest(http.app).get("/openapi.json")).body;
});
afterAll(() => http.close());

const operations = (): [string, Operation][] =>
  Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]): [string, Operation] => [`${method} ${path}`, operation]),
  );

/** Every object inside a value. */
function* objects(value: unknown): Generator<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) return;
  if (!Array.isArray(value)) yield value as Record<string, unknown>;
  for (const inner of Object.values(value)) yield* objects(inner);
}

describe("/openapi.json", () => {
  it("is OpenAPI 3.1 with a name for every operation", () => {
    expect(document.openapi).toBe("3.1.0");
    expect(document.info).toMatchObject({ title: "Switchyard", version: "0.0.0" });
    const ids = operations().map(([, operation]) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it("documents every route that is mounted, and no other", () => {
    const mounted = http.routes.map(({ method, path }) => `${method} ${path}`);
    expect(
      operations()
        .map(([name]) => name)
        .sort(),
    ).toEqual([...mounted, "get /openapi.json", "get /docs"].sort());
  });

  it("documents every problem of every route, with an example", () => {
    for (const route of http.routes) {
      const responses = document.paths[route.path]?.[route.method]?.responses ?? {};
      for (const code of [...route.problems, "internal_error"] as ProblemCode[]) {
        const told = responses[PROBLEMS[code].status]?.content?.["application/problem+json"]?.examples;
        expect(told, `${route.method} ${route.path}: ${code}`).toHaveProperty(code);
      }
    }
    const codes = document.components.schemas.Problem?.properties as { code: { enum: string[] } };
    expect(codes.code.enum).toEqual(Object.keys(PROBLEMS));
  });

  it("refers only to what it holds", () => {
    for (const inner of objects(document)) {
      const reference = inner.$ref;
      if (typeof reference !== "string") continue;
      expect(reference).toMatch(/^#\/components\/schemas\//);
      expect(document.components.schemas).toHaveProperty(reference.split("/").at(-1) as string);
    }
  });

  it("declares every path parameter, and a key for all but public routes", () => {
    for (const [name, operation] of operations()) {
      const inPath = [...name.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => parameter);
      expect(
        operation.parameters.filter((parameter) => parameter.in === "path").map((parameter) => parameter.name),
        name,
      ).toEqual(inPath);
      const { roles } = http.routes.find(({ method, path }) => `${method} ${path}` === name) ?? { roles: "public" };
      expect(operation.security).toEqual(roles === "public" ? [] : [{ key: [] }]);
    }
  });

  it("says of a charge what the server checks", () => {
    const { ChargeRequest, Charge } = document.components.schemas as Record<
      string,
      { properties: Record<string, unknown>; required: string[] }
    >;
    expect(ChargeRequest?.properties.amount).toMatchObject({ type: "integer", minimum: 1, maximum: 999_999_999_999 });
    expect(ChargeRequest).toMatchObject({ additionalProperties: false, required: ["amount", "currency", "payment_method"] });
    const method = ChargeRequest?.properties.payment_method as { anyOf?: { type: string; properties?: object }[] } | undefined;
    const [stored, given] = method?.anyOf ?? [];
    expect(stored).toMatchObject({ type: "string", pattern: "^pm_[0-9a-z]{1,60}$" });
    expect(Object.keys(given?.properties ?? {})).toEqual(["stripe", "paypal", "type", "brand", "country"]);
    expect(Charge?.properties).toHaveProperty("amount_captured");
    const create = document.paths["/v1/charges"]?.post;
    expect(create?.parameters).toContainEqual(expect.objectContaining({ name: "Idempotency-Key", in: "header", required: true }));
    expect(create?.requestBody?.content["application/json"]?.schema).toEqual({ $ref: "#/components/schemas/ChargeRequest" });
  });

  it("gives for every body an example that fits", () => {
    for (const { method, path, body, example, emptyBody } of http.routes) {
      if (body === undefined) continue;
      const faults = body.safeParse(example).error?.issues.map(({ path, message }) => `/${path.join("/")} ${message}`);
      expect({ route: `${method} ${path}`, example, faults }).toEqual({
        route: `${method} ${path}`,
        example: expect.anything(),
        faults: undefined,
      });
      expect(document.paths[path]?.[method]?.requestBody).toMatchObject({ required: !emptyBody });
    }
  });

  it("describes every route, its path and query included, and each answer of it by a schema", () => {
    for (const [name, { summary, parameters, responses }] of operations()) {
      if (name.includes(" /test/")) continue;
      expect(summary, name).toMatch(/^[A-Z].{3,}[^.]$/);
      for (const [status, { content }] of Object.entries(responses)) {
        const [type, { schema }] = Object.entries(content ?? {})[0] ?? ["", {}];
        if (type.endsWith("json")) expect(Object.keys(schema ?? {}), `${name} ${status}`).not.toEqual([]);
      }
      for (const parameter of parameters) expect(Object.keys(parameter.schema), `${name} ${parameter.name}`).not.toEqual([]);
    }
  });

  it("gives an example that is accepted", async () => {
    const example = document.paths["/v1/charges"]?.post?.requestBody?.content["application/json"]?.example;
    expect((await http.charge(example)).status).toBe(201);
  });
});
