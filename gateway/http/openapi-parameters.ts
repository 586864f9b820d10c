import type { z } from "zod";
import type { Json, Schemas } from "./openapi-schemas.ts";
import type { Route } from "./route.ts";

export function parametersOf(definition: Route, schemas: Schemas): Json[] {
  return [
    ...declared(definition, "path", schemas),
    ...declared(definition, "query", schemas),
    ...(definition.idempotent ? [IDEMPOTENCY_KEY] : []),
    REQUEST_ID,
  ];
}

function declared(definition: Route, place: "path" | "query", schemas: Schemas): Json[] {
  const schema: z.ZodType | undefined = place === "path" ? definition.params : definition.query;
  if (schema === undefined) return [];
  const { properties, required } = schemas.of(schema, "input") as { properties?: Record<string, Json>; required?: string[] };
  return Object.entries(properties ?? {}).map(([name, { description, ...rest }]) => {
    const words = description ?? (place === "path" ? ofPath(definition.path, name) : FILTERS[name]);
    return {
      name,
      in: place,
      required: place === "path" || (required ?? []).includes(name),
      ...(words === undefined ? {} : { description: words }),
      schema: rest,
    };
  });
}

/** What a filter of this name means on every list that has it and says nothing else. */
const FILTERS: Readonly<Record<string, string>> = {
  status: "Only those in this status",
  state: "Only those in this state",
  kind: "Only those of this kind",
  type: "Only those of this type",
  provider: "Only those of this provider",
  reference: "Only those with this reference of yours",
  charge: "Only those of this charge",
  owner: "Only those that this person has taken on",
  order: "`desc`: the newest first; `asc`: the oldest first",
  unsealed: "`true`: with those that have no number yet",
};

const THINGS: Readonly<Record<string, string>> = {
  charges: "The charge's id",
  refunds: "The refund's id",
  "payment-methods": "The stored payment method's id",
  tokens: "The provider's id",
  disputes: "The dispute's id",
  "webhook-endpoints": "The webhook endpoint's id",
  providers: "The provider's id, as `GET /v1/providers` has it",
  decisions: "The charge's id",
  "dead-letters": "The dead letter's id",
  reconciliation: "The finding's id",
  runs: "The run's id",
  keys: "The API key's id, not the key itself",
  webhooks: "The provider's id",
};

/** Of `{id}` in `/v1/charges/{id}/capture`: the segment before it says what it is. */
function ofPath(path: string, name: string): string | undefined {
  const segments = path.split("/");
  return THINGS[segments[segments.indexOf(`{${name}}`) - 1] ?? ""];
}

const IDEMPOTENCY_KEY = {
  name: "Idempotency-Key",
  in: "header",
  required: true,
  description: "One per operation, the same for each of its retries; unique per account over all operations",
  schema: { type: "string", minLength: 1, maxLength: 255, pattern: "^[!-~]+$" },
  example: "invoice-1042-1",
};

const REQUEST_ID = {
  name: "X-Request-Id",
  in: "header",
  required: false,
  description: "Yours, for our log and our answers; else one is made",
  schema: { type: "string", maxLength: 128, pattern: "^[A-Za-z0-9_.:/+=@-]+$" },
};
