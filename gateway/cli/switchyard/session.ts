import { type Command, InvalidArgumentError } from "commander";
import type { KeyRole } from "../../store/api-keys.ts";
import { apiKeyFor } from "./api-key.ts";
import { EXIT, type ExitCode } from "./exit-code.ts";
import { Gateway, type Page } from "./gateway-client.ts";
import type { Surroundings } from "./surroundings.ts";
import { type Cell, type Column, table } from "./table.ts";
import { type Paint, paintFor, progressOn } from "./terminal.ts";

export const DEFAULT_URL = "http://127.0.0.1:8080";

/** What every command that speaks to a gateway takes. */
export interface CommonOptions {
  readonly url?: string;
  readonly keyFile?: string;
  readonly json?: true;
}

/** The tool while it runs: its world, and how it will end. */
export interface Tool {
  readonly surroundings: Surroundings;
  exitCode: number;
}

/** One run of one command. */
export interface Session {
  readonly surroundings: Surroundings;
  readonly gateway: Gateway;
  /** For a program: one JSON document on standard output, and nothing else there. */
  readonly json: boolean;
  readonly paint: Paint;
  readonly nowMs: number;
  /** To standard output. */
  print(text: string): void;
  printJson(value: unknown): void;
  printTable(columns: readonly Column[], rows: readonly (readonly Cell[])[]): void;
  /** To standard error: what is no result. */
  note(text: string): void;
  /** Notes that a list has more than was asked for, and by which option it is shown; `max` is the most that can be asked for. */
  noteMore(page: Pick<Page<unknown>, "has_more">, asked: { limit: number; max: number; option?: string }): void;
  /** Does long work, which says how it goes on; nothing of that stays on the screen, also when the work fails. */
  working<T>(work: (say: (text: string) => void) => Promise<T>): Promise<T>;
}

export interface Verb<Options> {
  readonly name: string;
  readonly summary: string;
  /** Any of them may do it. */
  readonly roles: readonly KeyRole[];
  readonly isDefault?: boolean;
  /** Adds the command's own arguments and options. */
  shape?(command: Command): Command;
  /** What ends without a code ends well. */
  run(session: Session, options: Options, args: readonly unknown[]): Promise<ExitCode | undefined>;
}

/** Adds a command that speaks to a gateway. */
export function addVerb<Options>(tool: Tool, parent: Command, verb: Verb<Options>): void {
  const { name, summary, isDefault = false } = verb;
  const command = parent.command(name, { isDefault }).description(summary);
  verb.shape?.(command);
  command
    .option("--url <url>", `the gateway (default: SWITCHYARD_URL, else ${DEFAULT_URL})`, parseUrl)
    .option("--key-file <file>", "a file with the API key (default: SWITCHYARD_API_KEY, else the keys of a local start)")
    .option("--json", "JSON for programs")
    .action(async (...given: unknown[]) => {
      const self = given.at(-1) as Command;
      const options = self.opts<CommonOptions & Options>();
      const session = openSession(tool.surroundings, options, verb.roles);
      tool.exitCode = (await verb.run(session, options, self.processedArgs)) ?? EXIT.ok;
    });
}

export function openSession(surroundings: Surroundings, options: CommonOptions, roles: readonly KeyRole[]): Session {
  const { env, clock, stdout, stderr } = surroundings;
  const url = options.url ?? gatewayUrl(env);
  const paint = paintFor(stdout, env);
  const note = (text: string) => void stderr.write(`${text}\n`);
  let key: Promise<string> | undefined;
  const keyOnce = () => (key ??= apiKeyFor({ keyFile: options.keyFile, url, roles }, surroundings));
  return {
    surroundings,
    gateway: new Gateway({ url, key: keyOnce, clock }),
    json: options.json === true,
    paint,
    nowMs: clock.now(),
    print: (text) => void stdout.write(`${text}\n`),
    printJson: (value) => void stdout.write(`${JSON.stringify(value, null, 2)}\n`),
    printTable: (columns, rows) => void stdout.write(table(columns, rows, { paint, width: stdout.isTTY ? stdout.columns : undefined })),
    note,
    noteMore({ has_more }, { limit, max, option = "--limit" }) {
      if (has_more) note(limit < max ? `There are more: ${option} ${Math.min(max, limit * 5)} shows further ones.` : "There are more.");
    },
    async working(work) {
      const progress = progressOn(surroundings);
      try {
        return await work(progress.say);
      } finally {
        progress.end();
      }
    },
  };
}

export function gatewayUrl(env: Surroundings["env"]): string {
  const named = env.SWITCHYARD_URL?.trim();
  return named ? parseUrl(named) : DEFAULT_URL;
}

function parseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || url.search || url.hash || url.username || url.password)
    throw new InvalidArgumentError("It is an address like http://127.0.0.1:8080, without credentials or a query.");
  return text.replace(/\/+$/, "");
}
