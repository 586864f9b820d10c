import type { Command } from "commander";
import type { Page } from "./gateway-client.ts";
import { type ProviderJson, remarks } from "./provider-words.ts";
import { addVerb, type Session, type Tool } from "./session.ts";
import type { Cell } from "./table.ts";
import { printable } from "./terminal.ts";
import { percent } from "./words.ts";

export function addProviders(tool: Tool, program: Command): void {
  addVerb(tool, program, {
    name: "providers",
    summary: "each processor: health, breaker, faults, approval, latency, share, override",
    roles: ["ops", "finance"],
    async run(session) {
      const page = await session.gateway.get<Page<ProviderJson>>("/v1/providers");
      if (session.json) session.printJson(page);
      else show(session, page.data);
      return undefined;
    },
  });
}

const COLUMNS = [
  { head: "PROVIDER" },
  { head: "HEALTH" },
  { head: "BREAKER" },
  { head: "FAULTS", right: true },
  { head: "APPROVAL", right: true },
  { head: "P50 MS", right: true },
  { head: "P95 MS", right: true },
  { head: "SHARE", right: true },
  { head: "IN FLIGHT", right: true },
  { head: "FORCED" },
];

const HEALTH_STYLE = { up: "green", testing: "yellow", unavailable: "red" } as const;

function show(session: Session, providers: readonly ProviderJson[]): void {
  session.printTable(COLUMNS, providers.map(row));
  const told = providers.flatMap((provider) => remarks(provider, session.nowMs).map((line) => printable(`${provider.id}: ${line}`)));
  if (told.length > 0) session.print(`\n${told.join("\n")}`);
}

function row(provider: ProviderJson): Cell[] {
  const { id, health, breaker, approval, latency_ms, share, in_flight, override } = provider;
  return [
    id,
    { text: health, style: HEALTH_STYLE[health] },
    breaker.state.replace("_", " "),
    percent(breaker.fault_rate),
    percent(approval.rate),
    String(latency_ms.p50 ?? "-"),
    String(latency_ms.p95 ?? "-"),
    percent(share),
    String(in_flight),
    override?.mode ?? "-",
  ];
}
