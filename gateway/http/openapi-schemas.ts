import { z } from "zod";

export type Json = { readonly [key: string]: unknown };

/** JSON Schemas of the zod schemas; those that carry an `id` are told once, under components. */
export class Schemas {
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
