import type { Command } from "commander";
import type { Check } from "./doctor/check.ts";
import { examine } from "./doctor/examine.ts";
import { EXIT, type ExitCode } from "./exit-code.ts";
import { addVerb, type Session, type Tool } from "./session.ts";
import { type Paint, printable, type Style } from "./terminal.ts";
import { countOf } from "./words.ts";

export function addDoctor(tool: Tool, program: Command): void {
  addVerb(tool, program, {
    name: "doctor",
    summary: "look at settings, database, Redis, processors, clocks and the gateway, and say how to mend what is wrong; changes nothing",
    roles: ["ops", "finance"],
    shape: (command) =>
      command.addHelpText(
        "after",
        "\nIt reads the same environment as the gateway would: run it where, and as whom, the gateway is started. Ends with 3 where it finds a fault.",
      ),
    run: (session) => diagnose(session),
  });
}

async function diagnose(session: Session): Promise<ExitCode> {
  const checks = await session.working((say) => examine(session, (what) => say(`looking at ${what}`)));
  const faults = checks.filter(({ state }) => state === "fault").length;
  const warnings = checks.filter(({ state }) => state === "warning").length;
  if (session.json) session.printJson({ object: "examination", faults, warnings, checks });
  else session.print(`${checks.map((check) => lineOf(check, session.paint)).join("\n")}\n\n${verdict(faults, warnings)}`);
  return faults > 0 ? EXIT.found : EXIT.ok;
}

const SIGNS: Readonly<Record<Check["state"], readonly [string, Style]>> = {
  ok: ["ok     ", "green"],
  warning: ["warning", "yellow"],
  fault: ["FAULT  ", "red"],
  skipped: ["-      ", "dim"],
};

function lineOf({ id, state, found, mend }: Check, paint: Paint): string {
  const [sign, style] = SIGNS[state];
  const line = `${paint(style, sign)}  ${id.padEnd(22)} ${printable(found)}`;
  return mend === null ? line : `${line}\n${" ".repeat(32)}${paint("bold", "->")} ${printable(mend)}`;
}

function verdict(faults: number, warnings: number): string {
  const also = warnings > 0 ? ` ${countOf(warnings, "warning")}.` : "";
  return faults === 0 ? `Nothing is wrong.${also}` : `${countOf(faults, "fault")}.${also}`;
}
