/**
 * npm run bench:routing: the product's own routing against published rules, in worlds that all of them share, on a virtual clock.
 * What the numbers mean, and what not: docs/routing-benchmark.md.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gateAloneMarkdown } from "./gate-alone.ts";
import { type Grid, measureGrid } from "./grid.ts";
import { keptRuns } from "./kept-runs.ts";
import { type BenchOptions, readOptions, USAGE } from "./options.ts";
import { regretPicture } from "./picture.ts";
import { planned, USUAL_RATE } from "./plan.ts";
import { BASELINES, PRODUCT } from "./policies.ts";
import { switchyardLocal, switchyardShared } from "./product.ts";
import { machineLine, reportMarkdown, settingsLine, type Table } from "./report.ts";

const EXIT_USAGE = 64;
const PAGE = fileURLToPath(new URL("../../../docs/routing-benchmark.md", import.meta.url));
const PICTURE = fileURLToPath(new URL("../../../docs/routing-regret.svg", import.meta.url));
const GENERATED = /(<!-- measured -->\n)[\s\S]*(<!-- end -->)/;
const RIVALS = {
  product: PRODUCT[0]!.name,
  baselines: BASELINES.map(({ name }) => name),
  instances: [switchyardShared.name, switchyardLocal.name],
};

function tell(line: string): void {
  process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${line}\n`);
}

/** Each table as soon as it is measured: all of them take long. Those without a single whole seed are left out. */
async function* measured(options: BenchOptions): AsyncGenerator<Table> {
  const { runs } = options;
  const source = runs === null ? {} : { runs: keptRuns(runs, { play: !options.keptOnly, onRun: tell }) };
  for (const { title, kind, ...plan } of planned(options)) {
    tell(title);
    const grid = await measureGrid({ ...plan, ...source });
    const ours = grid.rows.find(({ policy }) => policy === RIVALS.product);
    if (ours && ours.seeds > 0) yield { title, kind, grid };
  }
}

function write(tables: readonly Table[], gateAlone: string, options: BenchOptions): void {
  const date = new Date().toISOString().slice(0, 10);
  const text = `Measured ${date} on ${machineLine()}; ${settingsLine(options)}.\n\n${reportMarkdown(tables, RIVALS)}\n\n${gateAlone}\n`;
  writeFileSync(
    PAGE,
    readFileSync(PAGE, "utf8").replace(GENERATED, (_, begin, end) => `${begin}${text}${end}`),
  );
  const usual = tables.find(({ grid, kind }) => kind === "main" && grid.perSecond === USUAL_RATE)?.grid;
  if (usual) writeFileSync(PICTURE, picture(usual, options));
}

function picture(grid: Grid, options: BenchOptions): string {
  const title = `Regret in percentage points of charges, ${grid.perSecond} charges/s, ${grid.rows[0]?.seeds} seeds, ${settingsLine(options)}`;
  return regretPicture(grid, title, (policy) => PRODUCT.some(({ name }) => name === policy));
}

let options: BenchOptions;
try {
  options = readOptions(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n${USAGE}\n`);
  process.exit(EXIT_USAGE);
}
const tables: Table[] = [];
const gateAlone = options.write ? gateAloneMarkdown() : "";
if (!options.json) process.stdout.write(`${machineLine()}\n${settingsLine(options)}\n`);
for await (const table of measured(options)) {
  tables.push(table);
  if (!options.json) process.stdout.write(`\n${reportMarkdown([table], RIVALS)}\n`);
  if (options.write) write(tables, gateAlone, options);
}
if (options.json) process.stdout.write(`${JSON.stringify({ machine: machineLine(), options, tables }, null, 2)}\n`);
