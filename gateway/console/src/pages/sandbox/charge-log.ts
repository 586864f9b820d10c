import { useEffect, useState } from "react";
import { useApi } from "../../data/use-api.ts";
import type { Charge } from "../charges/charge.ts";

/** The API's longest page: five seconds of the fastest traffic. */
const PAGE = 100;
const KEPT_MS = 150_000;

/** The newest charges, newest first: gathered from one look to the next, so that two minutes of them can be drawn. */
export function useChargeLog(): readonly Charge[] {
  const page = useApi<{ readonly data: readonly Charge[] }>(`/v1/charges?limit=${PAGE}`, { topics: ["charges"] });
  const [log, setLog] = useState<readonly Charge[]>([]);
  const newest = page.data?.data;
  useEffect(() => {
    if (newest === undefined) return;
    setLog((before) => {
      const seen = new Set(newest.map(({ id }) => id));
      const since = Date.now() - KEPT_MS;
      return [...newest, ...before.filter(({ id, created_at }) => !seen.has(id) && Date.parse(created_at) > since)];
    });
  }, [newest]);
  return log;
}

/** What a charge came to, as far as it is known: who collected it, or why nobody did. */
export type End = { readonly kind: "collected"; readonly provider: string } | { readonly kind: "waits" | "doubt" | "failed" | "under_way" };

export function endOf({ status, provider }: Charge): End {
  switch (status) {
    case "succeeded":
      return { kind: "collected", provider: provider ?? "" };
    case "deferred":
      return { kind: "waits" };
    case "in_doubt":
      return { kind: "doubt" };
    case "failed":
    case "canceled":
      return { kind: "failed" };
    default:
      return { kind: "under_way" };
  }
}

/** Collected, after a processor before had failed. */
export function savedByFailover(charge: Charge): boolean {
  return (
    charge.status === "succeeded" && charge.attempts.some(({ provider, outcome }) => provider !== charge.provider && outcome !== "approved")
  );
}
