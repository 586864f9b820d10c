import request from "supertest";
import type { Principal, Role, Route } from "../../../gateway/http/route.ts";
import { createHttpApp } from "../../../gateway/http/server.ts";

export const NOW = new Date("2026-03-01T13:00:30Z");

/** The routes over HTTP; the bearer is the role. */
export function appOf(routes: readonly Route[]) {
  const app = createHttpApp({
    routes: [...routes],
    authenticate: async (role): Promise<Principal> => ({ accountId: "acct_default", keyId: "1", role: role as Role, actor: "key:1" }),
    log: { info: () => {}, error: () => {} },
    metrics: { observeRequest: () => {} },
    clock: { monotonic: () => 0 },
    newRequestId: () => "req_1",
    version: "test",
  });
  return (path: string, role: Role = "ops", accept = "application/json") =>
    request(app)
      .get(path)
      .set({ Authorization: `Bearer ${role}`, Accept: accept });
}
