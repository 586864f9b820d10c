import type { Clock, Random } from "../providers/contract/clock.ts";
import type { Provider } from "../providers/contract/provider.ts";
import type { Core, CoreLog, CoreSettings } from "./charges/core.ts";
import type { Fleet } from "./health/fleet.ts";
import { idSource } from "./ids.ts";
import { acceptCharges } from "./store/accept-charges.ts";
import { hintCharge } from "./store/claim-charges.ts";
import { hintAttempt } from "./store/closed-attempts.ts";
import type { Database } from "./store/database.ts";
import { groupCommit } from "./store/group-commit.ts";
import { writeTransitions } from "./store/write-transitions.ts";

/** Puts the money core on its seams: production and the simulator differ in what they pass, not in what runs. */
export function assembleCore(parts: {
  db: Database;
  clock: Clock;
  random: Random;
  providers: readonly Provider[];
  accountOf: (providerId: string) => string | null;
  fleet: Fleet;
  maySend: () => boolean;
  settings: CoreSettings;
  log: CoreLog;
}): Core {
  const { db, clock, log } = parts;
  return {
    ...parts,
    newId: idSource(clock, parts.random),
    providers: new Map(parts.providers.map((provider) => [provider.id, provider])),
    accept: groupCommit((charges) => acceptCharges(db, charges)),
    write: groupCommit((transitions) => writeTransitions(db, transitions)),
    hint(chargeId, attemptId) {
      const now = new Date(clock.now());
      Promise.all([hintCharge(db, chargeId, now), hintAttempt(db, attemptId, now)]).catch((error: unknown) =>
        log.warn({ charge: chargeId, attempt: attemptId, err: error }, "late evidence could not be noted"),
      );
    },
  };
}
