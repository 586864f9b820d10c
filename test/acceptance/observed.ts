import { ask } from "./client.ts";
import type { Gateway } from "./gateway-process.ts";

/** What operations see of a provider at one instance. */
export interface ProviderSeen {
  readonly id: string;
  readonly health: string;
  readonly reason: string | null;
  readonly breaker: {
    readonly state: "closed" | "open" | "half_open";
    readonly scope: "fleet" | "instance";
    readonly reason: string | null;
    readonly since: string;
    readonly open_until: string | null;
    readonly trips: number;
    readonly weight: number;
  };
  readonly approval: { readonly rate: number; readonly outcomes: number };
  readonly share: number | null;
}

export async function providerAt(gateway: Gateway, id: string): Promise<ProviderSeen> {
  const { body, status, text } = await ask<{ data: ProviderSeen[] }>(gateway.url, "GET /v1/providers");
  const found = body?.data?.find((provider) => provider.id === id);
  if (!found) throw new Error(`no ${id} in the providers: ${status} ${text}`);
  return found;
}

export function atEach(gateways: readonly Gateway[], id: string): Promise<ProviderSeen[]> {
  return Promise.all(gateways.map((gateway) => providerAt(gateway, id)));
}

/** The values of one scrape by their series, as `switchyard_provider_state{provider="stripe"}`. */
export async function metricsAt(gateway: Gateway): Promise<ReadonlyMap<string, number>> {
  const { text } = await ask(gateway.url, "GET /metrics");
  const samples = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(samples.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))]));
}

/** An event of the trail about a provider's gate. */
export interface GateEvent {
  readonly type: "provider.opened" | "provider.closed";
  readonly provider: string;
  readonly data: { readonly generation: number; readonly trips: number; readonly alone: boolean; readonly reason: string };
}

/** In the order in which they were sealed. */
export async function gateEvents(gateway: Gateway, provider: string): Promise<GateEvent[]> {
  type Page = { data: (GateEvent & { seq: number })[]; has_more: boolean; next_cursor: string | null };
  const events: (GateEvent & { seq: number })[] = [];
  for (const type of ["provider.opened", "provider.closed"]) {
    for (let after = ""; ; ) {
      const { body } = await ask<Page>(gateway.url, `GET /v1/audit?order=asc&limit=100&type=${type}${after}`);
      events.push(...body.data);
      if (!body.has_more || body.next_cursor === null) break;
      after = `&starting_after=${body.next_cursor}`;
    }
  }
  return events.filter((event) => event.provider === provider).sort((a, b) => a.seq - b.seq);
}
