import { expect, test } from "vitest";
import type { Session } from "../../../gateway/http/console-sessions.ts";
import { consoleStreamRoutes } from "../../../gateway/http/console-stream-routes.ts";
import type { OpenAnswer, RouteRequest } from "../../../gateway/http/route.ts";
import { ManualClock } from "../../support/manual-clock.ts";

test("who was let in while all streams were ended gets none: an instance that stops would wait for it", async () => {
  const session = { principal: { accountId: "acct_default" } } as Session;
  const heard: string[] = [];
  const changes = {
    listen() {
      heard.push("listens");
      return () => {};
    },
  };
  const sessions = { admit: async () => session, find: async () => session };
  const { routes, closeAll } = consoleStreamRoutes({ sessions, changes, clock: new ManualClock() });
  const { stream } = await routes[0]!.handler({ header: () => "switchyard_session=x" } as unknown as RouteRequest);
  closeAll();
  const out: OpenAnswer = { write: (text) => void heard.push(text), close: () => void heard.push("closed"), onClose() {} };
  stream!.open(out);
  expect(heard).toEqual(["closed"]);
});
