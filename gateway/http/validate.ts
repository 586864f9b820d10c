import { z } from "zod";
import { type FieldFault, Problem } from "../problems.ts";
import { faultsOf } from "../schema-faults.ts";
import { pointerTo } from "./pointer.ts";
import { MAX_FAULTS } from "./strict-json.ts";

/** The body by its schema, or every fault at once, each with its JSON pointer. `found` are those of the JSON itself. */
export function validateBody(schema: z.ZodType, value: unknown, found: readonly FieldFault[] = []): unknown {
  const result = schema.safeParse(value);
  if (result.success && found.length === 0) return result.data;
  const faults = [...found, ...(result.success ? [] : faultsOf(result.error, pointerTo))];
  throw invalidBody(faults.filter((fault, i) => faults.findIndex(({ pointer }) => pointer === fault.pointer) === i));
}

const noFields = z.strictObject({}).optional();

/** A request that takes no body may send `{}`. */
export function validateNoBody(value: unknown, found: readonly FieldFault[]): undefined {
  validateBody(noFields, value, found);
}

function invalidBody(faults: readonly FieldFault[]): Problem {
  const detail = faults.length === 1 ? "The body has an invalid field." : `The body has ${faults.length} invalid fields.`;
  return new Problem("validation_failed", detail, { faults: faults.slice(0, MAX_FAULTS) });
}

/** The query by its schema; a parameter's pointer is `?name`. */
export function validateQuery(schema: z.ZodType | undefined, search: string): unknown {
  const given = new URLSearchParams(search);
  const values: Record<string, string> = Object.create(null);
  for (const [name, value] of given) {
    if (Object.hasOwn(values, name)) throw invalidParameters([{ pointer: `?${name.slice(0, 100)}`, message: "is given twice" }]);
    values[name] = value;
  }
  if (schema === undefined) {
    const names = Object.keys(values);
    if (names.length === 0) return {};
    throw invalidParameters(
      names.slice(0, MAX_FAULTS).map((name) => ({ pointer: `?${name.slice(0, 100)}`, message: "is not a parameter here" })),
    );
  }
  const result = schema.safeParse({ ...values });
  if (result.success) return result.data;
  throw invalidParameters(faultsOf(result.error, (path) => `?${pointerTo(path).slice(1)}`).slice(0, MAX_FAULTS));
}

/** Path parameters; one that cannot exist does not exist. */
export function validateParams(schema: z.ZodType | undefined, params: unknown): unknown {
  if (schema === undefined) return params;
  const result = schema.safeParse(params);
  if (result.success) return result.data;
  throw new Problem("not_found", "There is no such resource.");
}

/** For what no schema sees of one parameter alone; its pointer is `?name`. */
export function invalidQuery(pointer: string, message: string): Problem {
  return invalidParameters([{ pointer, message }]);
}

function invalidParameters(faults: readonly FieldFault[]): Problem {
  return new Problem("invalid_request", "The query has invalid parameters.", { faults });
}
