export type CsvCell = string | number | bigint | Date | null;

/** What a spreadsheet takes for the beginning of a formula; also after the white space that it trims. */
const FORMULA = /^[\s\u00a0\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20]|^[\t\r\n]/u;

/**
 * RFC 4180: a header row, CRLF after every row, quotes where needed. Text that a spreadsheet would run as a formula gets an
 * apostrophe before it; numbers do not, also negative ones. null is an empty cell.
 */
export function toCsv(columns: readonly string[], rows: Iterable<readonly CsvCell[]>): string {
  let csv = "";
  for (const row of [columns, ...rows]) csv += `${row.map(cellText).join(",")}\r\n`;
  return csv;
}

function cellText(cell: CsvCell): string {
  if (cell === null) return "";
  if (cell instanceof Date) return cell.toISOString();
  if (typeof cell !== "string") return cell.toString();
  const text = FORMULA.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
