import type { Clock } from "../../providers/contract/clock.ts";
import type { ChangeWatch, Topic } from "../change-watch.ts";
import { Problem } from "../problems.ts";
import { type ConsoleSessions, sessionCookie } from "./console-sessions.ts";
import { type OpenAnswer, type Route, route } from "./route.ts";

/** Open streams of this instance, and of one session: a person has a few tabs. */
const MAX_STREAMS = 200;
const MAX_PER_SESSION = 10;
/** At most one message in this time: a page reads again what each concerns. A provider's own change does not wait. */
const MIN_GAP_MS = 1_000;
/** So that proxies keep the connection, and we notice that it is gone. */
const COMMENT_MS = 15_000;
const CHECK_SESSION_MS = 1_000;
/** A browser that lost us comes back after this time. */
const RETRY_MS = 2_000;

export interface StreamRouteDeps {
  readonly sessions: Pick<ConsoleSessions, "admit" | "find">;
  readonly changes: Pick<ChangeWatch, "listen">;
  readonly clock: Pick<Clock, "after" | "monotonic">;
}

/** The route, and how to end all of its streams: an instance that stops does not wait for them. */
export function consoleStreamRoutes(deps: StreamRouteDeps): { routes: Route[]; closeAll(): void } {
  const open = new Map<OpenAnswer, string>();
  let over = false;

  function hasRoom(token: string): boolean {
    const mine = [...open.values()].filter((of) => of === token).length;
    return open.size < MAX_STREAMS && mine < MAX_PER_SESSION;
  }

  const stream = route({
    method: "get",
    path: "/console/stream",
    internal: true,
    roles: "public",
    summary: "What has changed, as server-sent events",
    responses: { 200: { description: "Events until the session ends", contentTypes: ["text/event-stream"] } },
    problems: ["unauthorized", "too_many_requests"],
    async handler(request) {
      const token = sessionCookie(request.header("cookie")) ?? "";
      const session = await deps.sessions.admit(token, request);
      if (!hasRoom(token)) throw new Problem("too_many_requests", "Too many streams are open. Close a tab.", { retryAfterS: 10 });
      return {
        status: 200,
        stream: {
          type: "text/event-stream; charset=utf-8",
          open(out) {
            // Others that waited for the same session were let in at the same moment; or all streams were ended meanwhile.
            if (over || !hasRoom(token)) return out.close();
            open.set(out, token);
            const end = begin(deps, { token, accountId: session.principal.accountId }, out);
            out.onClose(() => {
              open.delete(out);
              end();
            });
          },
        },
      };
    },
  });
  return {
    routes: [stream],
    closeAll() {
      over = true;
      for (const out of open.keys()) out.close();
    },
  };
}

/** Writes to `out` until the session is over. Answers how to end it. */
function begin({ sessions, changes, clock }: StreamRouteDeps, of: { token: string; accountId: string }, out: OpenAnswer): () => void {
  let seq = 0;
  let sentMs = Number.NEGATIVE_INFINITY;
  const pending = new Set<Topic>();
  const timers: Record<"flush" | "comment" | "check", (() => void) | null> = { flush: null, comment: null, check: null };

  function flush(): void {
    timers.flush?.();
    timers.flush = null;
    seq += 1;
    sentMs = clock.monotonic();
    out.write(`event: changed\ndata: ${JSON.stringify({ topics: [...pending], seq })}\n\n`);
    pending.clear();
  }

  function changed(topics: readonly Topic[]): void {
    for (const topic of topics) pending.add(topic);
    const urgent = topics.length === 1 && topics[0] === "providers";
    const waitMs = urgent ? 0 : sentMs + MIN_GAP_MS - clock.monotonic();
    if (waitMs <= 0) flush();
    else timers.flush ??= clock.after(waitMs, flush);
  }

  function comment(): void {
    out.write(": still here\n\n");
    timers.comment = clock.after(COMMENT_MS, comment);
  }

  async function check(): Promise<void> {
    // A database that does not answer ends nothing.
    const session = await sessions.find(of.token).catch(() => undefined);
    if (session === null) out.close();
    else if (timers.check !== null) timers.check = clock.after(CHECK_SESSION_MS, () => void check());
  }

  out.write(`retry: ${RETRY_MS}\nevent: hello\ndata: {}\n\n`);
  const unlisten = changes.listen(of.accountId, changed);
  timers.comment = clock.after(COMMENT_MS, comment);
  timers.check = clock.after(CHECK_SESSION_MS, () => void check());
  return () => {
    unlisten();
    for (const name of ["flush", "comment", "check"] as const) {
      timers[name]?.();
      timers[name] = null;
    }
  };
}
