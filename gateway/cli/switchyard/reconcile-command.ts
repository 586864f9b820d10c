import { type Command, Option } from "commander";
import { CommandFailed, EXIT, type ExitCode } from "./exit-code.ts";
import { addVerb, type Session, type Tool } from "./session.ts";
import { printable } from "./terminal.ts";
import { parseSpan, parseWhen } from "./when.ts";
import { countOf, moneyText, spanText } from "./words.ts";

interface RunJson {
  readonly id: string;
  readonly state: "queued" | "running" | "finished" | "failed";
  readonly provider: string | null;
  readonly error: string | null;
  readonly report: {
    readonly records?: Readonly<Record<string, number>>;
    readonly unverified?: { readonly count: number; readonly first: readonly { readonly provider: string; readonly subject: string }[] };
  };
  readonly started_at: string | null;
}

interface FindingJson {
  readonly kind: string;
  readonly provider: string;
  readonly subject: string;
  readonly charge: string | null;
  readonly our_amount: number | null;
  readonly their_amount: number | null;
  readonly currency: string | null;
  readonly last_seen_at: string;
}

interface Options {
  readonly from?: string;
  readonly to?: string;
  readonly provider?: string;
  readonly run?: string;
  readonly wait: number;
}

const POLL_MS = 500;
/** A worker takes a run up within seconds; one that nobody takes has no worker. */
const QUEUED_TOO_LONG_MS = 60_000;

export function addReconcile(tool: Tool, program: Command): void {
  const when = parseWhen(tool.surroundings.clock.now());
  addVerb<Options>(tool, program, {
    name: "reconcile",
    summary: "compare a window with the processors' own records; ends with 3 where they differ",
    roles: ["ops"],
    shape: (command) =>
      command
        .option("--from <time>", "the window's begin: 2026-11-01, 2026-11-01T09:30:00Z, or 24h (ago)", when)
        .option("--to <time>", "its end, at most 30 days later", when)
        .option("--provider <id>", "only this one")
        .option("--run <id>", "wait for a run that was begun before")
        .addOption(new Option("--wait <span>", "how long to wait for its end").argParser(parseSpan).default(3_600, "1h")),
    async run(session, options) {
      const begun = await begin(session, options);
      const run = await session.working((say) => ended(session, begun, options.wait * 1_000, say));
      const seen = await session.working((say) => differences(session, run, say));
      return tell(session, run, seen);
    },
  });
}

async function begin({ gateway }: Session, { from, to, provider, run }: Options): Promise<RunJson> {
  if (run !== undefined) {
    if (from !== undefined || to !== undefined || provider !== undefined)
      throw new CommandFailed(EXIT.usage, "--run takes no window: it has its own");
    return gateway.get<RunJson>(`/v1/reconciliation/runs/${encodeURIComponent(run)}`);
  }
  if (from === undefined || to === undefined)
    throw new CommandFailed(EXIT.usage, "--from and --to are needed: --from 2026-11-01 --to 2026-11-02");
  return gateway.send<RunJson>("POST", "/v1/reconciliation/runs", { from, to, ...(provider === undefined ? {} : { provider }) });
}

async function ended({ surroundings, gateway }: Session, begun: RunJson, waitMs: number, say: (text: string) => void): Promise<RunJson> {
  const { clock } = surroundings;
  const start = clock.monotonic();
  let run = begun;
  while (run.state === "queued" || run.state === "running") {
    const ms = clock.monotonic() - start;
    if (run.state === "queued" && ms > QUEUED_TOO_LONG_MS) throw nobody(run);
    if (ms > waitMs)
      throw new CommandFailed(EXIT.failed, `${run.id} has not ended within ${spanText(waitMs)}; it goes on`, [
        `switchyard reconcile --run ${run.id}`,
      ]);
    say(`${run.id} is ${run.state}, ${spanText(ms)}`);
    await clock.sleep(POLL_MS);
    run = await gateway.get<RunJson>(`/v1/reconciliation/runs/${run.id}`);
  }
  return run;
}

function nobody({ id }: RunJson): CommandFailed {
  return new CommandFailed(EXIT.failed, `no worker takes ${id} up`, [
    "Does a gateway with ROLE=all or ROLE=worker run? `switchyard doctor` looks.",
    `It stays queued; wait for it with: switchyard reconcile --run ${id}`,
  ]);
}

/** The open findings that this run saw. All that are open are read: an old one may stand behind any number of newer ones. */
async function differences({ gateway }: Session, run: RunJson, say: (text: string) => void): Promise<FindingJson[]> {
  const query = { state: "open", provider: run.provider ?? undefined };
  const page = await gateway.list<FindingJson>("/v1/reconciliation", query, Number.POSITIVE_INFINITY, (count) =>
    say(`reading findings: ${countOf(count, "finding")}`),
  );
  return page.data.filter(({ last_seen_at }) => run.started_at !== null && last_seen_at >= run.started_at);
}

function tell(session: Session, run: RunJson, seen: readonly FindingJson[]): ExitCode {
  const failed = run.state === "failed";
  if (session.json) session.printJson({ ...run, findings: seen });
  else show(session, run, seen);
  if (failed) {
    session.note(`It could not be compared in full: ${printable(run.error ?? "no reason is recorded")}`);
    session.note(`The gateway tries it again by itself; wait for that with: switchyard reconcile --run ${run.id}`);
    return EXIT.failed;
  }
  return seen.length > 0 ? EXIT.found : EXIT.ok;
}

function show(session: Session, { report, state }: RunJson, seen: readonly FindingJson[]): void {
  const read = Object.entries(report.records ?? {}).map(([list, count]) => `${list.replace(".", " ")} ${count}`);
  session.print(`Read: ${read.join(", ") || "nothing"}`);
  if (seen.length === 0)
    session.print(state === "failed" ? "No differences in what could be compared" : session.paint("green", "No differences"));
  else {
    session.print(`${session.paint("red", countOf(seen.length, "difference"))}, and what to do about each kind: docs/reconciliation.md\n`);
    session.printTable(COLUMNS, seen.map(row));
  }
  const { count, first } = report.unverified ?? { count: 0, first: [] };
  if (count > 0)
    session.print(
      `\nThe processor would not say (no finding): ${count}\n${first.map((one) => `  ${one.provider} ${printable(one.subject)}`).join("\n")}`,
    );
}

const COLUMNS = [
  { head: "KIND" },
  { head: "PROVIDER" },
  { head: "SUBJECT" },
  { head: "CHARGE" },
  { head: "OURS", right: true },
  { head: "THEIRS", right: true },
];

function row({ kind, provider, subject, charge, our_amount, their_amount, currency }: FindingJson): string[] {
  return [kind, provider, subject, charge ?? "-", moneyText(our_amount, currency), moneyText(their_amount, currency)];
}
