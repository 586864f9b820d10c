import { createConfig, lintFromString } from "@redocly/openapi-core";

export interface Operation {
  readonly tags?: readonly string[];
  readonly summary: string;
  readonly description: string;
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly description?: string }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly example?: unknown }>> };
  readonly responses: Readonly<Record<string, Response>>;
}

interface Response {
  readonly description: string;
  readonly content?: Readonly<Record<string, { schema?: object; examples?: Record<string, { value: unknown }> }>>;
}

export interface InterfaceDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

const PROBLEM = "application/problem+json";
/** Of our own words, without the line about roles. */
const MIN_DESCRIPTION_CHARS = 20;

/** What Redocly's linter finds, each as a line: its recommended rules, and every one that checks an example against its schema as an error. */
export async function lint(document: object): Promise<string[]> {
  const config = await createConfig({
    extends: ["recommended"],
    rules: {
      // The package has none: it is private.
      "info-license": "off",
      "parameter-description": "error",
      "operation-description": "error",
      "tag-description": "error",
      "no-invalid-media-type-examples": { severity: "error", allowAdditionalProperties: false },
      "no-invalid-schema-examples": "error",
      "no-invalid-parameter-examples": "error",
      "no-unused-components": "error",
    },
  });
  const found = await lintFromString({ source: JSON.stringify(document), absoluteRef: "openapi.json", config });
  return found.map(({ ruleId, message, location }) => `${location[0]?.pointer ?? ""}: ${message} (${ruleId})`);
}

/** What a reader would miss, each with the place where its author puts it. */
export function lacking({ paths }: InterfaceDocument, problems: readonly string[]): string[] {
  return Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).flatMap(([method, operation]) => {
      const name = `${method} ${path}`;
      return [...words(operation), ...bodies(operation), ...answers(operation, name), ...refusals(operation, problems)].map(
        (lack) => `${name}: ${lack}`,
      );
    }),
  );
}

function words({ tags, summary, description, parameters }: Operation): string[] {
  const ours = description.replace(/(\n\n)?(Roles: [\w, ]+\.|Without a key\.)$/, "");
  return [
    ...(tags?.length === 1 ? [] : ["no chapter: name the beginning of its path in TAGS of gateway/http/openapi-tags.ts"]),
    ...(/^[A-Z].{3,}[^.]$/s.test(summary) ? [] : ["`summary` is a phrase: a capital letter at its beginning, no full stop"]),
    ...(ours.length >= MIN_DESCRIPTION_CHARS ? [] : ["no `description`: say in its route what a caller should know beyond the summary"]),
    ...parameters.flatMap((parameter) =>
      parameter.description
        ? []
        : [`parameter ${parameter.name} has no words: \`.meta({ description })\` in its schema, or gateway/http/openapi-parameters.ts`],
    ),
  ];
}

function bodies({ requestBody }: Operation): string[] {
  const contents = Object.values(requestBody?.content ?? {});
  return contents.flatMap(({ example }) => (example === undefined ? ["no `example` of its body in its route"] : []));
}

function answers({ responses }: Operation, name: string): string[] {
  return Object.entries(responses).flatMap(([status, { description, content = {} }]) => [
    ...(description.length > 3 ? [] : [`${status} has no description`]),
    ...Object.entries(content).flatMap(([type, { schema, examples }]) => [
      ...(schema && Object.keys(schema).length > 0 ? [] : [`${status} ${type} has no schema`]),
      ...(examples && Object.keys(examples).length > 0
        ? []
        : [
            `${status} ${type} has no example: give the response one (\`example\`), or record one as "${name}" in gateway/http/answers.json`,
          ]),
    ]),
  ]);
}

function refusals({ responses }: Operation, problems: readonly string[]): string[] {
  const told = Object.entries(responses).flatMap(([status, { content = {} }]) =>
    Object.entries(content[PROBLEM]?.examples ?? {}).map(([code, { value }]) => ({
      status,
      code,
      value: value as Record<string, unknown>,
    })),
  );
  return [
    ...(told.length > 0 ? [] : ["names no refusal"]),
    ...told.flatMap(({ status, code, value }) => {
      const isTrue = problems.includes(code) && value.code === code && String(value.status) === status;
      return isTrue ? [] : [`${status} ${code} is not in the catalogue of gateway/problems.ts with this status`];
    }),
  ];
}
