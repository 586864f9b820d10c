import { askedTime } from "./asked-time.ts";
import { invalidQuery } from "./validate.ts";

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;
/** A leap year. */
const MAX_RANGE_DAYS = 366;

/** What every report takes: spread it into the query's `z.strictObject`. */
export const reportTime = {
  from: askedTime
    .optional()
    .meta({ description: "RFC 3339, inclusive; default: 24 hours before `to`. Aligned down, see `from` of the answer." }),
  to: askedTime.optional().meta({ description: "RFC 3339, exclusive; default: now. Aligned up." }),
};

/** What the query means exactly, aligned outward to `sizeMs`. Throws `invalid_request`. */
export function rangeOf(
  asked: { from?: Date | undefined; to?: Date | undefined },
  nowMs: number,
  sizeMs: number,
): { from: Date; to: Date } {
  const toMs = asked.to?.getTime() ?? nowMs;
  const fromMs = asked.from?.getTime() ?? toMs - DAY_MS;
  if (fromMs >= toMs) throw invalidQuery("?from", "must be before `to` (default: now)");
  const from = new Date(Math.floor(fromMs / sizeMs) * sizeMs);
  const to = new Date(Math.ceil(toMs / sizeMs) * sizeMs);
  if (to.getTime() - from.getTime() > MAX_RANGE_DAYS * DAY_MS)
    throw invalidQuery("?from", `must be at most ${MAX_RANGE_DAYS} days before \`to\``);
  return { from, to };
}
