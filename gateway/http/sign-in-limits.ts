import type { Clock } from "../../providers/contract/clock.ts";
import { Problem } from "../problems.ts";

/** Failures of one address, and of all together, within a window. A person mistypes a pasted key twice, not ten times. */
const MAX_FAILURES = 10;
const MAX_FAILURES_OF_ALL = 300;
const WINDOW_MS = 60_000;
/** Addresses remembered; beyond it the limit of all together holds. */
const MAX_ADDRESSES = 1_000;

/** Counts the sign-ins that failed, per instance. An attempt counts from its begin, so that many at once are no way around. */
export function signInLimits(clock: Pick<Clock, "monotonic">) {
  let windows = new Map<string, number>();
  let all = 0;
  let endsMs = 0;

  return {
    /** Throws `too_many_sign_ins`; else answers what to call when it succeeded. */
    begin(address: string): () => void {
      const now = clock.monotonic();
      if (now >= endsMs) {
        windows = new Map();
        all = 0;
        endsMs = now + WINDOW_MS;
      }
      const name = networkOf(address);
      const failures = windows.get(name) ?? 0;
      if (failures >= MAX_FAILURES || all >= MAX_FAILURES_OF_ALL)
        throw new Problem("too_many_sign_ins", "Too many keys were refused. Wait a minute.", { retryAfterS: (endsMs - now) / 1_000 });
      const counted = windows;
      if (failures > 0 || counted.size < MAX_ADDRESSES) counted.set(name, failures + 1);
      all += 1;
      return () => {
        if (counted !== windows) return;
        all -= 1;
        const left = (counted.get(name) ?? 1) - 1;
        if (left > 0) counted.set(name, left);
        else counted.delete(name);
      };
    },
  };
}

/** Whoever has one IPv6 address has 2^64 of them. */
function networkOf(address: string): string {
  const plain = address.replace(/^::ffff:/, "");
  if (!plain.includes(":")) return plain;
  const [head = ""] = plain.split("::");
  return head.split(":").slice(0, 4).join(":");
}
