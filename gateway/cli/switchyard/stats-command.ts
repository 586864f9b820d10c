import { type Command, Option } from "commander";
import { CommandFailed, EXIT } from "./exit-code.ts";
import type { Query } from "./gateway-client.ts";
import { addVerb, type Session, type Tool } from "./session.ts";
import type { Cell, Column } from "./table.ts";
import { parseWhen } from "./when.ts";
import { moneyText, percent, timeText } from "./words.ts";

interface Options {
  readonly groupBy?: string;
  readonly interval?: string;
  readonly from?: string;
  readonly to?: string;
  readonly csv?: true;
}

type RowJson = Readonly<Record<string, string | number | null>>;

interface StatsJson {
  readonly from: string;
  readonly to: string;
  readonly group_by: readonly string[];
  readonly data: readonly RowJson[];
}

export function addStats(tool: Tool, program: Command): void {
  const when = parseWhen(tool.surroundings.clock.now());
  addVerb<Options>(tool, program, {
    name: "stats",
    summary: "what attempts and charges came to, exactly; by processor, currency, time",
    roles: ["finance", "ops"],
    shape: (command) =>
      command
        .option("--group-by <fields>", "provider, currency, type, brand, country, interval, comma separated (default: provider,currency)")
        .addOption(new Option("--interval <length>", "rows per interval of UTC").choices(["minute", "hour", "day"]))
        .option("--from <time>", "2026-11-01, 2026-11-01T09:30:00Z, or 24h (ago) (default: 24h before --to)", when)
        .option("--to <time>", "until then (default: now)", when)
        .option("--csv", "CSV as the gateway makes it: exact amounts in minor units"),
    async run(session, { groupBy, interval, from, to, csv }) {
      const query: Query = { group_by: groupBy?.replaceAll(/\s/g, ""), interval, from, to };
      if (csv && session.json) throw new CommandFailed(EXIT.usage, "--csv and --json exclude each other");
      if (csv) session.surroundings.stdout.write(await session.gateway.csv("/v1/routing/stats", query));
      else {
        const stats = await session.gateway.get<StatsJson>("/v1/routing/stats", query);
        if (session.json) session.printJson(stats);
        else show(session, stats);
      }
      return undefined;
    },
  });
}

/** A heading, and what stands under it in a row. */
interface Field extends Column {
  cell(row: RowJson): Cell;
}

const count = (head: string, name: string): Field => ({ head, right: true, cell: (row) => String(row[name] ?? "-") });

const KEYS: Readonly<Record<string, Field>> = {
  interval: { head: "FROM (UTC)", cell: (row) => timeText(row.interval_start as string).slice(0, 16) },
  provider: { head: "PROVIDER", cell: (row) => String(row.provider ?? "(none)") },
  currency: { head: "CURRENCY", cell: (row) => String(row.currency ?? "-").toUpperCase() },
};

const FIELDS: readonly Field[] = [
  count("ATTEMPTS", "attempts"),
  { head: "APPROVAL", right: true, cell: (row) => percent(row.approval_rate as number | null) },
  count("NOT SENT", "not_sent"),
  count("IN DOUBT", "in_doubt"),
  { head: "MS", right: true, cell: (row) => String(row.latency_ms_avg ?? "-") },
  count("PAID", "charges_succeeded"),
  count("FAILED", "charges_failed"),
  count("DEFERRED", "charges_deferred"),
];

const money = (head: string, name: string): Field => ({
  head,
  right: true,
  cell: (row) => moneyText(row[name] as number, row.currency as string),
});

const AMOUNTS = [money("COLLECTED", "amount_succeeded"), money("REFUNDED", "amount_refunded"), money("DISPUTED", "amount_disputed")];

function show(session: Session, stats: StatsJson): void {
  const window = `${timeText(stats.from)} to ${timeText(stats.to)} UTC`;
  if (stats.data.length === 0) {
    session.print(`Nothing happened from ${window}.`);
    return;
  }
  const keys = stats.group_by.map(
    (group) => KEYS[group] ?? { head: group.toUpperCase(), cell: (row: RowJson) => String(row[group] ?? "-") },
  );
  const fields = [...keys, ...FIELDS, ...(stats.group_by.includes("currency") ? AMOUNTS : [])];
  session.printTable(
    fields,
    stats.data.map((row) => fields.map((field) => field.cell(row))),
  );
  session.print(`\nFrom ${window}. All columns: --csv.`);
}
