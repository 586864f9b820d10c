import { type DestinationStream, destination, type Logger, type LoggerOptions, pino } from "pino";
import { maskCardNumbers } from "./card-numbers.ts";

export type { Logger } from "pino";

/** What no line may show, wherever a careless caller puts it; one level of nesting each. */
const SECRET = new Set([
  "authorization",
  "cookie",
  "key",
  "api_key",
  "secret",
  "client_secret",
  "password",
  "token",
  "tokens",
  "payment_method",
]);
const REDACTED = "[redacted]";

/** Characters of a stack that help; the rest is frames of the runtime. */
const MAX_STACK = 2_000;

/**
 * JSON lines. Written asynchronously: a slow terminal must not hold up a charge. Nothing that matters is only in the log,
 * so the lines that a kill -9 loses are no loss (law 7 is about the database).
 */
export function createLogger(options: { level?: string; destination?: DestinationStream } = {}): Logger {
  const settings: LoggerOptions = {
    level: options.level ?? "info",
    base: null,
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    // pino's own redaction walks its list of paths for each line: 17 µs, this 1.
    formatters: { level: (label) => ({ level: label }), log: redact },
    serializers: { err: describeError },
  };
  return pino(settings, options.destination ?? destination({ sync: false }));
}

function redact(line: Record<string, unknown>, depth = 0): Record<string, unknown> {
  let clean = line;
  for (const name in line) {
    const value = line[name];
    const isObject = typeof value === "object" && value !== null && !(value instanceof Error);
    const told = SECRET.has(name) ? REDACTED : isObject && depth === 0 ? redact(value as Record<string, unknown>, 1) : value;
    if (told === value) continue;
    if (clean === line) clean = { ...line };
    clean[name] = told;
  }
  return clean;
}

/**
 * An error without its extra properties: PostgreSQL's `detail` quotes the failing row, an HTTP client's error its request.
 */
export function describeError(error: unknown, depth = 0): object {
  if (!(error instanceof Error)) return { message: maskCardNumbers(String(error)) };
  const code = "code" in error && typeof error.code === "string" ? { code: error.code } : {};
  const cause = error.cause !== undefined && depth < 3 ? { cause: describeError(error.cause, depth + 1) } : {};
  return {
    type: error.name,
    message: maskCardNumbers(error.message),
    ...code,
    stack: maskCardNumbers((error.stack ?? "").slice(0, MAX_STACK)),
    ...cause,
  };
}
