import type { Clock, Random } from "../providers/contract/clock.ts";
import { idSource } from "./ids.ts";
import { ensureKey, type KeyRole } from "./store/api-keys.ts";
import { DEFAULT_ACCOUNT } from "./store/append-event.ts";
import type { Database } from "./store/database.ts";
import { durabilityFault, ensureInstallation, type Installation } from "./store/installation.ts";

/** This database must not be used: another mode, another account, or one that forgets what was acknowledged. */
export class RefusesToStart extends Error {
  override readonly name = "RefusesToStart";
}

/** Of a local start; kept hashed. */
export type ReadyMadeKeys = Readonly<Partial<Record<KeyRole, string>>>;

/** Law 7 and law 12, before anything else. Throws RefusesToStart. */
export async function admit(
  db: Database,
  by: { livemode: boolean; readyMadeKeys: ReadyMadeKeys; clock: Clock; random: Random },
): Promise<Installation> {
  const { livemode, readyMadeKeys, clock, random } = by;
  const fault = await durabilityFault(db);
  if (fault) throw new RefusesToStart(fault);
  const now = new Date(clock.now());
  const newId = idSource(clock, random);
  const installation = await ensureInstallation(db, { id: newId("in"), livemode, now });
  if (installation.livemode !== livemode) {
    const word = (live: boolean) => (live ? "live" : "test");
    throw new RefusesToStart(`this database holds ${word(installation.livemode)} charges, and the providers are in ${word(livemode)} mode`);
  }
  for (const [role, key] of Object.entries(readyMadeKeys)) {
    const made = {
      accountId: DEFAULT_ACCOUNT,
      actor: "system:local",
      id: `key_local_${role}`,
      name: `local ${role}`,
      role: role as KeyRole,
      key,
      now,
    };
    await ensureKey(db, made);
  }
  return installation;
}
