import { Command, CommanderError, InvalidArgumentError } from "commander";
import { addAudit } from "./audit-command.ts";
import { addCharges } from "./charges-command.ts";
import { addDeadLetters } from "./dead-letters-command.ts";
import { addDeferred } from "./deferred-command.ts";
import { addDoctor } from "./doctor-command.ts";
import { CommandFailed, EXIT } from "./exit-code.ts";
import { addExplain } from "./explain-command.ts";
import { addForce } from "./force-command.ts";
import { addKeys } from "./keys-command.ts";
import { Refused } from "./problem-words.ts";
import { addProviders } from "./providers-command.ts";
import { addReconcile } from "./reconcile-command.ts";
import type { Tool } from "./session.ts";
import { addStats } from "./stats-command.ts";
import type { Surroundings } from "./surroundings.ts";
import { paintFor, printable } from "./terminal.ts";

const AFTER_HELP = `
Environment:
  SWITCHYARD_URL       the gateway, default http://127.0.0.1:8080
  SWITCHYARD_API_KEY   the API key; without it, on this machine, the keys of a local start (DATA_DIR/keys.json)
  NO_COLOR             no colours, also on a terminal

Ends with 0: done, nothing wrong; 1: it could not be done; 3: what was examined is not as it should be (reconcile, audit verify, doctor);
64: wrong arguments; 69: no gateway answers; 77: no key, or one that may not do this.`;

/** Runs one command to its end; answers the exit code. Never throws. */
export async function runSwitchyard(argv: readonly string[], surroundings: Surroundings): Promise<number> {
  const tool: Tool = { surroundings, exitCode: EXIT.ok };
  const json = argv.includes("--json");
  try {
    await programOf(tool, json).parseAsync(argv, { from: "user" });
    return tool.exitCode;
  } catch (error) {
    return tell(error, surroundings, json);
  }
}

function programOf(tool: Tool, json: boolean): Command {
  const { stdout, stderr, env } = tool.surroundings;
  const program = new Command("switchyard")
    .description("Operates a Switchyard gateway: processors, charges, queues, numbers, keys, books, and the set-up itself.")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void stdout.write(text),
      // For a program `tell` says it.
      writeErr: (text) => void (json || stderr.write(text)),
      getOutHelpWidth: () => stdout.columns ?? 120,
      getErrHelpWidth: () => stderr.columns ?? 120,
      outputError: (text, write) => write(text.replace(/^error: /, `${paintFor(stderr, env)("red", "switchyard:")} `)),
    })
    .showHelpAfterError("(--help says how)")
    .addHelpText("after", AFTER_HELP);
  for (const add of [
    addProviders,
    addForce,
    addCharges,
    addDeferred,
    addDeadLetters,
    addStats,
    addExplain,
    addReconcile,
    addAudit,
    addKeys,
    addDoctor,
  ])
    add(tool, program);
  return program;
}

function tell(error: unknown, { stderr, env }: Surroundings, json: boolean): number {
  // commander has written the help, or its own message to people.
  const isUsage = error instanceof CommanderError && !(error instanceof InvalidArgumentError);
  if (isUsage && (error.exitCode === 0 || !json)) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  const failed = isUsage ? new CommandFailed(EXIT.usage, error.message.replace(/^error: /, ""), ["--help says how"]) : asFailed(error);
  const { code, message, advice } = failed;
  if (json) {
    const problem = failed instanceof Refused ? failed.problem : null;
    stderr.write(`${JSON.stringify({ error: { exit_code: code, message, advice, problem } })}\n`);
    return code;
  }
  const paint = paintFor(stderr, env);
  stderr.write(`${paint("red", "switchyard:")} ${printable(message)}\n`);
  for (const line of advice) stderr.write(`  ${printable(line)}\n`);
  return code;
}

function asFailed(error: unknown): CommandFailed {
  if (error instanceof CommandFailed) return error;
  // Of the environment, which commander does not parse.
  if (error instanceof InvalidArgumentError) return new CommandFailed(EXIT.usage, `SWITCHYARD_URL is wrong: ${error.message}`);
  const { message, stack = "" } = error instanceof Error ? error : new Error(String(error));
  return new CommandFailed(EXIT.failed, `an unexpected error: ${message}`, stack.split("\n").slice(1));
}
