import type { Provider } from "./providers.ts";
import { type Loaded, useApi } from "./use-api.ts";

/** For finance and ops. `stats` beside `providers`: share and latency move with every charge. */
export function useProviders(allowed = true): Loaded<{ readonly data: readonly Provider[] }> {
  return useApi(allowed ? "/v1/providers" : null, { topics: ["providers", "stats"] });
}
