import { styleText } from "node:util";
import type { Output, Surroundings } from "./surroundings.ts";

export type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";

/** Colours the text, where there are colours. */
export type Paint = (style: Style, text: string) => string;

/** Colours are for a terminal, and only where nobody objects: https://no-color.org, and `TERM=dumb`. */
export function paintFor(output: Output, env: Surroundings["env"]): Paint {
  const wanted = output.isTTY === true && !env.NO_COLOR && env.TERM !== "dumb";
  return wanted ? (style, text) => styleText(style, text, { validateStream: false }) : (_, text) => text;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** What others wrote (a reference, a reason) must not steer the terminal: control and direction characters are shown, not sent. */
export function printable(text: string): string {
  return text.replace(CONTROL, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

export interface Progress {
  /** What is going on, in a few words; replaces what was said before. */
  say(text: string): void;
  /** Nothing of it stays on the screen. */
  end(): void;
}

/** Milliseconds before the first line, and between two, of progress that does not go to a terminal. */
const QUIET_MS = 5_000;

/** How long work goes on, on standard error: one line that changes on a terminal, now and then a line elsewhere. */
export function progressOn({ stderr, clock }: Pick<Surroundings, "stderr" | "clock">): Progress {
  let saidAt = clock.monotonic();
  let shown = false;
  return {
    say(text) {
      if (stderr.isTTY) {
        const width = Math.max(20, (stderr.columns ?? 80) - 1);
        stderr.write(`\r\u001b[2K${text.slice(0, width)}`);
        shown = true;
        return;
      }
      if (clock.monotonic() - saidAt < QUIET_MS) return;
      saidAt = clock.monotonic();
      stderr.write(`${text}\n`);
    },
    end() {
      if (shown) stderr.write("\r\u001b[2K");
      shown = false;
    },
  };
}
