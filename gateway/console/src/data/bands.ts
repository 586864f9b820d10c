import type { Range } from "./time-range.ts";
import { type Loaded, useApi } from "./use-api.ts";

/** A time in which a breaker or a person decided about a provider: `/v1/routing/bands`. */
export interface Band {
  readonly provider: string;
  /** `open`: until the breaker closed; when it was half open the trail does not tell. */
  readonly state: "open" | "down" | "drain" | "only" | "up";
  readonly from: string;
  /** null: it lasts. */
  readonly to: string | null;
  readonly reason: string | null;
}

export const BAND_WORDS: Readonly<Record<Band["state"], string>> = {
  open: "breaker open or half open",
  down: "taken out",
  drain: "drained",
  only: "only this one",
  up: "forced up",
};

/** For finance and ops. */
export function useBands({ from, to }: Range): Loaded<{ readonly data: readonly Band[] }> {
  const query = new URLSearchParams({ from: from.toISOString(), to: to.toISOString() });
  return useApi(`/v1/routing/bands?${query}`, { topics: ["providers", "stats"] });
}
