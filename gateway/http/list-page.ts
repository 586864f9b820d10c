import { z } from "zod";

const MAX_LIMIT = 100;
const DEFAULT_LIMIT = 20;

/** What every list takes: spread it into the query's `z.strictObject`. */
export const pageQuery = {
  limit: z
    .string()
    .regex(/^\d{1,3}$/, `must be a number from 1 to ${MAX_LIMIT}`)
    .transform(Number)
    .refine((limit) => limit >= 1 && limit <= MAX_LIMIT, `must be a number from 1 to ${MAX_LIMIT}`)
    .default(DEFAULT_LIMIT)
    .meta({ description: `1 to ${MAX_LIMIT}, default ${DEFAULT_LIMIT}` }),
  starting_after: z.string().min(1).max(100).optional().meta({ description: "The `next_cursor` of the page before" }),
};

/** The JSON of a page. Read `limit + 1` rows: the one too many says that there is more. */
export function pageJson<Row>(rows: readonly Row[], limit: number, toJson: (row: Row) => unknown, cursor: (row: Row) => string): object {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const hasMore = rows.length > limit;
  return { object: "list", data: shown.map(toJson), has_more: hasMore, next_cursor: hasMore && last !== undefined ? cursor(last) : null };
}

/** Describes such a page. */
export function pageSchema(item: z.ZodType) {
  return z.object({ object: z.literal("list"), data: z.array(item), has_more: z.boolean(), next_cursor: z.string().nullable() });
}
