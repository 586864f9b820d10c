import { CHARGE_STATUSES } from "../charges/charge.ts";
import { OPERATION_STATES } from "../charges/operation.ts";
import { chargeReadRoutes } from "../http/charge-read-routes.ts";
import { chargeRoutes } from "../http/charge-routes.ts";
import { eventRoutes } from "../http/event-routes.ts";
import { openApiDocument } from "../http/openapi.ts";
import { paymentMethodRoutes } from "../http/payment-method-routes.ts";
import { refundRoutes } from "../http/refund-routes.ts";
import { webhookDeliveryRoutes } from "../http/webhook-delivery-routes.ts";
import { webhookEndpointRoutes } from "../http/webhook-endpoint-routes.ts";
import { PROBLEMS } from "../problems.ts";
import { DELIVERY_STATES } from "../store/webhook-delivery-upkeep.ts";
import { PATTERNS, PUBLIC_TYPES } from "../webhooks-out/public-events.ts";

/** The part of JSON Schema that our schemas use. */
interface Schema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly enum?: readonly string[];
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly $ref?: string;
}

interface Operation {
  readonly parameters: readonly { name: string; in: string; required: boolean; description?: string; schema: Schema }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, { readonly schema?: Schema }>> }>>;
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

/** Stands for the id of any provider: its property becomes an index signature. */
const ANY_PROVIDER = "<provider>";

/** Lists that deserve a name. */
const NAMED_LISTS: Readonly<Record<string, readonly string[]>> = {
  ChargeStatus: CHARGE_STATUSES,
  RefundStatus: OPERATION_STATES,
  WebhookDeliveryState: DELIVERY_STATES,
  EventType: PUBLIC_TYPES,
  EventPattern: PATTERNS,
  ProblemCode: Object.keys(PROBLEMS),
};

/** What has no name in the document: `<type>: <method> <path> query|body|<status of an answer>`. */
const NAMED_PARTS: Readonly<Record<string, string>> = {
  ChargeQuery: "get /v1/charges query",
  RefundQuery: "get /v1/refunds query",
  PaymentMethodQuery: "get /v1/payment-methods query",
  NewPaymentMethod: "post /v1/payment-methods body",
  PaymentMethodChange: "post /v1/payment-methods/{id} body",
  WebhookEndpointQuery: "get /v1/webhook-endpoints query",
  NewWebhookEndpoint: "post /v1/webhook-endpoints body",
  WebhookEndpointChange: "put /v1/webhook-endpoints/{id} body",
  WebhookEndpointWithSecret: "post /v1/webhook-endpoints 201",
  WebhookEndpointDeleted: "delete /v1/webhook-endpoints/{id} 200",
  SecretRotation: "post /v1/webhook-endpoints/{id}/rotate-secret body",
  WebhookDeliveryQuery: "get /v1/webhook-endpoints/{id}/deliveries query",
  EventQuery: "get /v1/events query",
  EventPage: "get /v1/events 200",
};

const HEAD = "// Made by `npm run client` from the schemas that the gateway checks with. A test says when it is stale.\n";

/** gateway/client/wire.ts: the interface's JSON as plain TypeScript, without zod. */
export function wireSource(): string {
  const document = openApiDocument(clientRoutes(), "") as unknown as Document;
  const lists = Object.entries(NAMED_LISTS).map(
    ([name, values]) => `export type ${name} =${values.map((one) => `\n  | ${quoted(one)}`).join("")};`,
  );
  const schemas = {
    ...document.components.schemas,
    ...Object.fromEntries(Object.entries(NAMED_PARTS).map(([name, part]) => [name, partOf(document, part)])),
  };
  const declarations = Object.entries(schemas).map(
    ([name, schema]) => `${comment(schema.description, "")}export interface ${name} ${objectOf(schema, "")}`,
  );
  return `${[HEAD.trimEnd(), ...lists, ...declarations].join("\n\n")}\n`;
}

/** The routes that the client calls. They are only described: nothing behind them is there. */
function clientRoutes() {
  const anyProvider = { kind: ANY_PROVIDER, checkToken: () => null };
  const nothing = { providers: new Map([[ANY_PROVIDER, anyProvider]]) } as unknown;
  const makers = [
    chargeRoutes,
    chargeReadRoutes,
    refundRoutes,
    paymentMethodRoutes,
    webhookEndpointRoutes,
    webhookDeliveryRoutes,
    eventRoutes,
  ];
  return makers.flatMap((make) => make(nothing as never));
}

function partOf(document: Document, part: string): Schema {
  const [method = "", path = "", what = ""] = part.split(" ");
  const operation = document.paths[path]?.[method];
  if (!operation) throw new Error(`there is no ${method} ${path}`);
  const json = what === "body" ? operation.requestBody?.content : operation.responses[what]?.content;
  const schema = what === "query" ? queryOf(operation) : json?.["application/json"]?.schema;
  if (!schema) throw new Error(`there is no ${part}`);
  return schema;
}

/** A query's parameters are texts; the client takes a number where one is meant. */
function queryOf({ parameters }: Operation): Schema {
  const given = parameters.filter((one) => one.in === "query");
  const schemaOf = ({ name, description, schema }: (typeof given)[number]): Schema => ({
    ...(name === "limit" ? { type: "integer" } : schema),
    ...(description === undefined ? {} : { description }),
  });
  return { type: "object", properties: Object.fromEntries(given.map((one) => [one.name, schemaOf(one)])), required: [] };
}

function objectOf({ properties = {}, required = [], additionalProperties }: Schema, indent: string): string {
  const inner = `${indent}  `;
  const lines = Object.entries(properties).map(([name, schema]) => {
    const type = typeOf(schema, inner);
    if (name === ANY_PROVIDER)
      return `${comment("By the provider's id: its token", inner)}${inner}readonly [provider: string]: ${tokens(properties)};`;
    const isRequired = required.includes(name);
    return `${comment(schema.description, inner)}${inner}readonly ${name}${isRequired ? "" : "?"}: ${type}${isRequired ? "" : " | undefined"};`;
  });
  if (typeof additionalProperties === "object") lines.push(`${inner}readonly [more: string]: unknown;`);
  return `{\n${lines.join("\n")}\n${indent}}`;
}

/** A token is an object; the index signature has to allow the other properties' types as well. */
function tokens(properties: Readonly<Record<string, Schema>>): string {
  const others = Object.entries(properties).flatMap(([name, schema]) => (name === ANY_PROVIDER ? [] : typeOf(schema, "").split(" | ")));
  const plain = others.filter((type) => type === "string" || type === "number");
  return ["object", ...new Set(plain), "undefined"].join(" | ");
}

function typeOf(schema: Schema, indent: string): string {
  if (schema.$ref !== undefined) return schema.$ref.split("/").at(-1) as string;
  if (schema.anyOf) return schema.anyOf.map((one) => typeOf(one, indent)).join(" | ");
  if ("const" in schema) return typeof schema.const === "string" ? quoted(schema.const) : String(schema.const);
  if (schema.enum) return listOf(schema.enum);
  if (Array.isArray(schema.type)) return schema.type.map((type: string) => typeOf({ ...schema, type }, indent)).join(" | ");
  switch (schema.type) {
    case "string":
    case "boolean":
    case "null":
      return schema.type;
    case "integer":
    case "number":
      return "number";
    case "array":
      return arrayOf(typeOf(schema.items ?? {}, indent));
    case "object":
      return schema.properties ? objectOf(schema, indent) : `Readonly<Record<string, ${valuesOf(schema, indent)}>>`;
    default:
      return "unknown";
  }
}

function arrayOf(item: string): string {
  return item.startsWith("{") || /^\w+$/.test(item) ? `readonly ${item}[]` : `readonly (${item})[]`;
}

function valuesOf({ additionalProperties }: Schema, indent: string): string {
  return typeof additionalProperties === "object" ? typeOf(additionalProperties, indent) : "unknown";
}

function listOf(values: readonly string[]): string {
  const named = Object.entries(NAMED_LISTS).find(([, list]) => list.join() === values.join());
  return named ? named[0] : values.map(quoted).join(" | ");
}

function quoted(text: string): string {
  return JSON.stringify(text);
}

function comment(text: string | undefined, indent: string): string {
  return text === undefined ? "" : `${indent}/** ${text} */\n`;
}
