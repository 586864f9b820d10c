import { z } from "zod";
import { PROBLEMS, type ProblemCode } from "../problems.ts";
import { ACTION, PROBLEM_TYPE, problemType } from "./problem-json.ts";
import { type ResponseDoc, type Route, route } from "./route.ts";

type Json = { readonly [key: string]: unknown };

/** GET /openapi.json: made once, from the definitions that the server runs. */
export function openApiRoute(routes: readonly Route[], version: string): Route {
  let document: Json | null = null;
  const self = route({
    method: "get",
    path: "/openapi.json",
    roles: "public",
    summary: "This interface as OpenAPI 3.1",
    responses: { 200: { description: "The document", schema: z.looseObject({ openapi: z.string() }) } },
    problems: [],
    async handler() {
      document ??= openApiDocument([...routes, self], version);
      return { status: 200, body: document, headers: { "Cache-Control": "public, max-age=300" } };
    },
  });
  return self;
}

export function openApiDocument(all: readonly Route[], version: string): Json {
  const routes = all.filter(({ internal }) => !internal);
  const schemas = new Schemas();
  const paths: Record<string, Record<string, Json>> = {};
  for (const definition of routes) {
    paths[definition.path] = { ...paths[definition.path], [definition.method]: operation(definition, schemas) };
  }
  return {
    openapi: "3.1.0",
    info: { title: "Switchyard", version, description: "One charge, the healthiest processor, never twice." },
    servers: [{ url: "/" }],
    paths,
    components: {
      schemas: { Problem: problemSchema(), ...schemas.named },
      securitySchemes: { key: { type: "http", scheme: "bearer", description: "An API key: sy_live_… or sy_test_…" } },
    },
  };
}

/** JSON Schemas of the zod schemas; those that carry an `id` are told once, under components. */
class Schemas {
  readonly named: Record<string, unknown> = {};

  of(schema: z.ZodType, io: "input" | "output"): Json {
    const made = z.toJSONSchema(schema, { target: "draft-2020-12", io, unrepresentable: "any" }) as Record<string, unknown>;
    const { $schema: _dialect, $defs, id, ...rest } = relocated(made) as Record<string, unknown>;
    for (const [name, definition] of Object.entries(($defs ?? {}) as Record<string, unknown>)) this.named[name] = withoutId(definition);
    if (typeof id !== "string") return rest;
    this.named[id] = rest;
    return { $ref: `#/components/schemas/${id}` };
  }
}

/** `#/$defs/X` is relative to a schema that stands alone; here it stands in the document. */
function relocated(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(relocated);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      key === "$ref" && typeof inner === "string" ? inner.replace("#/$defs/", "#/components/schemas/") : relocated(inner),
    ]),
  );
}

function withoutId(definition: unknown): unknown {
  if (typeof definition !== "object" || definition === null) return definition;
  const { id: _id, ...rest } = definition as Record<string, unknown>;
  return rest;
}

function operation(definition: Route, schemas: Schemas): Json {
  const isPublic = definition.roles === "public";
  const roles = isPublic ? [] : [...new Set([...definition.roles, "admin"])];
  return {
    operationId: operationId(definition),
    summary: definition.summary,
    description: [definition.description, isPublic ? "Without a key." : `Roles: ${roles.join(", ")}.`].filter(Boolean).join("\n\n"),
    ...(isPublic ? { security: [] } : { security: [{ key: [] }] }),
    parameters: [
      ...parameters(definition.params, "path", schemas),
      ...parameters(definition.query, "query", schemas),
      ...(definition.idempotent ? [IDEMPOTENCY_KEY] : []),
      REQUEST_ID,
    ],
    ...requestBody(definition, schemas),
    responses: { ...successes(definition, schemas), ...refusals(definition) },
  };
}

function requestBody(definition: Route, schemas: Schemas): Json {
  if (definition.rawBodyBytes !== undefined) {
    const { example } = definition;
    const schema = { type: "string", description: "As it came: the bytes are signed" };
    return { requestBody: { required: true, content: { "*/*": { schema, ...(example ? { example: JSON.stringify(example) } : {}) } } } };
  }
  if (definition.body === undefined) return {};
  return { requestBody: { required: !definition.emptyBody, content: { "application/json": bodyContent(definition, schemas) } } };
}

function bodyContent({ body, example }: Route, schemas: Schemas): Json {
  return { ...(body === undefined ? {} : { schema: schemas.of(body, "input") }), ...(example === undefined ? {} : { example }) };
}

const IDEMPOTENCY_KEY = {
  name: "Idempotency-Key",
  in: "header",
  required: true,
  description: "One per operation, the same for each of its retries; unique per account over all operations",
  schema: { type: "string", minLength: 1, maxLength: 255, pattern: "^[!-~]+$" },
};

const REQUEST_ID = {
  name: "X-Request-Id",
  in: "header",
  required: false,
  description: "Yours, for our log and our answers; else one is made",
  schema: { type: "string", maxLength: 128, pattern: "^[A-Za-z0-9_.:/+=@-]+$" },
};

/** `post /v1/charges/{id}/cancel` is `post_charges_id_cancel`. */
function operationId({ method, path }: Route): string {
  const words = path.replace(/^\/v1/, "").match(/\w+/g) ?? [];
  return [method, ...words].join("_");
}

function parameters(schema: z.ZodType | undefined, place: "path" | "query", schemas: Schemas): Json[] {
  if (schema === undefined) return [];
  const { properties, required } = schemas.of(schema, "input") as { properties?: Record<string, Json>; required?: string[] };
  return Object.entries(properties ?? {}).map(([name, of]) => {
    const { description, ...rest } = of;
    return {
      name,
      in: place,
      required: place === "path" || (required ?? []).includes(name),
      ...(description === undefined ? {} : { description }),
      schema: rest,
    };
  });
}

function successes(definition: Route, schemas: Schemas): Json {
  return Object.fromEntries(
    Object.entries(definition.responses).map(([status, response]) => [
      status,
      {
        description: response.description,
        headers: headers(response),
        ...(Number(status) === 204 ? {} : { content: content(response, schemas) }),
      },
    ]),
  );
}

function headers(response: ResponseDoc): Json {
  const described = Object.entries({ "X-Request-Id": "The request's id", ...response.headers });
  return Object.fromEntries(described.map(([name, description]) => [name, { description, schema: { type: "string" } }]));
}

function content(response: ResponseDoc, schemas: Schemas): Json {
  const types = response.contentTypes ?? ["application/json"];
  const json = response.schema === undefined ? {} : { schema: schemas.of(response.schema, "output") };
  return Object.fromEntries(types.map((type) => [type, type === "application/json" ? json : { schema: { type: "string" } }]));
}

/** What the server itself may answer on such a route, before or instead of its handler. */
function commonProblems(definition: Route): ProblemCode[] {
  const takesBody = definition.method === "post" || definition.method === "put";
  return [
    "invalid_request",
    "card_number_not_allowed",
    "not_acceptable",
    "internal_error",
    ...(definition.roles === "public" ? [] : (["unauthorized", "forbidden", "database_unavailable"] as const)),
    ...(definition.path.includes("{") ? (["not_found"] as const) : []),
    ...(takesBody ? (["body_too_large", "unsupported_media_type"] as const) : []),
    ...(takesBody && definition.rawBodyBytes === undefined ? (["invalid_json", "validation_failed"] as const) : []),
    ...(definition.method === "get" || definition.roles === "public"
      ? []
      : (["outcome_unknown_retry_same_key", "csrf_token_invalid"] as const)),
    ...(definition.idempotent ? (["idempotency_key_missing", "idempotency_key_invalid"] as const) : []),
  ];
}

function refusals(definition: Route): Json {
  const codes = [...new Set([...commonProblems(definition), ...definition.problems])];
  const byStatus = Map.groupBy(codes, (code) => PROBLEMS[code].status);
  const entries = [...byStatus].sort(([a], [b]) => a - b).filter(([status]) => definition.responses[status] === undefined);
  return Object.fromEntries(
    entries.map(([status, ofStatus]) => [
      String(status),
      {
        description: ofStatus.map((code) => `\`${code}\`: ${PROBLEMS[code].title}`).join("\n\n"),
        content: {
          [PROBLEM_TYPE]: {
            schema: { $ref: "#/components/schemas/Problem" },
            examples: Object.fromEntries(ofStatus.map((code) => [code, { value: example(code) }])),
          },
        },
      },
    ]),
  );
}

function example(code: ProblemCode): Json {
  const { status, title, money } = PROBLEMS[code];
  return {
    type: problemType(code),
    title,
    status,
    detail: "What it was in this case.",
    code,
    money,
    action: ACTION[money],
    request_id: "req_01k9",
  };
}

function problemSchema(): Json {
  const codes = Object.keys(PROBLEMS);
  const text = { type: "string" };
  return {
    type: "object",
    description: "RFC 9457. `code` is stable; `money` says whether money may have moved.",
    required: ["type", "title", "status", "detail", "code", "money", "action", "request_id"],
    properties: {
      type: { type: "string", format: "uri" },
      title: text,
      status: { type: "integer" },
      detail: text,
      code: { type: "string", enum: codes },
      money: {
        type: "string",
        enum: ["none", "unknown", "as_shown"],
        description:
          "none: no money moved for this request. unknown: repeat with the same key, or read the charge. as_shown: read the charge.",
      },
      action: { type: "string", description: "The same, as a sentence for a person" },
      errors: {
        type: "array",
        description: "Each invalid field: its JSON pointer in the body, or `?name` of a query parameter",
        items: { type: "object", required: ["pointer", "detail"], properties: { pointer: text, detail: text } },
      },
      charge: { type: "string", description: "The charge that it is about" },
      request_id: text,
    },
  };
}
