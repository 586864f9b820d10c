import { z } from "zod";
import type { ApprovalCounts } from "../../routing/approval.ts";
import { type Gate, LONGEST_OPENING_MS, later } from "../../routing/health-gate.ts";
import type { Presence } from "../../routing/presence.ts";

const time = z.number().nonnegative();
const whole = z.int().nonnegative();
const common = { generation: whole, trips: whole, since: time };
const decaying = z.object({ value: time, at: time });

/** What a store holds under our names may be anything: nothing is believed unseen. */
const GATE: z.ZodType<Gate> = z.discriminatedUnion("state", [
  z.object({
    ...common,
    state: z.literal("closed"),
    sum: time,
    faultsInARow: whole,
    attempts: decaying,
    faults: decaying,
    witnesses: z.record(z.string(), z.object({ okAt: time.nullable(), faultAt: time.nullable(), failingSince: time.nullable() })),
    rampFrom: time.nullable(),
  }),
  z.object({ ...common, state: z.literal("open"), openUntil: time, reason: z.string(), readFailedAt: time.nullable() }),
  z.object({
    ...common,
    state: z.literal("half_open"),
    passed: whole,
    running: z.array(z.object({ id: z.string(), until: time })).max(100),
    reason: z.string(),
  }),
]);

/** Clocks of two machines differ a little. */
const AHEAD_MS = 10_000;

/** The store's gate, or ours where the store went back in time; null: nothing that could be a gate now. */
export function takeGate(value: unknown, ours: Gate, now: number, reset: boolean): Gate | null {
  const { data: gate } = GATE.safeParse(value);
  if (!gate || gate.since > now + AHEAD_MS) return null;
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

/** Counts as a store may hold them; null: damaged. */
export function takeCounts(value: unknown): ApprovalCounts | null {
  return COUNTS.safeParse(value).data ?? null;
}

/** A fleet is not larger; and more would not fit a document. */
const MAX_INSTANCES = 200;
const PRESENCE = z.record(z.string(), z.number()).refine((presence) => Object.keys(presence).length <= MAX_INSTANCES);

export function takePresence(value: unknown): Presence | null {
  return PRESENCE.safeParse(value).data ?? null;
}
