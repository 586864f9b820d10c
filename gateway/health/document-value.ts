/** The last write of each instance that is part of a document. By it a write is known that was made although its answer was lost. */
export type Writers = Readonly<Record<string, number>>;

/** Of an instance, or of one of its probes. */
export const INSTANCE_NAME = /^[\w.-]{1,40}$/;

/** Beyond it the ones silent for the longest are forgotten: an answer is not lost for so many other writers' time. */
const MAX_WRITERS = 32;

export function documentValue(state: unknown, before: Writers, by: string, write: number): { value: string; writers: Writers } {
  const others = Object.entries(before).filter(([name]) => name !== by);
  const writers = Object.fromEntries([...others.slice(1 - MAX_WRITERS), [by, write]]);
  return { value: JSON.stringify({ writers, state }), writers };
}

/** What a store holds may be anything. `state` undefined: damaged. */
export function readDocument(value: string): { state: unknown; writers: Writers } {
  try {
    const { state, writers } = (JSON.parse(value) ?? {}) as { state?: unknown; writers?: unknown };
    return { state, writers: isWriters(writers) ? writers : {} };
  } catch {
    return { state: undefined, writers: {} };
  }
}

function isWriters(value: unknown): value is Writers {
  if (typeof value !== "object" || value === null) return false;
  return Object.entries(value).every(([name, write]) => INSTANCE_NAME.test(name) && Number.isSafeInteger(write));
}
