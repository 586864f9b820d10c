import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock } from "../../providers/contract/clock.ts";
import type { Logger } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import { PROBLEMS } from "../problems.ts";
import { toJson } from "./json.ts";
import { PROBLEM_TYPE, problemBody, problemHeaders, toProblem } from "./problem-json.ts";
import type { OpenAnswer, Reply } from "./route.ts";
import { securityHeaders } from "./security-headers.ts";

/** One request and what its log line tells. Never the body, a header, the URL: only the route's pattern. */
export interface Exchange {
  readonly requestId: string;
  readonly startedMs: number;
  route: string;
  actor: string | null;
  chargeId: string | null;
}

const ON_EVERY_ANSWER = { ...securityHeaders(), "Cache-Control": "no-store" };

/** Where a request leaves its traces. */
export interface Sinks {
  readonly log: Pick<Logger, "info" | "error">;
  readonly metrics: Pick<Metrics, "observeRequest">;
  readonly clock: Pick<Clock, "monotonic">;
}

/** Sends a reply and tells log and metrics. A caller who has hung up gets nothing; the line says so. */
export function send(deps: Sinks, exchange: Exchange, req: IncomingMessage, res: ServerResponse, reply: Reply): void {
  if (reply.stream && req.method !== "HEAD") {
    openStream(deps, exchange, req, res, reply);
    return;
  }
  const content = reply.text?.content ?? (reply.body === undefined ? "" : toJson(reply.body));
  const type = reply.text?.type ?? "application/json; charset=utf-8";
  exchange.chargeId ??= reply.chargeId ?? null;
  write(exchange, res, reply.status, content, { ...(content === "" ? {} : { "Content-Type": type }), ...reply.headers });
  finish(deps, exchange, req, res, { status: reply.status });
}

/** Bytes that wait for a reader. */
const MAX_UNREAD_BYTES = 64 * 1024;

function openStream(deps: Sinks, exchange: Exchange, req: IncomingMessage, res: ServerResponse, { status, stream, headers }: Reply): void {
  if (stream === undefined || res.headersSent || res.destroyed) return;
  // For nginx, which would otherwise keep events until a buffer is full.
  const open = { "Content-Type": stream.type, "X-Accel-Buffering": "no" };
  res.writeHead(status, { ...ON_EVERY_ANSWER, "X-Request-Id": exchange.requestId, ...open, ...headers });
  const out: OpenAnswer = {
    write(text) {
      if (res.destroyed || res.writableEnded) return;
      res.write(text);
      if (res.writableLength > MAX_UNREAD_BYTES) res.destroy();
    },
    close: () => void res.end(),
    onClose: (listener) => void res.once("close", listener),
  };
  stream.open(out);
  finish(deps, exchange, req, res, { status });
}

/** Turns whatever was thrown into problem+json. Only an unexpected error is logged with its cause. */
export function refuse(
  deps: Sinks,
  exchange: Exchange,
  req: IncomingMessage,
  res: ServerResponse,
  error: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  const isRead = req.method === "GET" || req.method === "HEAD";
  const problem = toProblem(error, isRead);
  const { status } = PROBLEMS[problem.code];
  exchange.chargeId ??= problem.chargeId;
  const content = toJson(problemBody(problem, { requestId: exchange.requestId, isRead }));
  write(exchange, res, status, content, { "Content-Type": PROBLEM_TYPE, ...problemHeaders(problem), ...headers });
  finish(deps, exchange, req, res, {
    status,
    problem: problem.code,
    ...(status >= 500 && problem.cause !== undefined ? { err: problem.cause } : {}),
  });
}

function write(
  exchange: Exchange,
  res: ServerResponse,
  status: number,
  content: string | Buffer,
  headers: Readonly<Record<string, string>>,
): void {
  if (res.headersSent || res.destroyed) return;
  const all = { ...ON_EVERY_ANSWER, "X-Request-Id": exchange.requestId, ...headers };
  if (status === 204 || status === 304) res.writeHead(status, all).end();
  else res.writeHead(status, { ...all, "Content-Length": Buffer.byteLength(content) }).end(content);
}

function finish(
  deps: Sinks,
  exchange: Exchange,
  req: IncomingMessage,
  res: ServerResponse,
  outcome: { status: number; problem?: string; err?: unknown },
): void {
  const ms = deps.clock.monotonic() - exchange.startedMs;
  const method = req.method ?? "";
  deps.metrics.observeRequest({ method, route: exchange.route, status: outcome.status, seconds: ms / 1000 });
  const line = {
    request_id: exchange.requestId,
    method,
    route: exchange.route,
    ...outcome,
    ms: Math.round(ms * 10) / 10,
    ...(exchange.actor === null ? {} : { actor: exchange.actor }),
    ...(exchange.chargeId === null ? {} : { charge: exchange.chargeId }),
    ...(res.destroyed || res.socket?.destroyed ? { hung_up: true } : {}),
  };
  if (outcome.status >= 500) deps.log.error(line, "request");
  else deps.log.info(line, "request");
}
