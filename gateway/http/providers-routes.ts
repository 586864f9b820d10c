import { z } from "zod";
import type { Clock } from "../../providers/contract/clock.ts";
import type { Fleet } from "../health/fleet.ts";
import type { OverrideWatcher } from "../health/overrides.ts";
import type { ProviderStatus } from "../health/provider-status.ts";
import { Problem } from "../problems.ts";
import type { OverrideChange } from "../store/overrides.ts";
import { type Principal, type Route, route } from "./route.ts";

/** A reason is for people: a sentence or two, and never an empty one. */
const MAX_REASON = 500;
/** An override that should stay longer is set without an end, or belongs into the configuration. */
const MAX_EXPIRY_S = 30 * 24 * 3_600;

const time = z.iso.datetime();
const share = z.number().min(0).max(1);
const latency = z.number().nullable();

const OverrideBody = z.strictObject({
  mode: z.enum(["down", "drain", "only", "up"]).meta({
    description:
      "`down`: lookups and fences only. `drain`: no new attempts, existing operations go on. " +
      "`only`: the others get no new attempts (several `only`: all of them). `up`: the health gate is ignored.",
  }),
  reason: z.string().trim().min(1).max(MAX_REASON).meta({ description: "Why: shown with the provider and kept in the audit trail." }),
  expires_in: z.int().min(1).max(MAX_EXPIRY_S).optional().meta({ description: "Seconds. Without it: until it is removed." }),
});

const OverrideSchema = z.object({
  mode: z.string(),
  reason: z.string(),
  actor: z.string(),
  created_at: time,
  expires_at: time.nullable(),
});

const ProviderSchema = z
  .object({
    id: z.string(),
    object: z.literal("provider"),
    health: z.enum(["up", "testing", "unavailable"]).meta({ description: "`testing`: only a few attempts pass, as probes." }),
    reason: z.string().nullable().meta({ description: "What stands against new attempts; null: nothing." }),
    verified: z.boolean().meta({ description: "The account behind the credentials was checked at the provider." }),
    breaker: z.object({
      state: z.enum(["closed", "open", "half_open"]),
      scope: z.enum(["fleet", "instance"]).meta({
        description:
          "`fleet`: what all instances found together. `instance`: the one that answers finds it ill, and it alone: look at its network.",
      }),
      reason: z.string().nullable().meta({ description: "What opened it; null while closed." }),
      since: time,
      open_until: time.nullable(),
      trips: z.int().meta({ description: "Openings that are not forgotten yet; each doubles the next one." }),
      fault_rate: share.nullable(),
      weight: share.meta({ description: "The share of its traffic that it gets, after it came back." }),
    }),
    approval: z.object({ rate: share, outcomes: z.number().meta({ description: "Issuers' answers behind it, recent ones count more." }) }),
    latency_ms: z.object({ p50: latency, p95: latency, p99: latency }).meta({ description: "Of single calls, the last 5 minutes." }),
    share: share.nullable().meta({ description: "Of the recent attempts; null when there were none." }),
    in_flight: z.int(),
    override: OverrideSchema.nullable(),
  })
  .meta({ id: "Provider", description: "A provider as the instance that answers sees it." });

const Params = z.object({ id: z.string().min(1).max(100) });

export function providersRoutes(parts: { fleet: Fleet; overrides: OverrideWatcher; clock: Pick<Clock, "now"> }): Route[] {
  const { fleet, overrides, clock } = parts;

  function one(id: string): ProviderStatus {
    const status = fleet.status().find(({ provider }) => provider === id);
    if (!status) throw new Problem("not_found", "There is no such provider.");
    return status;
  }

  function by({ accountId, actor }: Principal): OverrideChange {
    return { accountId, actor, now: new Date(clock.now()) };
  }

  return [
    route({
      method: "get",
      path: "/v1/providers",
      roles: ["finance", "ops"],
      summary: "The providers: health, approval, latency, override",
      description: "As the instance that answers sees them; the breaker's `scope` says what all instances share.",
      responses: {
        200: { description: "In configured order", schema: z.object({ object: z.literal("list"), data: z.array(ProviderSchema) }) },
      },
      problems: [],
      handler: async () => ({ status: 200, body: { object: "list", data: fleet.status().map(present) } }),
    }),
    route({
      method: "put",
      path: "/v1/providers/{id}/override",
      roles: ["ops"],
      summary: "Force a decision about a provider",
      description: "Replaces the provider's override. In force on every instance within a second, and kept through restarts.",
      params: Params,
      body: OverrideBody,
      example: { mode: "drain", reason: "incident 4711", expires_in: 3600 },
      responses: { 200: { description: "The provider, with the override in force", schema: ProviderSchema } },
      problems: ["not_found"],
      async handler(request) {
        const { id } = request.params;
        one(id);
        const { mode, reason, expires_in } = request.body;
        const author = by(request.principal);
        const expiresAt = expires_in === undefined ? null : new Date(author.now.getTime() + expires_in * 1_000);
        await overrides.set({ provider: id, mode, reason, expiresAt }, author);
        return { status: 200, body: present(one(id)) };
      },
    }),
    route({
      method: "delete",
      path: "/v1/providers/{id}/override",
      roles: ["ops"],
      summary: "Remove a provider's override",
      description: "Also answers 200 when there was none.",
      params: Params,
      responses: { 200: { description: "The provider, without an override", schema: ProviderSchema } },
      problems: ["not_found"],
      async handler(request) {
        const { id } = request.params;
        one(id);
        await overrides.remove(id, by(request.principal));
        return { status: 200, body: present(one(id)) };
      },
    }),
  ];
}

function present(status: ProviderStatus): z.input<typeof ProviderSchema> {
  const { circuit, override, approval } = status;
  return {
    id: status.provider,
    object: "provider",
    health: status.health,
    reason: status.why,
    verified: status.verified,
    breaker: {
      state: circuit.state,
      scope: circuit.alone ? "instance" : "fleet",
      reason: circuit.reason,
      since: iso(circuit.since),
      open_until: circuit.openUntil === null ? null : iso(circuit.openUntil),
      trips: circuit.trips,
      fault_rate: circuit.faultRate === null ? null : rounded(circuit.faultRate),
      weight: rounded(circuit.weight),
    },
    approval: { rate: rounded(approval.rate), outcomes: rounded(approval.outcomes) },
    latency_ms: { p50: whole(status.latencyMs.p50), p95: whole(status.latencyMs.p95), p99: whole(status.latencyMs.p99) },
    share: status.share === null ? null : rounded(status.share),
    in_flight: status.inFlight,
    override: override && {
      mode: override.mode,
      reason: override.reason,
      actor: override.actor,
      created_at: override.createdAt.toISOString(),
      expires_at: override.expiresAt?.toISOString() ?? null,
    },
  };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

function rounded(value: number): number {
  return Math.round(value * 1e4) / 1e4;
}

function whole(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms);
}
