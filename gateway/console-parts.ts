import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { watchChanges } from "./change-watch.ts";
import type { Core } from "./charges/core.ts";
import type { ChargeService } from "./charges/service.ts";
import type { Authenticator } from "./http/authenticate.ts";
import { consolePages, type Pages } from "./http/console-pages.ts";
import { consoleSandboxRoutes } from "./http/console-sandbox-routes.ts";
import { consoleSessionRoutes } from "./http/console-session-routes.ts";
import { type ConsoleSessions, createConsoleSessions } from "./http/console-sessions.ts";
import { consoleStreamRoutes } from "./http/console-stream-routes.ts";
import type { Route } from "./http/route.ts";
import { sandboxControl } from "./local/sandbox-control.ts";
import { sandboxTraffic } from "./local/sandbox-traffic.ts";

/** The simulated processors beside this gateway: where they are told what to do, and which provider has which. */
export interface SandboxPlace {
  readonly controlUrl: string;
  readonly processors: ReadonlyMap<string, string>;
}

export interface Console {
  readonly sessions: ConsoleSessions;
  readonly pages: Pages;
  /** For its pages alone. */
  readonly routes: readonly Route[];
  /** Ends what stays open: the demonstration's traffic and the streams. */
  stop(): Promise<void>;
}

/** What the console has beside the API: signing in, the stream of what changed, the demonstration, the built pages. */
export function assembleConsole(parts: {
  core: Core;
  charges: ChargeService;
  authenticator: Authenticator;
  adminKey: string | null;
  loopback: boolean;
  sandbox: SandboxPlace | null;
}): Console {
  const { core, charges, authenticator, adminKey, loopback } = parts;
  const { db, clock, random, newId, fleet, log } = core;
  const { livemode } = core.settings;
  const sessions = createConsoleSessions({ db, clock, randomBytes, authenticator, adminKey });
  const changes = watchChanges({ db, fleet, clock, log });
  const stream = consoleStreamRoutes({ sessions, changes, clock });
  // Where money is real nothing is made up, whatever else runs on this machine.
  const sandbox = livemode ? null : parts.sandbox;
  const traffic = sandbox && sandboxTraffic({ charges, clock, random, newId, providers: sandbox.processors });
  const demonstration =
    sandbox && traffic ? consoleSandboxRoutes({ control: sandboxControl(sandbox.controlUrl, sandbox.processors), traffic }) : [];
  return {
    sessions,
    pages: consolePages(join(import.meta.dirname, "console/dist")),
    routes: [
      ...stream.routes,
      ...demonstration,
      ...consoleSessionRoutes({ sessions, clock, livemode, sandbox: sandbox !== null, loopback }),
    ],
    stop() {
      traffic?.stop();
      stream.closeAll();
      return changes.stop();
    },
  };
}
