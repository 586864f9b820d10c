import { createHmac, hash, timingSafeEqual } from "node:crypto";
import type { Clock } from "../../providers/contract/clock.ts";
import { Problem } from "../problems.ts";
import { deleteSession, findSession, insertSession, type SessionRow } from "../store/console-sessions.ts";
import type { Database } from "../store/database.ts";
import type { Authenticator } from "./authenticate.ts";
import type { Method, Principal } from "./route.ts";

/** A working day and its overtime. Absolute: using a session does not lengthen it. */
export const SESSION_MS = 12 * 3_600_000;
/** A session that was ended on another instance, by sign-out or with its key, stops here within this time. */
const TRUST_MS = 5_000;
const MAX_REMEMBERED = 1_000;
const TOKEN = /^[\w-]{43}$/;

export const SESSION_COOKIE = "switchyard_session";

export interface Session {
  readonly principal: Principal;
  /** Of the key: for people. */
  readonly name: string;
  readonly csrf: string;
  readonly expiresAt: Date;
}

/** What of a request says that a page of ours sent it. */
export interface Provenance {
  readonly method: Method;
  header(name: string): string | undefined;
}

export interface ConsoleSessions {
  /** null: nobody has this key. `token` goes into the cookie and is kept nowhere. */
  open(key: string): Promise<{ session: Session; token: string } | null>;
  /** null: there is no such session, or it is over. */
  find(token: string): Promise<Session | null>;
  /** The session, of a request that comes from our own page. Throws `unauthorized`, `csrf_token_invalid`. */
  admit(token: string, request: Provenance): Promise<Session>;
  end(token: string): Promise<void>;
  /** On this instance the sessions of a key that was revoked here stop at once. */
  forget(keyId: string): void;
}

export interface SessionDeps {
  readonly db: Pick<Database, "query">;
  readonly clock: Pick<Clock, "now" | "monotonic">;
  /** Cryptographic. */
  readonly randomBytes: (size: number) => Buffer;
  readonly authenticator: Pick<Authenticator, "authenticate">;
  readonly adminKey: string | null;
}

export function createConsoleSessions(deps: SessionDeps): ConsoleSessions {
  const { db, clock, adminKey } = deps;
  const remembered = new Map<string, { answer: Promise<Session | null>; keyId: string | null; untilMs: number }>();
  const plain = (token: string) => hash("sha256", token, "buffer");
  const keyed = (token: string, key: string) => createHmac("sha256", key).update(`session ${token}`).digest();
  const hashesOf = (token: string) => (adminKey === null ? [plain(token)] : [plain(token), keyed(token, adminKey)]);

  async function look(token: string): Promise<Session | null> {
    const row = await findSession(db, { hashes: hashesOf(token), now: new Date(clock.now()) });
    return row && toSession(row, token);
  }

  async function find(token: string): Promise<Session | null> {
    if (!TOKEN.test(token)) return null;
    const name = plain(token).toString("base64");
    let entry = remembered.get(name);
    if (entry === undefined || entry.untilMs <= clock.monotonic()) {
      const made = { answer: look(token), keyId: null as string | null, untilMs: clock.monotonic() + TRUST_MS };
      made.answer.then(
        (session) => (made.keyId = session?.principal.keyId ?? null),
        () => remembered.get(name) === made && remembered.delete(name),
      );
      remembered.delete(name);
      remembered.set(name, made);
      if (remembered.size > MAX_REMEMBERED) for (const oldest of remembered.keys()) if (remembered.delete(oldest)) break;
      entry = made;
    }
    const session = await entry.answer;
    return session && session.expiresAt.getTime() > clock.now() ? session : null;
  }

  return {
    find,
    async open(key) {
      const principal = await deps.authenticator.authenticate(key);
      if (principal === null) return null;
      const token = deps.randomBytes(32).toString("base64url");
      const byAdminKey = adminKey !== null && principal.keyId === "ADMIN_KEY";
      const now = clock.now();
      const row = await insertSession(db, {
        tokenHash: byAdminKey ? keyed(token, adminKey) : plain(token),
        accountId: principal.accountId,
        keyId: byAdminKey ? null : principal.keyId,
        actor: throughConsole(principal.keyId),
        now: new Date(now),
        expiresAt: new Date(now + SESSION_MS),
      });
      return row && { session: toSession(row, token), token };
    },
    async admit(token, request) {
      const session = await find(token);
      if (session === null) throw new Problem("unauthorized", "The session is over: sign in again.");
      if (request.method !== "get") {
        assertOurPage(request);
        if (!sameText(request.header("x-csrf-token") ?? "", session.csrf))
          throw new Problem("csrf_token_invalid", "Send X-CSRF-Token with the token that GET /console/session tells.");
      }
      return session;
    },
    async end(token) {
      const session = await find(token);
      remembered.delete(plain(token).toString("base64"));
      if (session === null) return;
      const { actor } = session.principal;
      await deleteSession(db, { hashes: hashesOf(token), actor, now: new Date(clock.now()) });
      // A look that was under way remembered it again.
      remembered.delete(plain(token).toString("base64"));
    },
    forget(keyId) {
      // As the authenticator does: a look that is under way may have found the key before it was revoked.
      for (const [name, entry] of remembered) if (entry.keyId === keyId || entry.keyId === null) remembered.delete(name);
    },
  };
}

/** The key's name in the trail, with the way that it came. */
function throughConsole(keyId: string): string {
  return `key:${keyId}/console`;
}

function toSession(row: SessionRow, token: string): Session {
  const keyId = row.key_id ?? "ADMIN_KEY";
  return {
    principal: { accountId: row.account_id, keyId, role: row.role ?? "admin", actor: throughConsole(keyId) },
    name: row.name ?? "ADMIN_KEY",
    // Made from the token and of no use to make it again; so nothing more has to be kept.
    csrf: createHmac("sha256", token).update("csrf").digest("base64url"),
    expiresAt: row.expires_at,
  };
}

/** The value of our cookie, or null. */
export function sessionCookie(header: string | undefined): string | null {
  const [, token] = /(?:^|;) *switchyard_session=([^;]*)/.exec(header ?? "") ?? [];
  return token ?? null;
}

/**
 * The browser's own word, which a page cannot set: Sec-Fetch-Site where it is sent (also right behind a proxy that changes
 * Host), else Origin. A client that sends neither is no browser, and carries no cookie of somebody else.
 */
export function assertOurPage(request: Pick<Provenance, "header">): void {
  const site = request.header("sec-fetch-site");
  const origin = request.header("origin");
  const ours = site === undefined ? origin === undefined || hostOf(origin) === request.header("host") : site === "same-origin";
  if (!ours) throw new Problem("csrf_token_invalid", "This was sent by a page of another origin.");
}

function hostOf(origin: string): string | null {
  return URL.parse(origin)?.host ?? null;
}

function sameText(given: string, expected: string): boolean {
  const [a, b] = [hash("sha256", given, "buffer"), hash("sha256", expected, "buffer")];
  return timingSafeEqual(a, b);
}
