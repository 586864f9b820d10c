import type { Grid } from "./grid.ts";

const WIDTH = 900;
const LEFT = 250;
const BAR = 9;
const GROUP_GAP = 26;
const TOP = 60;
/** Percentage points; longer bars are cut, with their value beside them. */
const SCALE_END = 4;
const PRODUCT_COLOUR = "#1f6feb";
const RIVAL_COLOURS = ["#8c959f", "#57606a"];

/** Regret per scenario as horizontal bars: one group per scenario, one bar per policy, the intervals as lines. */
export function regretPicture(grid: Grid, title: string, isProduct: (policy: string) => boolean): string {
  const rows = grid.rows.filter(({ policy, seeds }) => policy !== "oracle" && seeds > 0);
  const groupHeight = rows.length * BAR + GROUP_GAP;
  const height = TOP + grid.scenarios.length * groupHeight + 20;
  const x = (points: number): number => LEFT + (Math.min(points, SCALE_END) / SCALE_END) * (WIDTH - LEFT - 60);
  const parts: string[] = [];
  for (let points = 0; points <= SCALE_END; points++) {
    parts.push(`<line x1="${x(points)}" y1="${TOP - 12}" x2="${x(points)}" y2="${height - 20}" stroke="#d0d7de"/>`);
    parts.push(text(x(points), TOP - 18, "middle", `${points}`));
  }
  for (const [column, scenario] of grid.scenarios.entries()) {
    const top = TOP + column * groupHeight;
    parts.push(`<text x="8" y="${top + 8}" font-weight="bold">${escaped(scenario)}</text>`);
    for (const [i, { policy, cells }] of rows.entries()) {
      const { mean } = cells[column]!.regret;
      const half = Number.isFinite(cells[column]!.regret.half) ? cells[column]!.regret.half : 0;
      const y = top + i * BAR + 4;
      const colour = isProduct(policy) ? PRODUCT_COLOUR : RIVAL_COLOURS[i % 2]!;
      parts.push(text(LEFT - 4, y + 7, "end", policy));
      parts.push(`<rect x="${LEFT}" y="${y}" width="${round(x(mean) - LEFT)}" height="${BAR - 2}" fill="${colour}"/>`);
      const middle = y + (BAR - 2) / 2;
      parts.push(`<line x1="${round(x(mean - half))}" y1="${middle}" x2="${round(x(mean + half))}" y2="${middle}" stroke="#000"/>`);
      parts.push(text(x(mean + half) + 4, y + 7, "start", mean.toFixed(2)));
    }
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="11">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    `<text x="8" y="22" font-size="14" font-weight="bold">${escaped(title)}</text>`,
    ...parts,
    "</svg>",
    "",
  ].join("\n");
}

function text(x: number, y: number, anchor: "start" | "middle" | "end", content: string): string {
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}" font-size="8">${escaped(content)}</text>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escaped(content: string): string {
  return content.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
