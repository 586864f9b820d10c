import { send } from "../../data/api.ts";
import { type Loaded, useApi } from "../../data/use-api.ts";

export interface Fault {
  readonly kind: string;
  readonly title: string;
  readonly words: string;
}

export interface Traffic {
  readonly per_second: number;
  readonly running: boolean;
  /** When it stops by itself. */
  readonly until: string | null;
}

/** `/console/sandbox`: the simulated processors, and the traffic that the gateway makes for the demonstration. */
export interface Sandbox {
  readonly processors: readonly { readonly provider: string; readonly fault: Fault | null }[];
  readonly traffic: Traffic;
  readonly faults: readonly Fault[];
}

export function useSandbox(): Loaded<Sandbox> {
  return useApi("/console/sandbox", { topics: ["charges", "providers", "queue"] });
}

/** Both throw ApiProblem. */
export function setFault(provider: string, fault: string | null): Promise<unknown> {
  return send("PUT", `/console/sandbox/processors/${encodeURIComponent(provider)}`, { fault });
}

export function setTraffic(perSecond: number): Promise<unknown> {
  return send("PUT", "/console/sandbox/traffic", { per_second: perSecond });
}
