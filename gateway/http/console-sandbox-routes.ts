import { z } from "zod";
import { SANDBOX_FAULTS, type SandboxControl, type SandboxFault, SandboxGone } from "../local/sandbox-control.ts";
import { MAX_PER_SECOND, type Traffic } from "../local/sandbox-traffic.ts";
import { Problem } from "../problems.ts";
import { type Route, route } from "./route.ts";

export interface SandboxRouteDeps {
  readonly control: SandboxControl;
  readonly traffic: Traffic;
}

const FAULTS = Object.keys(SANDBOX_FAULTS) as [SandboxFault, ...SandboxFault[]];
const faultWords = z.object({ kind: z.enum(FAULTS), title: z.string(), words: z.string() });
const sandboxSchema = z.object({
  processors: z.array(z.object({ provider: z.string(), fault: faultWords.nullable() })),
  traffic: z.object({
    per_second: z.int(),
    running: z.boolean(),
    until: z.iso.datetime().nullable(),
    by_status: z.record(z.string(), z.int()),
  }),
  faults: z.array(faultWords),
});

/** Only while simulated processors run beside the gateway, and no money is real. */
export function consoleSandboxRoutes(deps: SandboxRouteDeps): Route[] {
  const { control, traffic } = deps;
  const shared = { internal: true, roles: ["ops"] as const, problems: ["not_found"] as const };
  const responses = { 200: { description: "The sandbox as it is", schema: sandboxSchema } };
  const now = async () => ({ status: 200, body: await reachable(() => sandboxJson(deps)) });
  return [
    route({
      ...shared,
      method: "get",
      path: "/console/sandbox",
      summary: "The simulated processors and the traffic",
      responses,
      handler: now,
    }),
    route({
      ...shared,
      method: "put",
      path: "/console/sandbox/processors/{provider}",
      summary: "Break a simulated processor, or mend it",
      params: z.object({ provider: z.string().max(64) }),
      body: z.strictObject({ fault: z.enum(FAULTS, `must be null, or one of: ${FAULTS.join(", ")}`).nullable() }),
      example: { fault: "down" },
      responses,
      async handler({ params, body }) {
        if (!control.has(params.provider)) throw new Problem("not_found", "There is no such simulated processor.");
        await reachable(() => control.set(params.provider, body.fault));
        return now();
      },
    }),
    route({
      ...shared,
      method: "put",
      path: "/console/sandbox/traffic",
      summary: "Start or stop demonstration charges",
      body: z.strictObject({ per_second: z.int().min(0).max(MAX_PER_SECOND) }),
      example: { per_second: 5 },
      responses,
      async handler({ principal, body }) {
        traffic.set(body.per_second, { accountId: principal.accountId, actor: principal.actor });
        return now();
      },
    }),
  ];
}

async function reachable<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof SandboxGone) throw new Problem("not_found", "The simulated processors do not run any more. Restart the gateway.");
    throw error;
  }
}

async function sandboxJson({ control, traffic }: SandboxRouteDeps): Promise<z.input<typeof sandboxSchema>> {
  const { perSecond, untilMs, byStatus } = traffic.state();
  const processors = await control.faults();
  return {
    processors: processors.map(({ provider, fault }) => ({ provider, fault: fault && inWords(fault) })),
    traffic: {
      per_second: perSecond,
      running: untilMs !== null,
      until: untilMs === null ? null : new Date(untilMs).toISOString(),
      by_status: byStatus,
    },
    faults: FAULTS.map(inWords),
  };
}

function inWords(kind: SandboxFault): z.output<typeof faultWords> {
  return { kind, ...SANDBOX_FAULTS[kind] };
}
