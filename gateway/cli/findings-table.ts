import type { Finding } from "../store/read-findings.ts";

const HEAD = ["kind", "provider", "subject", "charge", "ours", "theirs", "currency"];

/** What a run found, for people: what was read, the differences one a line, and what could not be verified. */
export function findingsTable(report: Readonly<Record<string, unknown>>, findings: readonly Finding[], whole: boolean): string {
  const records = Object.entries((report.records ?? {}) as Record<string, number>);
  const read = records.map(([list, count]) => `${list.replace(".", " ")} ${count}`).join(", ");
  const none = whole ? "no differences" : "no differences in what could be compared";
  const lines = [`read: ${read || "nothing"}`, findings.length === 0 ? none : `differences: ${findings.length}`];
  if (findings.length > 0) lines.push("", ...table([HEAD, ...findings.map(cells)]));
  const { count, first } = (report.unverified ?? { count: 0, first: [] }) as {
    count: number;
    first: { provider: string; subject: string }[];
  };
  if (count > 0)
    lines.push("", `the provider would not say (no finding): ${count}`, ...first.map((one) => `  ${one.provider} ${one.subject}`));
  return lines.join("\n");
}

function cells(finding: Finding): string[] {
  const { kind, provider, subject, charge_id, our_amount, their_amount, currency } = finding;
  return [kind, provider, subject, charge_id ?? "-", String(our_amount ?? "-"), String(their_amount ?? "-"), currency ?? "-"];
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => (row[column] as string).length)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] as number))
      .join("  ")
      .trimEnd(),
  );
}
