import type { Command } from "commander";
import { list, MAX_LISTED } from "./charges-command.ts";
import { addVerb, type Session, type Tool } from "./session.ts";
import { parseCount } from "./when.ts";
import { countOf, dueText, fromNow, moneyText } from "./words.ts";

interface SummaryJson {
  readonly count: number;
  readonly data: readonly {
    readonly currency: string;
    readonly count: number;
    readonly amount: number;
    readonly oldest: string;
    readonly next: string | null;
    readonly stuck: number;
  }[];
}

interface Options {
  readonly charges?: number;
}

export function addDeferred(tool: Tool, program: Command): void {
  addVerb<Options>(tool, program, {
    name: "deferred",
    summary: "revenue at risk: the charges that wait for a processor, per currency",
    roles: ["ops", "finance"],
    shape: (command) =>
      command.option("--charges <count>", "list so many of them, the newest first, instead of the sums", parseCount(1, MAX_LISTED)),
    async run(session, { charges }) {
      if (charges !== undefined) await list(session, { status: "deferred" }, charges, "--charges");
      else {
        const summary = await session.gateway.get<SummaryJson>("/v1/routing/deferred");
        if (session.json) session.printJson(summary);
        else show(session, summary);
      }
      return undefined;
    },
  });
}

function show(session: Session, summary: SummaryJson): void {
  if (summary.count === 0) {
    session.print("Nothing is deferred.");
    return;
  }
  session.printTable(
    [
      { head: "CURRENCY" },
      { head: "CHARGES", right: true },
      { head: "AT RISK", right: true },
      { head: "OLDEST", right: true },
      { head: "NEXT TRY", right: true },
      { head: "WAITING FOR A PERSON", right: true },
    ],
    summary.data.map(({ currency, count, amount, oldest, next, stuck }) => [
      currency.toUpperCase(),
      String(count),
      moneyText(amount, currency),
      fromNow(oldest, session.nowMs),
      next === null ? "-" : dueText(next, session.nowMs),
      stuck > 0 ? { text: String(stuck), style: "red" } : "0",
    ]),
  );
  const stuck = summary.data.reduce((sum, row) => sum + row.stuck, 0);
  if (stuck > 0)
    session.print(`\n${countOf(stuck, "charge")} out of tries: \`switchyard dead-letters list\`, then \`switchyard dead-letters replay\`.`);
}
