import type { ProviderMoment } from "../store/provider-history.ts";

/** A time in which a provider was not simply in use. */
export interface ProviderBand {
  readonly provider: string;
  /** `open`: its breaker; until it closes again, half-open times included. Else what an operator forced. */
  readonly state: "open" | "down" | "drain" | "only" | "up";
  readonly from: Date;
  /** null: it goes on. */
  readonly to: Date | null;
  readonly reason: string | null;
}

/**
 * The bands of a history in order, cut to from <= t < to. Those that had ended before are left out. `closedSince`: of each gate that is
 * closed here now. Whoever forgot an open one, being restarted without a store or with an empty one, has recorded no end of it.
 */
export function bandsOf(
  history: readonly ProviderMoment[],
  range: { from: Date; to: Date },
  closedSince: ReadonlyMap<string, Date>,
): ProviderBand[] {
  const open = new Map<string, Omit<ProviderBand, "to"> & { readonly expiresAt: Date | null }>();
  const bands: ProviderBand[] = [];
  function end(key: string, at: Date | null): void {
    const band = open.get(key);
    if (band === undefined) return;
    open.delete(key);
    const { expiresAt, ...told } = band;
    const expired = expiresAt !== null && (at ?? range.to) >= expiresAt;
    const to = expired ? expiresAt : at;
    if (to === null || to > range.from) bands.push({ ...told, from: told.from < range.from ? range.from : told.from, to });
  }
  for (const { provider, at, type, data } of history) {
    const kind = type.startsWith("provider.") ? "gate" : "override";
    const key = `${kind} ${provider}`;
    // A gate that opens again while it is half-open is still the same time of trouble.
    if (type === "provider.opened" && open.has(key)) continue;
    end(key, at);
    const reason = typeof data.reason === "string" ? data.reason : null;
    if (type === "provider.opened") open.set(key, { provider, state: "open", from: at, reason, expiresAt: null });
    if (type === "override.set") {
      const expiresAt = typeof data.expires_at === "string" ? new Date(data.expires_at) : null;
      open.set(key, { provider, state: data.mode as ProviderBand["state"], from: at, reason, expiresAt });
    }
  }
  for (const [key, { provider, state, from }] of [...open]) {
    const closed = state === "open" ? closedSince.get(provider) : undefined;
    end(key, closed && closed >= from && closed < range.to ? closed : null);
  }
  return bands.sort((a, b) => a.from.getTime() - b.from.getTime());
}
