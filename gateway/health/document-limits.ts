import type { Exchange } from "./shared-documents.ts";

/** Names that a store keeps: some MB. Beyond it, those unchanged for the longest are dropped. */
export const MAX_DOCUMENTS = 20_000;
/** Documents of one answer, not counting refused writes. Everybody else waits for Redis meanwhile: 2,000 took 58 ms on a loaded machine. */
export const MAX_READ = 1_000;
/** Bytes of values in one answer; the document that passes it still comes. */
export const MAX_READ_BYTES = 1_000_000;
/** 1,000 took 176 ms on a loaded machine: so many stay within the patience, and a caller does not fail with them for ever. */
export const MAX_WRITES = 200;
const MAX_VALUE_BYTES = 16_384;
const MAX_NAME_BYTES = 256;
/** Milliseconds that an exchange may take. Below connectRedis's own limit, so that this one decides. */
export const PATIENCE_MS = 200;

/** Throws a RangeError for what no store accepts. */
export function assertWithinLimits({ writes }: Exchange): void {
  if (writes.length > MAX_WRITES) throw new RangeError(`${writes.length} writes in one exchange; at most ${MAX_WRITES}`);
  for (const { name, expected, value } of writes) {
    const bytes = Buffer.byteLength(value);
    if (bytes > MAX_VALUE_BYTES) throw new RangeError(`document ${name} has ${bytes} bytes; at most ${MAX_VALUE_BYTES}`);
    const length = Buffer.byteLength(name);
    if (length < 1 || length > MAX_NAME_BYTES) throw new RangeError(`a document's name has ${length} bytes; from 1 to ${MAX_NAME_BYTES}`);
    if (!Number.isSafeInteger(expected) || expected < 0) throw new RangeError(`document ${name} cannot have version ${expected}`);
  }
  if (new Set(writes.map(({ name }) => name)).size < writes.length) throw new RangeError("two writes of one document in one exchange");
}
