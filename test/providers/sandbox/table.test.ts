import { describe, expect, it } from "vitest";
import { Tables } from "../../../providers/sandbox/table.ts";

describe("a table", () => {
  const fill = (rows: number, done: (row: number) => boolean) => {
    const table = new Tables(null).create<number>("numbers", 320, done);
    for (let row = 0; row < rows; row += 1) table.put(String(row), row);
    return [...table.values()];
  };

  it("drops its oldest rows when it is full", () => {
    const rows = fill(1_000, () => true);
    expect(rows.length).toBeLessThanOrEqual(330);
    expect(rows.at(-1)).toBe(999);
    expect(rows).toEqual([...rows].sort((a, b) => a - b));
    expect(rows[0]).toBe(1_000 - rows.length);
  });

  it("drops finished rows before unfinished ones", () => {
    const rows = fill(1_000, (row) => row % 10 !== 0);
    expect(rows.filter((row) => row % 10 === 0)).toHaveLength(100);
  });

  it("stays bounded when no row is ever finished", () => {
    expect(fill(1_000, () => false).length).toBeLessThanOrEqual(330);
  });
});
