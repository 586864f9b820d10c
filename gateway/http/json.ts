// In the language since ES2026 and in Node since 21; TypeScript's es2024 library does not know it.
const { rawJSON } = JSON as typeof JSON & { rawJSON(text: string): object };

/** JSON as the interface promises it: a bigint is a JSON integer, exact at any size. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => (typeof inner === "bigint" ? rawJSON(inner.toString()) : inner));
}
