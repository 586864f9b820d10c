/** RFC 4180, read back: rows of cells. */
export function csvRows(text: string): string[][] {
  const rows: string[][] = [];
  for (const line of text.split("\r\n")) {
    if (line === "") continue;
    const cells = line.match(/("([^"]|"")*"|[^,]*)(,|$)/g) ?? [];
    rows.push(
      cells.slice(0, line.endsWith(",") ? undefined : -1).map((cell) =>
        cell
          .replace(/,$/, "")
          .replace(/^"(.*)"$/, "$1")
          .replaceAll('""', '"'),
      ),
    );
  }
  return rows;
}
