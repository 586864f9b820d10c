import { timingSafeEqual } from "node:crypto";
import type { Clock } from "../../providers/contract/clock.ts";
import { type ApiKey, hashKey } from "../store/api-keys.ts";
import type { Principal } from "./route.ts";

/** A revoked key stops within this time on every instance. */
const TRUST_MS = 5_000;
/** Keys remembered, known and unknown ones; the oldest goes. */
const MAX_REMEMBERED = 10_000;

export interface Authenticator {
  authenticate(key: string): Promise<Principal | null>;
  /** On this instance a key that was revoked here stops at once. */
  forget(keyId: string): void;
}

/**
 * Finds keys by their hash and remembers the answer shortly, so that a charge costs no extra query. Requests that come
 * together with the same key share one query.
 */
export function createAuthenticator(deps: {
  findKey(hash: Buffer): Promise<ApiKey | null>;
  /** ADMIN_KEY, and the account that it works in. */
  adminKey: { key: string; accountId: string } | null;
  clock: Pick<Clock, "monotonic">;
}): Authenticator {
  const remembered = new Map<string, { answer: Promise<Principal | null>; keyId: string | null; untilMs: number }>();
  const adminHash = deps.adminKey === null ? null : hashKey(deps.adminKey.key);

  function look(hash: Buffer, name: string): Promise<Principal | null> {
    const entry = {
      answer: deps.findKey(hash).then(toPrincipal),
      keyId: null as string | null,
      untilMs: deps.clock.monotonic() + TRUST_MS,
    };
    entry.answer.then(
      (principal) => (entry.keyId = principal?.keyId ?? null),
      () => remembered.get(name) === entry && remembered.delete(name),
    );
    remembered.delete(name);
    remembered.set(name, entry);
    if (remembered.size > MAX_REMEMBERED) for (const oldest of remembered.keys()) if (remembered.delete(oldest)) break;
    return entry.answer;
  }

  return {
    async authenticate(key) {
      const hash = hashKey(key);
      if (adminHash !== null && deps.adminKey !== null && timingSafeEqual(hash, adminHash)) {
        return { accountId: deps.adminKey.accountId, keyId: "ADMIN_KEY", role: "admin", actor: "key:ADMIN_KEY" };
      }
      const name = hash.toString("base64");
      const known = remembered.get(name);
      return known !== undefined && known.untilMs > deps.clock.monotonic() ? known.answer : look(hash, name);
    },
    forget(keyId) {
      // Also what is not known to be another's: a look that is under way may have found the key before it was revoked.
      for (const [name, entry] of remembered) if (entry.keyId === keyId || entry.keyId === null) remembered.delete(name);
    },
  };
}

function toPrincipal(key: ApiKey | null): Principal | null {
  return key === null ? null : { accountId: key.accountId, keyId: key.id, role: key.role, actor: `key:${key.id}` };
}
