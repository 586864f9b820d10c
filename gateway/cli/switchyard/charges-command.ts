import type { Command } from "commander";
import { type DecidedJson, storyOf, type Told, type ToldCharge } from "./charge-story.ts";
import { CHARGE_COLUMNS, type ChargeJson, chargeRow, chargeSentence } from "./charge-words.ts";
import { CommandFailed, EXIT } from "./exit-code.ts";
import type { Query } from "./gateway-client.ts";
import { Refused } from "./problem-words.ts";
import { addVerb, type Session, type Tool } from "./session.ts";
import { printable } from "./terminal.ts";
import { parseCount, parseWhen } from "./when.ts";
import { countOf, spanText, timeText } from "./words.ts";

const READERS = ["ops", "finance", "billing"] as const;
/** Rows of one listing, at most: beyond it a report (`stats`) says more than a list. */
export const MAX_LISTED = 100_000;

/** Rows of one search, at most: what has so many of the same name is listed by time. */
const MAX_FOUND = 1_000;

interface ListOptions {
  readonly status?: string;
  readonly provider?: string;
  readonly reference?: string;
  readonly idempotencyKey?: string;
  readonly from?: string;
  readonly to?: string;
  readonly limit: number;
}

export function addCharges(tool: Tool, program: Command): void {
  const charges = program.command("charges").description("charges: a list, a search, or one of them as a timeline in words");
  const when = parseWhen(tool.surroundings.clock.now());
  addVerb<ListOptions>(tool, charges, {
    name: "list",
    summary: "the newest charges, or those that match",
    roles: READERS,
    isDefault: true,
    shape: (command) =>
      command
        .option("--status <status>", "processing, in_doubt, deferred, succeeded, failed, …")
        .option("--provider <id>", "the processor that has, or last had, the charge")
        .option("--reference <text>", "yours: the invoice, the order")
        .option("--idempotency-key <key>", "any key that acted on the charge")
        .option("--from <time>", "created then or later: 2026-11-01, 2026-11-01T09:30:00Z, or 24h (ago)", when)
        .option("--to <time>", "created before then", when)
        .option("--limit <count>", "how many", parseCount(1, MAX_LISTED), 20),
    async run(session, options) {
      await list(session, queryOf(options), options.limit);
      return undefined;
    },
  });
  addVerb(tool, charges, {
    name: "search",
    summary: "find charges by an id or reference, ours or a processor's, or by an Idempotency-Key",
    roles: READERS,
    shape: (command) => command.argument("<text>", "the whole of it: ch_…, at_…, re_…, pi_…, invoice-1042, …"),
    run: async (session, _, [text]) => search(session, text as string),
  });
  addVerb(tool, charges, {
    name: "show",
    summary: "one charge: what became of it, and its timeline in words",
    roles: READERS,
    shape: (command) => command.argument("<charge>", "its id"),
    async run(session, _, [id]) {
      const charge = await session.gateway.get<ToldCharge>(`/v1/charges/${encodeURIComponent(id as string)}`);
      const decisions = await decisionsOf(session, charge.id);
      if (session.json) session.printJson({ ...charge, decisions });
      else session.print(narrated(session, charge, storyOf(charge, decisions)));
      return undefined;
    },
  });
}

function queryOf({ status, provider, reference, idempotencyKey, from, to }: ListOptions): Query {
  return { status, provider, reference, idempotency_key: idempotencyKey, created_from: from, created_before: to };
}

/** `option` is the one that `limit` came by. */
export async function list(session: Session, query: Query, limit: number, option = "--limit"): Promise<void> {
  const page = await session.working((say) =>
    session.gateway.list<ChargeJson>("/v1/charges", query, limit, (count) => {
      if (count < limit && count >= 100) say(`reading charges: ${countOf(count, "charge")}`);
    }),
  );
  if (session.json) return session.printJson(page);
  if (page.data.length === 0) return session.print("No charge matches.");
  session.printTable(CHARGE_COLUMNS, page.data.map(chargeRow));
  session.noteMore(page, { limit, max: MAX_LISTED, option });
}

async function search(session: Session, text: string): Promise<undefined> {
  const page = await session.gateway.list<ChargeJson>("/v1/charges", { q: text }, MAX_FOUND);
  if (page.data.length === 0)
    throw new CommandFailed(EXIT.failed, `no charge has this id, reference or Idempotency-Key: ${text}`, [
      "It is looked for whole, not in part. By time, status or processor: `switchyard charges list`.",
    ]);
  if (session.json) session.printJson(page);
  else session.printTable(CHARGE_COLUMNS, page.data.map(chargeRow));
  session.noteMore(page, { limit: MAX_FOUND, max: MAX_FOUND });
  return undefined;
}

/** Why each attempt went where it went. A billing key may not read that: then there is none. */
async function decisionsOf(session: Session, id: string): Promise<readonly DecidedJson[]> {
  try {
    return (await session.gateway.get<{ data: readonly DecidedJson[] }>(`/v1/routing/decisions/${id}`)).data;
  } catch (error) {
    if (error instanceof Refused && error.problem.code === "forbidden") return [];
    throw error;
  }
}

function narrated({ paint }: Session, charge: ToldCharge, story: readonly Told[]): string {
  const about = [charge.reference === null ? null : `reference ${charge.reference}`, charge.livemode ? null : "test money"].filter(Boolean);
  const lines = [
    `${paint("bold", charge.id)} ${charge.status}${about.length > 0 ? `, ${printable(about.join(", "))}` : ""}`,
    printable(chargeSentence(charge)),
    "",
  ];
  const start = Date.parse(story[0]?.at ?? charge.created_at);
  let [day, actor] = ["", ""];
  for (const told of story) {
    const [date, time] = [timeText(told.at).slice(0, 10), told.at.slice(11, 23)];
    if (date !== day) lines.push(paint("bold", `${date} (UTC)`));
    const who = told.actor === actor ? "" : paint("dim", `  by ${printable(told.actor)}`);
    lines.push(`  ${time}  ${paint("dim", sinceText(Date.parse(told.at) - start))}  ${printable(told.text)}${who}`);
    if (told.why) lines.push(paint("dim", `${" ".repeat(WHY_INDENT)}because: ${printable(told.why)}`));
    [day, actor] = [date, told.actor];
  }
  return lines.join("\n");
}

const WHY_INDENT = 31;

function sinceText(ms: number): string {
  return `+${spanText(ms)}`.padEnd(13);
}
