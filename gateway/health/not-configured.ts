import type { Candidate, Decision } from "../../routing/choose.ts";

/**
 * Adds the providers that a charge has a token for and that this instance does not know. Worth waiting for: another instance may
 * have them, or they come back; a charge does not fail because somebody changed a file.
 */
export function withNotConfigured(
  decision: Decision,
  query: { readonly providers: readonly string[]; readonly excluded: readonly string[] },
  isConfigured: (id: string) => boolean,
): Decision {
  const missing = query.providers.filter((id) => !isConfigured(id) && !query.excluded.includes(id));
  if (missing.length === 0) return decision;
  const candidates = missing.map(
    (provider): Candidate => ({
      provider,
      eligible: false,
      probe: false,
      score: null,
      propensity: 0,
      obstacle: { code: "not_configured", detail: null },
      unavailable: "for_now",
      facts: null,
    }),
  );
  return { ...decision, candidates: [...decision.candidates, ...candidates] };
}
