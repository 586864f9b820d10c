import type { KeyClaims } from "../idempotency/key-claims.ts";
import { Problem } from "../problems.ts";
import { reopenDeadLetter } from "../store/dead-letters.ts";
import { createCharge } from "./accept.ts";
import { cancelCharge } from "./cancel.ts";
import { captureCharge } from "./capture.ts";
import type { ChargeStatus } from "./charge.ts";
import type { Core } from "./core.ts";
import { createRefund } from "./refund.ts";
import type { ChargeService } from "./service.ts";
import { settleCharge } from "./settle.ts";

/** More requests at once than this would wait longer for the providers than their budget allows. */
const MAX_IN_FLIGHT = 2_000;

/** The money core as the HTTP layer sees it. */
export function createChargeService(
  core: Core,
  claims: KeyClaims,
  hooks: {
    /** False while this instance is being stopped: what is under way ends, nothing new begins. */
    accepting: () => boolean;
    countCharge: (status: ChargeStatus) => void;
  },
): ChargeService & { inFlight(): number; idle(): Promise<void> } {
  const running = new Set<Promise<unknown>>();

  /** Every request runs to its end, whether its caller still listens or not. */
  function track<T>(work: () => Promise<T>): Promise<T> {
    if (running.size >= MAX_IN_FLIGHT) {
      const detail = `This instance has ${MAX_IN_FLIGHT} requests in flight. Repeat with the same key.`;
      throw new Problem("too_many_requests", detail, { retryAfterS: 1 });
    }
    const promise = work().finally(() => running.delete(promise));
    running.add(promise);
    return promise;
  }

  function assertFit(): void {
    if (core.maySend() && hooks.accepting()) return;
    const detail = "This instance is stopping, or its clock is off. Repeat with the same key at another one.";
    throw new Problem("not_ready", detail, { retryAfterS: 1 });
  }

  return {
    async create(input) {
      assertFit();
      const answer = await track(() => createCharge(core, claims, input));
      if (!answer.replayed) hooks.countCharge(answer.charge.status);
      return answer;
    },
    async capture(input) {
      assertFit();
      return track(() => captureCharge(core, input));
    },
    async cancel(input) {
      assertFit();
      return track(() => cancelCharge(core, input));
    },
    async resolve(input) {
      assertFit();
      return track(() => settleCharge(core, input));
    },
    async refund(input) {
      assertFit();
      return track(() => createRefund(core, claims, input));
    },
    async replayDeadLetter(input) {
      const letter = await reopenDeadLetter(core.db, { ...input, now: new Date(core.clock.now()) });
      if (!letter.found) throw new Problem("not_found", "There is no dead letter with this id.");
      if (!letter.wasOpen) throw new Problem("dead_letter_closed", "It was replayed or settled before.");
    },
    inFlight: () => running.size,
    async idle() {
      while (running.size > 0) await Promise.allSettled(running);
    },
  };
}
