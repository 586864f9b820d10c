import ANSWERS from "./answers.json" with { type: "json" };
import type { ResponseDoc, Route } from "./route.ts";

/** Answers by their name, for one status and content type. */
export type Examples = Readonly<Record<string, unknown>>;

type Recorded = Readonly<Record<string, Readonly<Record<string, Examples>>>>;

/**
 * A response's examples: its own, else those of answers.json (by operation, status and, if it is not JSON, content type), which a
 * real gateway gave; what takes days or a processor's webhook (a dispute, a dead letter, a finding) is written by hand. Without
 * any a test names the operation.
 */
export function examplesOf({ method, path }: Route, status: string, response: ResponseDoc, type: string): Examples {
  const isJson = type === "application/json";
  if (response.example !== undefined && (isJson || typeof response.example === "string")) return { Example: response.example };
  return (ANSWERS as Recorded)[`${method} ${path}`]?.[isJson ? status : `${status} ${type}`] ?? {};
}
