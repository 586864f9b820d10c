import { type Html, html } from "./html.ts";
import type { InterfaceDocument, Schema } from "./interface-document.ts";
import { inline } from "./markdown.ts";

type Schemas = InterfaceDocument["components"]["schemas"];

/** Of what is sent a reader wants to know what is required; what is answered is simply there. */
type Use = "sent" | "answered";

/** Deeper than any of ours: a schema that contains itself ends here. */
const MAX_DEPTH = 6;

/** The fields of an object, or of the objects in a list, each with its type, limits and words; null when there are none to tell. */
export function fieldsOf(schema: Schema | undefined, schemas: Schemas, use: Use, depth = 0): Html | null {
  if (schema === undefined || depth > MAX_DEPTH) return null;
  const { properties = {}, required = [] } = objectIn(schema, schemas) ?? {};
  const names = Object.keys(properties);
  if (names.length === 0) return null;
  return html`<dl class="fields">${names.map((name) => fieldOf(name, properties[name] as Schema, use === "sent" && required.includes(name), schemas, use, depth))}</dl>`;
}

export function fieldOf(name: string, schema: Schema, required: boolean, schemas: Schemas, use: Use, depth = 0): Html {
  const inner = fieldsOf(schema, schemas, use, depth + 1);
  const words = schema.description ?? (schema.$ref === undefined ? undefined : resolved(schema, schemas).description);
  return html`<dt><code class="name">${name}</code> <span class="type">${typeOf(schema, schemas)}</span>${required && html` <span class="required">required</span>`}</dt>
<dd>${words !== undefined && html`<p>${inline(words)}</p>`}${limitsOf(schema)}${inner && html`<details><summary>Fields of <code>${name}</code></summary>${inner}</details>`}</dd>`;
}

/** The object that a schema is, or holds: itself, the items of a list, the one of several that has fields. */
function objectIn(given: Schema, schemas: Schemas): Schema | null {
  const schema = resolved(given, schemas);
  if (schema.properties) return schema;
  if (schema.items) return objectIn(schema.items, schemas);
  if (typeof schema.additionalProperties === "object") return objectIn(schema.additionalProperties, schemas);
  for (const one of schema.anyOf ?? schema.oneOf ?? []) {
    const found = objectIn(one, schemas);
    if (found) return found;
  }
  return null;
}

function resolved(schema: Schema, schemas: Schemas): Schema {
  return schema.$ref === undefined ? schema : (schemas[schema.$ref.split("/").at(-1) as string] ?? {});
}

function typeOf(schema: Schema, schemas: Schemas): string {
  if (schema.$ref !== undefined) return schema.$ref.split("/").at(-1) as string;
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return [...new Set(choices.map((one) => typeOf(one, schemas)))].join(" or ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.items) return `list of ${typeOf(schema.items, schemas)}`;
  if (schema.enum) return schema.enum.map((one) => JSON.stringify(one)).join(" | ");
  if (schema.format === "date-time") return "time";
  return [schema.type ?? "any value"].flat().join(" or ");
}

function limitsOf(schema: Schema): Html | null {
  const { minimum, maximum, maxLength, default: otherwise } = schema;
  const safe = (bound: number | undefined) =>
    bound !== undefined && Number.isSafeInteger(bound) && Math.abs(bound) < 1e15 ? bound : undefined;
  const limits = [
    safe(minimum) === undefined ? null : `at least ${minimum}`,
    safe(maximum) === undefined ? null : `at most ${maximum}`,
    maxLength === undefined ? null : `at most ${maxLength} characters`,
    otherwise === undefined ? null : `default ${JSON.stringify(otherwise)}`,
  ].filter((limit) => limit !== null);
  return limits.length === 0 ? null : html`<p class="limits">${limits.join(" · ")}</p>`;
}
