import { Argument, type Command } from "commander";
import { CommandFailed, EXIT } from "./exit-code.ts";
import type { Page } from "./gateway-client.ts";
import { MODE_WORDS, MODES, type Mode, type ProviderJson, untilText } from "./provider-words.ts";
import { addVerb, type Session, type Tool } from "./session.ts";
import { printable } from "./terminal.ts";
import { parseSpan } from "./when.ts";
import { listOf } from "./words.ts";

interface Options {
  readonly reason?: string;
  readonly for?: number;
}

export function addForce(tool: Tool, program: Command): void {
  addVerb<Options>(tool, program, {
    name: "force",
    summary: "force a decision about a processor, on every gateway within a second; `clear` ends it",
    roles: ["ops"],
    shape: (command) =>
      command
        .argument("<provider>", "its id, as `switchyard providers` shows it")
        .addArgument(new Argument("<mode>", "what to do with it").choices([...MODES, "clear"]))
        .option("--reason <text>", "why: shown with the processor, and kept in the audit trail")
        .option("--for <span>", "how long: 30m, 2h, 1d (default: until it is cleared)", parseSpan)
        .addHelpText("after", `\n${MODES.map((mode) => `  ${mode.padEnd(6)} it ${MODE_WORDS[mode]}`).join("\n")}`),
    async run(session, options, [id, mode]) {
      const path = `/v1/providers/${encodeURIComponent(id as string)}/override`;
      const provider = mode === "clear" ? await clear(session, path, options) : await force(session, path, mode as Mode, options);
      if (session.json) session.printJson(provider);
      else session.print(printable(sentence(provider, session.nowMs)));
      await warnOfNone(session);
      return undefined;
    },
  });
}

async function force(session: Session, path: string, mode: Mode, options: Options): Promise<ProviderJson> {
  const { reason, for: expires_in } = options;
  if (!reason?.trim()) throw new CommandFailed(EXIT.usage, 'a forced decision needs a reason: --reason "incident 4711"');
  return session.gateway.send("PUT", path, { mode, reason, ...(expires_in === undefined ? {} : { expires_in }) });
}

async function clear(session: Session, path: string, { reason, for: seconds }: Options): Promise<ProviderJson> {
  if (reason !== undefined || seconds !== undefined) throw new CommandFailed(EXIT.usage, "clear takes neither --reason nor --for");
  return session.gateway.send("DELETE", path);
}

function sentence({ id, override, health, reason }: ProviderJson, nowMs: number): string {
  if (override) return `${id} is forced ${override.mode} ${untilText(override, nowMs)}: it ${MODE_WORDS[override.mode]}.`;
  return `${id} is not forced any more; by its health it is ${health}${reason === null ? "" : ` (${reason})`}.`;
}

/** The one thing that nobody wants to find out later. */
async function warnOfNone(session: Session): Promise<void> {
  const { data } = await session.gateway.get<Page<ProviderJson>>("/v1/providers");
  if (data.some(({ health }) => health !== "unavailable")) return;
  const all = listOf(data.map(({ id, reason }) => `${id} (${reason ?? "unavailable"})`));
  session.note(`Attention: no processor takes new attempts now: ${printable(all)}. Charges are deferred, and collected when one returns.`);
}
