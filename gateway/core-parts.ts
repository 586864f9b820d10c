import type { Clock, Random } from "../providers/contract/clock.ts";
import type { Provider } from "../providers/contract/provider.ts";
import type { Core, CoreLog, CoreSettings } from "./charges/core.ts";
import type { Fleet } from "./health/fleet.ts";
import { idSource } from "./ids.ts";
import { acceptCharges } from "./store/accept-charges.ts";
import { hintCharge } from "./store/claim-charges.ts";
import { hintAttempt } from "./store/closed-attempts.ts";
import { type Database, DatabaseAmbiguous, DatabaseUnavailable } from "./store/database.ts";
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
      const note = async (): Promise<void> => {
        await hintAttempt(db, attemptId, LONG_DUE);
        await hintCharge(db, chargeId, new Date(clock.now()));
      };
      untilAnswered(clock, note).catch((error: unknown) =>
        log.error({ charge: chargeId, attempt: attemptId, err: error }, "late evidence could not be noted"),
      );
    },
  };
}

/** Due on every instance, also when the clock of the one that heard it is wrong. */
const LONG_DUE = new Date(0);
const NOTE_AGAIN_MS = 1_000;
const NOTE_WITHIN_MS = 600_000;

/** For what may be written twice, and must not be forgotten. Throws what the database last said. */
async function untilAnswered(clock: Clock, write: () => Promise<void>): Promise<void> {
  const until = clock.monotonic() + NOTE_WITHIN_MS;
  for (;;) {
    try {
      return await write();
    } catch (error) {
      const mayComeBack = error instanceof DatabaseUnavailable || error instanceof DatabaseAmbiguous;
      if (!mayComeBack || clock.monotonic() > until) throw error;
      await clock.sleep(NOTE_AGAIN_MS);
    }
  }
}
