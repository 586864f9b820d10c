import { z } from "zod";
import type { Clock } from "../../providers/contract/clock.ts";
import { Problem } from "../problems.ts";
import { assertOurPage, type ConsoleSessions, SESSION_COOKIE, SESSION_MS, type Session, sessionCookie } from "./console-sessions.ts";
import { ROLES, type Route, type RouteRequest, route } from "./route.ts";
import { signInLimits } from "./sign-in-limits.ts";

/** Milliseconds until a refused key is told so. */
const REFUSAL_DELAY_MS = 300;

export interface SessionRouteDeps {
  readonly sessions: ConsoleSessions;
  readonly clock: Pick<Clock, "monotonic" | "sleep">;
  readonly livemode: boolean;
  /** The simulated processors run beside this instance. */
  readonly sandbox: boolean;
  /** We listen on a loopback address by plain HTTP, where a Secure cookie may not come back. */
  readonly loopback: boolean;
}

const sessionSchema = z.object({
  name: z.string(),
  role: z.enum(ROLES),
  livemode: z.boolean(),
  csrf: z.string(),
  sandbox: z.boolean(),
  expires_at: z.iso.datetime(),
});

/** Sign in with an API key, who is it, sign out. */
export function consoleSessionRoutes(deps: SessionRouteDeps): Route[] {
  return [signInRoute(deps), readRoute(deps), signOutRoute(deps)];
}

function signInRoute(deps: SessionRouteDeps): Route {
  const limits = signInLimits(deps.clock);
  return route({
    method: "post",
    path: "/console/session",
    internal: true,
    roles: "public",
    summary: "Sign in to the console with an API key",
    body: z.strictObject({ key: z.string().min(1).max(512) }),
    responses: { 200: { description: "Signed in; the cookie is set", schema: sessionSchema } },
    problems: ["unauthorized", "csrf_token_invalid", "too_many_sign_ins"],
    async handler(request) {
      assertOurPage(request);
      const succeeded = limits.begin(request.remoteAddress);
      const opened = await deps.sessions.open(request.body.key.trim());
      if (opened === null) {
        await deps.clock.sleep(REFUSAL_DELAY_MS);
        throw new Problem("unauthorized", "This API key is not known, or it was revoked.");
      }
      succeeded();
      const before = sessionCookie(request.header("cookie"));
      if (before !== null) await deps.sessions.end(before);
      const cookie = cookieOf(deps, request, opened.token, SESSION_MS / 1_000);
      return { status: 200, body: sessionJson(deps, opened.session), headers: { "Set-Cookie": cookie } };
    },
  });
}

function readRoute(deps: SessionRouteDeps): Route {
  return route({
    method: "get",
    path: "/console/session",
    internal: true,
    roles: "public",
    summary: "Who is signed in",
    // Not 401: browsers write that to the console, and nothing is wrong.
    responses: { 200: { description: "The session of the cookie", schema: sessionSchema }, 204: { description: "Nobody is signed in" } },
    problems: [],
    async handler(request) {
      const session = await deps.sessions.find(sessionCookie(request.header("cookie")) ?? "");
      if (session === null) return { status: 204 };
      return { status: 200, body: sessionJson(deps, session) };
    },
  });
}

function signOutRoute(deps: SessionRouteDeps): Route {
  return route({
    method: "delete",
    path: "/console/session",
    internal: true,
    roles: "public",
    summary: "Sign out",
    responses: { 204: { description: "The session is over" } },
    problems: ["unauthorized", "csrf_token_invalid"],
    async handler(request) {
      const token = sessionCookie(request.header("cookie")) ?? "";
      await deps.sessions.admit(token, request);
      await deps.sessions.end(token);
      return { status: 204, headers: { "Set-Cookie": cookieOf(deps, request, "", 0) } };
    },
  });
}

function sessionJson({ livemode, sandbox }: SessionRouteDeps, { name, principal, csrf, expiresAt }: Session): object {
  return { name, role: principal.role, livemode, csrf, sandbox, expires_at: expiresAt };
}

/** Secure, unless the page itself came by plain HTTP to this machine. */
function cookieOf({ loopback }: SessionRouteDeps, request: Pick<RouteRequest, "header">, token: string, maxAgeS: number): string {
  const secure = !loopback || (request.header("origin") ?? "").startsWith("https:");
  return `${SESSION_COOKIE}=${token}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${maxAgeS}${secure ? "; Secure" : ""}`;
}
