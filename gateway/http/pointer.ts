/** A caller's key is repeated up to this length: enough to find it. */
const MAX_SEGMENT = 100;

/** A JSON pointer (RFC 6901): `["metadata", "a/b"]` is `/metadata/a~1b`, the whole body is the empty string. */
export function pointerTo(path: readonly PropertyKey[]): string {
  return path
    .map((segment) => `/${String(segment).slice(0, MAX_SEGMENT).toWellFormed().replaceAll("~", "~0").replaceAll("/", "~1")}`)
    .join("");
}

/** The inverse. */
export function pathOf(pointer: string): string[] {
  if (pointer === "") return [];
  return pointer
    .split("/")
    .slice(pointer.startsWith("/") ? 1 : 0)
    .map((segment) => segment.replaceAll("~1", "/").replaceAll("~0", "~"));
}
