import { type Paint, printable, type Style } from "./terminal.ts";

/** A cell: a text, or one with a colour. */
export type Cell = string | { readonly text: string; readonly style: Style };

export interface Column {
  readonly head: string;
  /** Numbers stand under each other by their last digit. */
  readonly right?: boolean;
}

export interface TableOptions {
  readonly paint: Paint;
  /** Columns of the terminal; undefined: no terminal, and nothing is cut. */
  readonly width: number | undefined;
}

const GAP = "  ";

/** Rows under their heads, one line each. On a terminal the last column is cut to its width: the whole text is in --json. */
export function table(columns: readonly Column[], rows: readonly (readonly Cell[])[], { paint, width }: TableOptions): string {
  const texts = rows.map((row) => row.map((cell) => printable(typeof cell === "string" ? cell : cell.text)));
  const widths = columns.map(({ head }, i) => Math.max(head.length, ...texts.map((row) => (row[i] as string).length)));
  const before = widths.slice(0, -1).reduce((sum, one) => sum + one + GAP.length, 0);
  const room = width === undefined ? Number.POSITIVE_INFINITY : Math.max(10, width - before);
  const fitted = (text: string, i: number): string => {
    if (i === columns.length - 1 && text.length > room) return `${text.slice(0, room - 1)}…`;
    return columns[i]?.right ? text.padStart(widths[i] as number) : text.padEnd(widths[i] as number);
  };
  const head = columns.map(({ head }, i) => paint("bold", fitted(head, i)));
  const body = rows.map((row, at) =>
    row.map((cell, i) => {
      const text = fitted((texts[at] as string[])[i] as string, i);
      return typeof cell === "string" ? text : paint(cell.style, text);
    }),
  );
  return [head, ...body].map((line) => `${line.join(GAP).trimEnd()}\n`).join("");
}
