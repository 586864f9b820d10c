import express from "express";
import { hasCardNumber } from "../card-numbers.ts";
import { type FieldFault, Problem } from "../problems.ts";
import type { Pages } from "./console-pages.ts";
import { type ConsoleSessions, sessionCookie } from "./console-sessions.ts";
import { withDocuments } from "./documents.ts";
import { type Exchange, refuse, type Sinks, send } from "./exchange.ts";
import { assertJson, readBody } from "./read-body.ts";
import type { Principal, Reply, Route, RouteRequest } from "./route.ts";
import { parseStrictJson } from "./strict-json.ts";
import { validateBody, validateNoBody, validateParams, validateQuery } from "./validate.ts";

export interface HttpDeps extends Sinks {
  readonly routes: readonly Route[];
  /** Who has this key; null: nobody. */
  authenticate(key: string): Promise<Principal | null>;
  /** Who signed in at the console; null: there is none here, and no cookie is looked at. */
  readonly sessions?: Pick<ConsoleSessions, "admit"> | null;
  /** The console's pages, below /console. */
  readonly pages?: Pages | null;
  /** For requests that come without an X-Request-Id. */
  newRequestId(): string;
  /** Of the product, for /openapi.json and /docs. */
  readonly version: string;
}

/** Longer paths and queries than any of ours; what follows (decoding, looking for card numbers) is work before authentication. */
const MAX_URL_LENGTH = 4_096;
const REQUEST_ID = /^[\w.:/+=@-]{1,128}$/;
const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/;
const CARD_IN = "looks like a card number";

/** The express application: its routes, and a problem+json for everything else. */
export function createHttpApp(deps: HttpDeps): express.Express {
  const app = express();
  app.disable("x-powered-by").disable("etag").set("query parser", false);
  app.enable("strict routing").enable("case sensitive routing");
  const exchanges = new WeakMap<express.Request, Exchange>();
  app.use((req, res, next) => {
    const exchange = begin(deps, req);
    exchanges.set(req, exchange);
    try {
      assertCleanUrl(req.originalUrl);
    } catch (error) {
      return refuse(deps, exchange, req, res, error);
    }
    next();
  });

  const routes = withDocuments(deps.routes, deps.version);
  const methods = Map.groupBy(routes, (route) => expressPath(route.path));
  for (const [path, ofPath] of methods) {
    for (const route of ofPath) {
      app[route.method](path, (req, res) => {
        const exchange = exchanges.get(req) as Exchange;
        exchange.route = route.path;
        return answer(deps, route, exchange, req).then(
          (reply) => send(deps, exchange, req, res, reply),
          (error: unknown) => refuse(deps, exchange, req, res, error),
        );
      });
    }
    const allowed = ofPath.flatMap(({ method }) => (method === "get" ? ["GET", "HEAD"] : [method.toUpperCase()]));
    app.all(path, (req, res) => {
      const exchange = exchanges.get(req) as Exchange;
      exchange.route = ofPath[0]?.path as string;
      const problem = new Problem("method_not_allowed", `This resource takes ${allowed.join(", ")}.`);
      refuse(deps, exchange, req, res, problem, { Allow: allowed.join(", ") });
    });
  }
  const { pages } = deps;
  if (pages) {
    app.get(["/console", "/console/", "/console/*path"], (req, res) => {
      const exchange = exchanges.get(req) as Exchange;
      exchange.route = "/console";
      return pages
        .answer(req.path.slice("/console/".length), (name) => req.get(name))
        .then(
          (reply) => send(deps, exchange, req, res, reply),
          (error: unknown) => refuse(deps, exchange, req, res, error),
        );
    });
  }
  app.use((req, res) => refuse(deps, exchanges.get(req) as Exchange, req, res, new Problem("not_found", "There is no such resource.")));
  const lastResort: express.ErrorRequestHandler = (error, req, res, _next) =>
    refuse(deps, exchanges.get(req) ?? begin(deps, req), req, res, error);
  app.use(lastResort);
  return app;
}

function begin(deps: HttpDeps, req: express.Request): Exchange {
  const given = req.headers["x-request-id"];
  const usable = typeof given === "string" && REQUEST_ID.test(given) && !hasCardNumber(given);
  return {
    requestId: usable ? given : deps.newRequestId(),
    startedMs: deps.clock.monotonic(),
    route: "unmatched",
    actor: null,
    chargeId: null,
  };
}

function assertCleanUrl(url: string): void {
  if (url.length > MAX_URL_LENGTH) throw new Problem("invalid_request", `The path and query are longer than ${MAX_URL_LENGTH} characters.`);
  if (!/\d/.test(url)) return;
  let plain: string;
  try {
    plain = decodeURIComponent(url.replaceAll("+", " "));
  } catch {
    throw new Problem("invalid_request", "The path or query is not validly percent-encoded.");
  }
  if (plain.includes("\0")) throw new Problem("invalid_request", "U+0000 is not allowed in a path or query.");
  if (hasCardNumber(plain)) throw new Problem("card_number_not_allowed", "The path or query holds what looks like a card number.");
}

async function answer(deps: HttpDeps, route: Route, exchange: Exchange, req: express.Request): Promise<Reply> {
  const principal = await admit(deps, route, req);
  exchange.actor = principal?.actor ?? null;
  const raw = route.rawBodyBytes !== undefined;
  if (!raw) assertAcceptable(route, req);
  const params = validateParams(route.params, req.params);
  const { path, search } = splitUrl(req.originalUrl);
  const query = validateQuery(route.query, search);
  const idempotencyKey = route.idempotent ? readIdempotencyKey(req) : null;
  const rawBody = route.method === "get" || route.method === "delete" ? NO_BYTES : await (raw ? readRaw(route, req) : readBody(req));
  const { value: json, faults } = raw ? NO_JSON : parseBody(rawBody, req);
  const request: RouteRequest = {
    method: route.method,
    path,
    requestId: exchange.requestId,
    remoteAddress: req.socket.remoteAddress ?? "",
    body: undefined,
    query,
    params,
    principal,
    idempotencyKey,
    json,
    rawBody,
    headers: singleHeaders(req.headers),
    header: (name) => req.get(name),
    accepts: (...types) => req.accepts(types),
  };
  let body: unknown;
  try {
    body = bodyOf(route, json, faults);
  } catch (refusal) {
    const replay = faults.length === 0 ? await route.replay?.(request) : null;
    if (replay) return replay;
    throw refusal;
  }
  return route.handler({ ...request, body });
}

const NO_BYTES = Buffer.alloc(0);

/** Bodies of strangers (a webhook's signature is checked over the whole of it) that are received at once: 64 MiB at the most. */
const MAX_RAW_READING = 256;
let rawReading = 0;

async function readRaw(route: Route, req: express.Request): Promise<Buffer> {
  if (rawReading >= MAX_RAW_READING) throw new Problem("webhook_not_taken", "Too many are being received.", { retryAfterS: 5 });
  rawReading += 1;
  try {
    return await readBody(req, route.rawBodyBytes);
  } finally {
    rawReading -= 1;
  }
}
const NO_JSON = { value: undefined, faults: [] };

/** Node makes a list of one header only, Set-Cookie, which no request has. */
function singleHeaders(headers: express.Request["headers"]): RouteRequest["headers"] {
  return headers as RouteRequest["headers"];
}

async function admit(deps: HttpDeps, route: Route, req: express.Request): Promise<Principal | null> {
  if (route.roles === "public") return null;
  const principal = await identify(deps, route, req);
  if (principal.role !== "admin" && !route.roles.includes(principal.role)) {
    const roles = [...new Set([...route.roles, "admin"])].join(", ");
    throw new Problem("forbidden", `This key has the role ${principal.role}; this takes one of: ${roles}.`);
  }
  return principal;
}

/** By the key; without one, by the session of the console's cookie. */
async function identify(deps: HttpDeps, route: Route, req: express.Request): Promise<Principal> {
  const { authorization, cookie } = req.headers;
  const token = authorization === undefined && deps.sessions ? sessionCookie(cookie) : null;
  if (token !== null && deps.sessions) {
    const session = await deps.sessions.admit(token, { method: route.method, header: (name) => req.get(name) });
    return session.principal;
  }
  const [, key] = /^Bearer +([\x21-\x7e]{1,512})$/i.exec(authorization ?? "") ?? [];
  if (key === undefined) throw new Problem("unauthorized", "Send Authorization: Bearer and an API key.");
  const principal = await deps.authenticate(key);
  if (principal === null) throw new Problem("unauthorized", "This API key is not known, or it was revoked.");
  return principal;
}

function assertAcceptable(route: Route, req: express.Request): void {
  const accept = req.headers.accept;
  if (accept === undefined || accept === "*/*" || accept === "application/json") return;
  const types = Object.values(route.responses).flatMap((response) => response.contentTypes ?? ["application/json"]);
  if (!req.accepts(types)) throw new Problem("not_acceptable", `This is available as ${[...new Set(types)].join(", ")}.`);
}

function readIdempotencyKey(req: express.Request): string {
  const key = req.get("idempotency-key");
  if (key === undefined || key === "")
    throw new Problem("idempotency_key_missing", "Send an Idempotency-Key header: one per operation, the same for each retry.");
  if (hasCardNumber(key)) {
    throw new Problem("card_number_not_allowed", "The Idempotency-Key holds what looks like a card number.", {
      faults: [{ pointer: "Idempotency-Key", message: CARD_IN }],
    });
  }
  if (!IDEMPOTENCY_KEY.test(key)) {
    throw new Problem("idempotency_key_invalid", "The Idempotency-Key must be 1 to 255 visible ASCII characters, without spaces.");
  }
  return key;
}

function parseBody(bytes: Buffer, req: express.Request): { value: unknown; faults: readonly FieldFault[] } {
  if (bytes.length === 0) return { value: undefined, faults: [] };
  assertJson(req.headers["content-type"]);
  return parseStrictJson(bytes);
}

function bodyOf(route: Route, json: unknown, faults: readonly FieldFault[]): unknown {
  if (route.body === undefined) return validateNoBody(json, faults);
  if (json === undefined && route.emptyBody) return validateBody(route.body, {}, faults);
  if (json === undefined) throw new Problem("invalid_json", "Send a JSON body.");
  return validateBody(route.body, json, faults);
}

/** `/v1/charges/{id}` as express writes it. */
function expressPath(path: string): string {
  return path.replace(/\{(\w+)\}/g, ":$1");
}

function splitUrl(url: string): { path: string; search: string } {
  const at = url.indexOf("?");
  return at === -1 ? { path: url, search: "" } : { path: url.slice(0, at), search: url.slice(at + 1) };
}
