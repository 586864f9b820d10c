import { z } from "zod";

/** A time in a request: RFC 3339 with any offset. */
export const askedTime = z.iso
  .datetime({ offset: true, error: "must be a time like 2026-12-01T00:00:00Z" })
  .transform((text) => new Date(text));
