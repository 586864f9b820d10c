import { z } from "zod";
import type { ApprovalCounts } from "../../routing/approval.ts";
import { AHEAD_MS, type Gate, isAhead, LONGEST_OPENING_MS, later, PROBE_TOKENS } from "../../routing/health-gate.ts";
import { MAX_INSTANCES, type Presence } from "../../routing/presence.ts";
import { MAX_WITNESSES } from "../../routing/witnesses.ts";
import { INSTANCE_NAME } from "./document-value.ts";

const time = z.number().nonnegative();
const name = z.string().regex(INSTANCE_NAME);
/** Nobody counts so far, and one more is still a number. */
const whole = z.int().min(0).max(1e12);
const common = { generation: whole, trips: whole, since: time };
/** More attempts than a fleet makes in a half-life. */
const decaying = z.object({ value: time.max(1e7), at: time });
const reason = z.string().max(500);

/**
 * What a store holds under our names may be anything: nothing is believed unseen. All lengths are such that what is taken over can be
 * written again, with what we add: one document beyond the limits of a store would end the telling of all others.
 */
const GATE: z.ZodType<Gate> = z.discriminatedUnion("state", [
  z.object({
    ...common,
    state: z.literal("closed"),
    sum: time,
    faultsInARow: whole,
    attempts: decaying,
    faults: decaying,
    witnesses: z
      .record(name, z.object({ okAt: time.nullable(), faultAt: time.nullable(), failingSince: time.nullable() }))
      .refine((witnesses) => Object.keys(witnesses).length <= MAX_WITNESSES),
    rampFrom: time.nullable(),
  }),
  z.object({ ...common, state: z.literal("open"), openUntil: time, reason, readFailedAt: time.nullable() }),
  z.object({
    ...common,
    state: z.literal("half_open"),
    passed: whole.max(PROBE_TOKENS - 1),
    running: z.array(z.object({ id: name, until: time })).max(100),
    reason,
  }),
]);

/** The store's gate, or ours where the store went back in time; null: nothing that could be a gate now. */
export function takeGate(value: unknown, ours: Gate, now: number, reset: boolean): Gate | null {
  const { data: gate } = GATE.safeParse(value);
  if (!gate || isAhead(gate.since, now)) return null;
  if (gate.state === "closed" && (isAhead(gate.attempts.at, now) || isAhead(gate.faults.at, now))) return null;
  // Whatever it says: no provider is kept away for longer than an opening lasts.
  if (gate.state === "open" && gate.openUntil > now + LONGEST_OPENING_MS + AHEAD_MS) return null;
  return reset ? later(ours, gate) : gate;
}

/** More than any decay leaves. */
const MAX_OUTCOMES = 10_000;
const COUNTS = z.object({
  approved: z.number().min(0).max(MAX_OUTCOMES),
  declined: z.number().min(0).max(MAX_OUTCOMES),
  at: z.number().nonnegative(),
});

/** Counts as a store may hold them; null: damaged. From a time to come they would never fade. */
export function takeCounts(value: unknown, now: number): ApprovalCounts | null {
  const { data: counts } = COUNTS.safeParse(value);
  return counts ? { ...counts, at: Math.min(counts.at, now) } : null;
}

const PRESENCE = z.record(name, z.number()).refine((presence) => Object.keys(presence).length <= MAX_INSTANCES);

export function takePresence(value: unknown): Presence | null {
  return PRESENCE.safeParse(value).data ?? null;
}
