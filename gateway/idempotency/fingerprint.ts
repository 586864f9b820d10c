import { hash } from "node:crypto";

/**
 * What makes two requests with one key the same request: method, path and body. The body is made canonical (keys sorted)
 * before defaults are filled in, so that neither a client's key order nor a new default of ours makes a retry look new.
 */
export function fingerprintOf(request: { readonly method: string; readonly path: string; readonly json: unknown }): Buffer {
  return hash("sha256", `${request.method.toUpperCase()} ${request.path}\n${canonicalJson(request.json)}`, "buffer");
}

/** JSON without spaces and with sorted keys (by UTF-16 units), as RFC 8785 orders them. undefined is an empty body. */
export function canonicalJson(value: unknown): string {
  if (value === undefined) return "";
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const fields = value as Readonly<Record<string, unknown>>;
  return `{${Object.keys(fields)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(fields[key])}`)
    .join(",")}}`;
}
