import { z } from "zod";
import { examplesOf } from "./openapi-answers.ts";
import { INTRODUCTION } from "./openapi-introduction.ts";
import { parametersOf } from "./openapi-parameters.ts";
import { problemSchema, refusals } from "./openapi-problems.ts";
import { type Json, Schemas } from "./openapi-schemas.ts";
import { TAGS, tagOf } from "./openapi-tags.ts";
import { type ResponseDoc, type Route, route } from "./route.ts";

/** GET /openapi.json. `text` is the document as JSON, made once: half a megabyte, which every request would else write anew. */
export function openApiRoute(text: () => string): Route {
  return route({
    method: "get",
    path: "/openapi.json",
    roles: "public",
    summary: "This interface as OpenAPI 3.1",
    description: "Made from the definitions that the server runs. `/docs` is the same for people.",
    responses: { 200: { description: "The document", schema: z.looseObject({ openapi: z.string() }) } },
    problems: [],
    handler: async () => ({
      status: 200,
      text: { type: "application/json; charset=utf-8", content: text() },
      headers: { "Cache-Control": "public, max-age=300" },
    }),
  });
}

export function openApiDocument(all: readonly Route[], version: string): Json {
  const routes = all.filter(({ internal }) => !internal);
  const schemas = new Schemas();
  const paths: Record<string, Record<string, Json>> = {};
  for (const definition of routes) {
    paths[definition.path] = { ...paths[definition.path], [definition.method]: operation(definition, schemas) };
  }
  const used = new Set(routes.map(({ path }) => tagOf(path)));
  return {
    openapi: "3.1.0",
    info: { title: "Switchyard", version, description: INTRODUCTION },
    servers: [{ url: "/", description: "The gateway that you read this from" }],
    security: [{ key: [] }],
    tags: TAGS.filter(({ name }) => used.has(name)).map(({ name, description }) => ({ name, description })),
    paths,
    components: {
      schemas: { Problem: problemSchema(), ...schemas.named },
      securitySchemes: { key: { type: "http", scheme: "bearer", description: "An API key: sy_live_… or sy_test_…" } },
    },
  };
}

function operation(definition: Route, schemas: Schemas): Json {
  const isPublic = definition.roles === "public";
  const roles = isPublic ? [] : [...new Set([...definition.roles, "admin"])];
  const tag = tagOf(definition.path);
  return {
    ...(tag === null ? {} : { tags: [tag] }),
    operationId: operationId(definition),
    summary: definition.summary,
    description: [definition.description, isPublic ? "Without a key." : `Roles: ${roles.join(", ")}.`].filter(Boolean).join("\n\n"),
    ...(isPublic ? { security: [] } : { security: [{ key: [] }] }),
    parameters: parametersOf(definition, schemas),
    ...requestBody(definition, schemas),
    responses: { ...successes(definition, schemas), ...refusals(definition) },
  };
}

/** `post /v1/charges/{id}/cancel` is `post_charges_id_cancel`. */
function operationId({ method, path }: Route): string {
  const words = path.replace(/^\/v1/, "").match(/\w+/g) ?? [];
  return [method, ...words].join("_");
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

function successes(definition: Route, schemas: Schemas): Json {
  return Object.fromEntries(
    Object.entries(definition.responses).map(([status, response]) => [
      status,
      {
        description: response.description,
        headers: headers(response),
        ...(Number(status) === 204 ? {} : { content: content(definition, status, response, schemas) }),
      },
    ]),
  );
}

function headers(response: ResponseDoc): Json {
  const described = Object.entries({ "X-Request-Id": "The request's id", ...response.headers });
  return Object.fromEntries(described.map(([name, description]) => [name, { description, schema: { type: "string" } }]));
}

function content(definition: Route, status: string, response: ResponseDoc, schemas: Schemas): Json {
  const types = response.contentTypes ?? ["application/json"];
  return Object.fromEntries(
    types.map((type) => {
      const text = { type: "string" };
      const schema = type === "application/json" ? response.schema && schemas.of(response.schema, "output") : text;
      const named = Object.entries(examplesOf(definition, status, response, type));
      const examples = Object.fromEntries(
        named.map(([name, value]) => [name.toLowerCase().replaceAll(" ", "_"), { summary: name, value }]),
      );
      return [type, { ...(schema ? { schema } : {}), ...(named.length > 0 ? { examples } : {}) }];
    }),
  );
}
