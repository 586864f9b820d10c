import type { Queue } from "./queue.ts";
import { type Loaded, useApi } from "./use-api.ts";

/** For finance and ops. */
export function useQueue(allowed = true): Loaded<Queue> {
  return useApi(allowed ? "/v1/routing/queue" : null, { topics: ["queue"] });
}
