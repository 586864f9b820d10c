import type { Command } from "commander";
import { actorText } from "./charge-story.ts";
import { EXIT, type ExitCode } from "./exit-code.ts";
import { addVerb, type Session, type Tool } from "./session.ts";
import { parseCount, parseWhen } from "./when.ts";
import { countOf, fromNow, timeText } from "./words.ts";

/** Events of one listing, at most. */
const MAX_LISTED = 100_000;

interface VerificationJson {
  readonly whole: boolean;
  readonly broken: { readonly seq: number; readonly event: number | null; readonly kind: string } | null;
  readonly from: number;
  readonly to: number;
  readonly next_from: number | null;
  readonly head: { readonly seq: number; readonly hash: string };
  readonly unsealed: { readonly count: number; readonly oldest_at: string | null };
}

interface TrailJson {
  readonly seq: number | null;
  readonly at: string;
  readonly type: string;
  readonly actor: string;
  readonly charge: string | null;
  readonly provider: string | null;
  readonly data: Readonly<Record<string, unknown>>;
}

interface VerifyOptions {
  readonly from?: number;
  readonly all?: true;
}

interface ListOptions {
  readonly charge?: string;
  readonly actor?: string;
  readonly type?: string;
  readonly from?: string;
  readonly to?: string;
  readonly limit: number;
}

export function addAudit(tool: Tool, program: Command): void {
  const audit = program.command("audit").description("the audit trail: who did what, and whether the chain is whole");
  addVerb<VerifyOptions>(tool, audit, {
    name: "verify",
    summary: "recompute the hash chain; ends with 3 where it is broken",
    roles: ["ops"],
    shape: (command) =>
      command
        .option(
          "--from <number>",
          "the first number to verify (default: where the hourly check stopped)",
          parseCount(1, Number.MAX_SAFE_INTEGER),
        )
        .option("--all", "from the first event on"),
    run: (session, { from, all }) => verify(session, all ? 1 : from),
  });
  const when = parseWhen(tool.surroundings.clock.now());
  addVerb<ListOptions>(tool, audit, {
    name: "list",
    summary: "the events, newest first: sealed ones by number",
    roles: ["ops"],
    shape: (command) =>
      command
        .option("--charge <id>", "of this charge")
        .option("--actor <actor>", "by: key:<id>, system:worker, …")
        .option("--type <type>", "charge.failed, override.set, key.created, …")
        .option("--from <time>", "since then: 2026-11-01, 2026-11-01T09:30:00Z, or 24h (ago)", when)
        .option("--to <time>", "before then", when)
        .option("--limit <count>", "how many", parseCount(1, MAX_LISTED), 20),
    run: (session, options) => list(session, options),
  });
}

/** One request verifies a part: asked until the head is reached, or a break. */
async function verify(session: Session, start: number | undefined): Promise<ExitCode> {
  const { report, first } = await session.working(async (say) => {
    let first: number | null = null;
    for (let from = start; ; ) {
      const report = await session.gateway.get<VerificationJson>("/v1/audit/verify", { from });
      first ??= report.from;
      if (report.broken !== null || report.next_from === null) return { report, first };
      say(`verifying: ${report.to.toLocaleString("en-US")} of ${report.head.seq.toLocaleString("en-US")} events`);
      from = report.next_from;
    }
  });
  if (session.json) session.printJson({ ...report, from: first });
  else session.print(verdict(session, report, first));
  return report.whole ? EXIT.ok : EXIT.found;
}

function verdict({ paint, nowMs }: Session, report: VerificationJson, first: number): string {
  const { broken, head, unsealed, to } = report;
  if (broken) {
    const event = broken.event === null ? "" : ` (event ${broken.event})`;
    return [
      `${paint("red", "The chain is broken")} at number ${broken.seq}${event}: ${broken.kind.replaceAll("_", " ")}.`,
      "Somebody, or something, changed the trail behind the gateway's back. Keep the database as it is, take a backup, and compare with an older one.",
    ].join("\n");
  }
  const what =
    to < first ? "Nothing new since the last check" : `Whole from number ${first} to ${to} (${countOf(to - first + 1, "event")})`;
  const tail =
    unsealed.count === 0 ? "nothing waits for its seal" : `${countOf(unsealed.count, "event")} wait for a seal${oldest(unsealed, nowMs)}`;
  return `${paint("green", what)}; ${tail}.\nHead: ${head.seq} ${head.hash}\nKeep the head somewhere else: a chain that was rewritten whole is found by comparing it.`;
}

function oldest({ oldest_at }: VerificationJson["unsealed"], nowMs: number): string {
  return oldest_at === null ? "" : `, the oldest from ${fromNow(oldest_at, nowMs)}`;
}

async function list(session: Session, { limit, ...query }: ListOptions): Promise<undefined> {
  const { charge, actor, type, from, to } = query;
  const page = await session.working((say) =>
    session.gateway.list<TrailJson>("/v1/audit", { charge, actor, type, from, to }, limit, (count) =>
      say(`reading the trail: ${countOf(count, "event")}`),
    ),
  );
  if (session.json) session.printJson(page);
  else if (page.data.length === 0) session.print("No event matches. The last second is not sealed yet.");
  else session.printTable(COLUMNS, page.data.map(row));
  session.noteMore(page, { limit, max: MAX_LISTED });
  return undefined;
}

const COLUMNS = [{ head: "NUMBER", right: true }, { head: "AT (UTC)" }, { head: "EVENT" }, { head: "BY" }, { head: "ABOUT" }];

function row({ seq, at, type, actor, charge, provider, data }: TrailJson): string[] {
  const told = Object.entries(data).map(([name, value]) => `${name} ${typeof value === "string" ? value : JSON.stringify(value)}`);
  return [
    String(seq ?? "-"),
    timeText(at),
    type,
    actorText(actor),
    [charge, provider, ...told].filter((one) => one !== null).join(", ") || "-",
  ];
}
