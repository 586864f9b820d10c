import type { Refusal } from "./errors.ts";
import type { Told } from "./send.ts";
import type { Problem } from "./wire.ts";

type Answered = Extract<Told, { kind: "answered" }>;

/** Characters of a foreign answer that an error shows. */
const MAX_SHOWN = 200;

/** What a success carries; null: it is none, or cannot be read, or something else than the gateway said it. Each of its answers names its kind. */
export function bodyOf({ status, text }: Answered): object | null {
  const found = status >= 200 && status < 300 ? (objectIn(text) as { object?: unknown } | null) : null;
  return typeof found?.object === "string" ? found : null;
}

/** What an answer that is no success says. */
export function refusalOf(answer: Answered, nowMs: number): Refusal {
  const { status, text } = answer;
  const retryAfterMs = retryAfter(answer.retryAfter, nowMs);
  const problem = problemIn(text);
  if (problem !== null) return { status, retryAfterMs, problem, code: problem.code, detail: problem.detail, money: problem.money };
  const shown = text.trim().slice(0, MAX_SHOWN);
  const detail = `an answer that is not the gateway's${shown === "" ? "" : `: ${shown}`}`;
  return { status, retryAfterMs, problem, code: "unexpected_answer", detail, money: mayHaveRun(status) ? "unknown" : "none" };
}

/** A refusal or a redirect by something before the gateway, in HTTP's own words: it did not let the request pass. */
function mayHaveRun(status: number): boolean {
  return status < 300 || status === 408 || status >= 500;
}

/** Seconds or a date, as milliseconds from now. */
function retryAfter(header: string | null, nowMs: number): number | null {
  if (header === null) return null;
  const atMs = /^\d{1,9}$/.test(header.trim()) ? nowMs + Number(header) * 1_000 : Date.parse(header);
  return Number.isNaN(atMs) ? null : Math.max(0, atMs - nowMs);
}

function problemIn(text: string): Problem | null {
  const found = objectIn(text) as Partial<Problem> | null;
  const isProblem = typeof found?.code === "string" && typeof found.detail === "string" && typeof found.money === "string";
  return isProblem ? (found as Problem) : null;
}

function objectIn(text: string): object | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}
