import { z } from "zod";
import type { Clock } from "../../providers/contract/clock.ts";
import { Problem } from "../problems.ts";
import { type ApiKey, insertKey, listKeys, revokeKey } from "../store/api-keys.ts";
import type { Database } from "../store/database.ts";
import type { Authenticator } from "./authenticate.ts";
import { pageJson, pageQuery, pageSchema } from "./list-page.ts";
import { ROLES, type Route, route } from "./route.ts";

export interface KeyRouteDeps {
  readonly db: Database;
  readonly clock: Pick<Clock, "now">;
  readonly newId: (prefix: "key") => string;
  /** Cryptographic: 32 bytes for a key. */
  readonly randomBytes: (size: number) => Buffer;
  readonly livemode: boolean;
  readonly authenticator: Pick<Authenticator, "forget">;
  /** ADMIN_KEY is set: then the last admin key in the database may go. */
  readonly hasAdminKey: boolean;
}

const keySchema = z.object({
  id: z.string(),
  object: z.literal("api_key"),
  name: z.string(),
  role: z.enum(ROLES),
  created_at: z.iso.datetime(),
  revoked_at: z.iso.datetime().nullable(),
});

/** Keys of the caller's account. The key itself is told once, when it is made. */
export function keyRoutes(deps: KeyRouteDeps): Route[] {
  return [createRoute(deps), listRoute(deps), revokeRoute(deps)];
}

function createRoute({ db, clock, newId, randomBytes, livemode }: KeyRouteDeps): Route {
  return route({
    method: "post",
    path: "/v1/keys",
    roles: ["admin"],
    summary: "Make an API key",
    description: "`key` is in this answer only: what is kept is its SHA-256.",
    body: z.strictObject({ name: z.string().min(1).max(100), role: z.enum(ROLES) }),
    example: { name: "billing core", role: "billing" },
    responses: { 201: { description: "The key, told this once", schema: keySchema.extend({ key: z.string() }) } },
    problems: [],
    async handler({ principal, body }) {
      const key = `sy_${livemode ? "live" : "test"}_${randomBytes(32).toString("base64url")}`;
      const { accountId, actor } = principal;
      const made = await insertKey(db, { accountId, actor, id: newId("key"), ...body, key, now: new Date(clock.now()) });
      return { status: 201, body: { ...keyJson(made), key } };
    },
  });
}

function listRoute({ db }: KeyRouteDeps): Route {
  return route({
    method: "get",
    path: "/v1/keys",
    roles: ["admin"],
    summary: "List API keys, newest first",
    description: "Revoked ones too. ADMIN_KEY of the environment is none of them.",
    query: z.strictObject(pageQuery),
    responses: { 200: { description: "Without the keys themselves", schema: pageSchema(keySchema) } },
    problems: [],
    async handler({ principal, query }) {
      const rows = await listKeys(db, { accountId: principal.accountId, after: query.starting_after ?? null, limit: query.limit + 1 });
      return { status: 200, body: pageJson(rows, query.limit, keyJson, (key) => key.id) };
    },
  });
}

function revokeRoute({ db, clock, authenticator, hasAdminKey }: KeyRouteDeps): Route {
  return route({
    method: "delete",
    path: "/v1/keys/{id}",
    roles: ["admin"],
    summary: "Revoke an API key",
    description: "It stops at once on this instance, and within 5 seconds on every other one. Repeating it changes nothing.",
    params: z.object({ id: z.string().max(100) }),
    responses: { 200: { description: "The revoked key", schema: keySchema } },
    problems: ["last_admin_key"],
    async handler({ principal, params }) {
      const { accountId, actor } = principal;
      const revoked = await revokeKey(db, { accountId, actor, id: params.id, now: new Date(clock.now()), keepOne: !hasAdminKey });
      if (revoked === "not_found") throw new Problem("not_found", "There is no such key.");
      if (revoked === "last_admin_key") throw new Problem("last_admin_key", "Make another admin key first, or set ADMIN_KEY.");
      authenticator.forget(revoked.id);
      return { status: 200, body: keyJson(revoked) };
    },
  });
}

function keyJson(key: ApiKey): object {
  return { id: key.id, object: "api_key", name: key.name, role: key.role, created_at: key.createdAt, revoked_at: key.revokedAt };
}
