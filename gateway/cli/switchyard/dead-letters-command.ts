import { type Command, Option } from "commander";
import { DEAD_LETTER_KINDS, DEAD_LETTER_STATES } from "../../store/read-dead-letters.ts";
import { CommandFailed, EXIT, type ExitCode } from "./exit-code.ts";
import type { Page } from "./gateway-client.ts";
import { Refused } from "./problem-words.ts";
import { addVerb, type Session, type Tool } from "./session.ts";
import { printable } from "./terminal.ts";
import { parseCount } from "./when.ts";
import { countOf, timeText } from "./words.ts";

interface DeadLetterJson {
  readonly id: string;
  readonly kind: string;
  readonly state: string;
  readonly charge: string | null;
  readonly operation: string | null;
  readonly reason: string;
  readonly created_at: string;
}

interface Options {
  readonly state: string;
  readonly kind?: string;
  readonly limit: number;
  readonly all?: true;
}

/** Letters of one listing, at most, and of one `replay --all`: what is left is told. */
const MAX_LISTED = 10_000;

const kindOption = () => new Option("--kind <kind>", "only of this kind").choices(DEAD_LETTER_KINDS);

export function addDeadLetters(tool: Tool, program: Command): void {
  const letters = program.command("dead-letters").description("what the machine gave up on: list it, and put it back to work");
  addVerb<Options>(tool, letters, {
    name: "list",
    summary: "the dead letters, newest first",
    roles: ["ops"],
    isDefault: true,
    shape: (command) =>
      command
        .addOption(new Option("--state <state>", "which of them").choices([...DEAD_LETTER_STATES, "all"]).default("open"))
        .addOption(kindOption())
        .option("--limit <count>", "how many", parseCount(1, MAX_LISTED), 20),
    async run(session, { state, kind, limit }) {
      const page = await session.gateway.list<DeadLetterJson>(
        "/v1/dead-letters",
        { state: state === "all" ? undefined : state, kind },
        limit,
      );
      if (session.json) session.printJson(page);
      else if (page.data.length === 0) session.print(state === "open" ? "No dead letter is open." : "There is none.");
      else session.printTable(COLUMNS, page.data.map(row));
      session.noteMore(page, { limit, max: MAX_LISTED });
      return undefined;
    },
  });
  addVerb<Options>(tool, letters, {
    name: "replay",
    summary: "put one or many back to work: taken up where they stood, nothing is sent twice",
    roles: ["ops"],
    shape: (command) =>
      command.argument("[ids...]", "dead letters").option("--all", "all that are open (with --kind: of that kind)").addOption(kindOption()),
    run: (session, options, [ids]) => replay(session, ids as string[], options),
  });
}

const COLUMNS = [
  { head: "DEAD LETTER" },
  { head: "KIND" },
  { head: "STATE" },
  { head: "ABOUT" },
  { head: "OPENED (UTC)" },
  { head: "REASON" },
];

function row({ id, kind, state, charge, operation, created_at, reason }: DeadLetterJson): string[] {
  return [id, kind, state, operation ?? charge ?? "-", timeText(created_at), reason];
}

interface Replayed {
  readonly id: string;
  readonly replayed: boolean;
  readonly why: string | null;
}

/** One after the other, so that a great many do not come upon the processors at once; one refusal does not stop the others. */
async function replay(session: Session, named: readonly string[], { all, kind }: Options): Promise<ExitCode> {
  if (named.length > 0 === (all === true) || (kind !== undefined && !all))
    throw new CommandFailed(EXIT.usage, "name dead letters, or say --all (with --kind, if only those of one kind)");
  const open = all ? await openLetters(session, kind) : null;
  const ids = open?.data.map(({ id }) => id) ?? [...new Set(named)];
  const results = await session.working(async (say) => {
    const results: Replayed[] = [];
    for (const id of ids) {
      if (ids.length > 1) say(`replaying: ${results.length} of ${ids.length}`);
      results.push(await replayOne(session, id));
    }
    return results;
  });
  const done = results.filter(({ replayed }) => replayed).length;
  const refused = results.filter(({ replayed }) => !replayed);
  if (session.json) session.printJson({ object: "dead_letter_replays", replayed: done, refused: refused.length, data: results });
  else session.print(ids.length === 0 ? "No dead letter is open." : `Put back to work: ${done} of ${countOf(ids.length, "dead letter")}.`);
  for (const { id, why } of refused) session.note(`${printable(id)} was not replayed: ${why}`);
  if (open?.has_more) session.note("There are more: the same again takes up the next ones.");
  return refused.length > 0 ? EXIT.failed : EXIT.ok;
}

function openLetters({ gateway }: Session, kind: string | undefined): Promise<Page<DeadLetterJson>> {
  return gateway.list<DeadLetterJson>("/v1/dead-letters", { state: "open", kind }, MAX_LISTED);
}

async function replayOne(session: Session, id: string): Promise<Replayed> {
  try {
    await session.gateway.send("POST", `/v1/dead-letters/${encodeURIComponent(id)}/replay`);
    return { id, replayed: true, why: null };
  } catch (error) {
    if (!(error instanceof Refused) || error.code === EXIT.denied) throw error;
    return { id, replayed: false, why: error.message };
  }
}
