import { useEffect, useRef, useState } from "react";
import { getJson } from "../../data/api.ts";
import { useApi } from "../../data/use-api.ts";
import type { Page } from "../../parts/pager.tsx";
import type { Charge } from "../charges/charge.ts";

/** The API's longest page: five seconds of the fastest traffic. */
const CHARGES = "/v1/charges?limit=100";
const KEPT_MS = 150_000;

/**
 * The charges of the last two minutes, newest first. With each change the newest page is read, and one older page in turn: what
 * was there before we came, and what became since of a charge that waited.
 */
export function useChargeLog(): readonly Charge[] {
  const newest = useApi<Page<Charge>>(CHARGES, { topics: ["charges"] }).data;
  const [log, setLog] = useState<readonly Charge[]>([]);
  /** Where the older page begins; null: after the newest one. */
  const turn = useRef<string | null>(null);
  const reading = useRef(false);
  useEffect(() => {
    if (newest === null) return;
    const add = ({ data }: Page<Charge>) => setLog((before) => merged(before, data));
    add(newest);
    const after = turn.current ?? nextOf(newest);
    if (after === null || reading.current) return;
    reading.current = true;
    void getJson<Page<Charge>>(`${CHARGES}&starting_after=${after}`)
      .then((page) => {
        add(page);
        turn.current = nextOf(page);
      })
      // The next change tries again; the newest page says what is wrong.
      .catch(() => {})
      .finally(() => (reading.current = false));
  }, [newest]);
  return log;
}

/** Null where the log ends. */
function nextOf({ data, has_more, next_cursor }: Page<Charge>): string | null {
  const last = data.at(-1);
  return has_more && last !== undefined && Date.parse(last.created_at) > Date.now() - KEPT_MS ? next_cursor : null;
}

/** Ids begin with the time of their making. */
function merged(before: readonly Charge[], read: readonly Charge[]): readonly Charge[] {
  const since = Date.now() - KEPT_MS;
  const kept = before.filter(({ created_at }) => Date.parse(created_at) > since);
  const all = new Map([...kept, ...read].map((charge) => [charge.id, charge]));
  return [...all.values()].sort((a, b) => (a.id < b.id ? 1 : -1));
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
