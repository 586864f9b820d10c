/**
 * npm run bench:routing: the product's own routing against published rules, in worlds that all of them share, on a virtual clock.
 * What the numbers mean, and what not: docs/routing-benchmark.md.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Grid, measureGrid } from "./grid.ts";
import { type BenchOptions, readOptions, USAGE } from "./options.ts";
import { regretPicture } from "./picture.ts";
import { BASELINES, FEWER_POLICIES, POLICIES, PRODUCT } from "./policies.ts";
import { machineLine, reportMarkdown, settingsLine, type Table } from "./report.ts";
import { FOUR_PROVIDERS, MAIN_SCENARIOS, OTHER_SCENARIOS, type Scenario } from "./scenarios.ts";

const EXIT_USAGE = 64;
const USUAL_RATE = 20;
const PAGE = fileURLToPath(new URL("../../../docs/routing-benchmark.md", import.meta.url));
const PICTURE = fileURLToPath(new URL("../../../docs/routing-regret.svg", import.meta.url));
const GENERATED = /(<!-- measured -->\n)[\s\S]*(<!-- end -->)/;
const RIVALS = { product: PRODUCT[0]!.name, baselines: BASELINES.map(({ name }) => name) };

/** Approval rates from 0.92 down; the first four are the usual ones. */
function approvalsOf(providers: number): number[] {
  const more = Array.from({ length: Math.max(0, providers - FOUR_PROVIDERS.length) }, (_, i) => 0.89 - 0.02 * i);
  return [...FOUR_PROVIDERS.slice(0, providers), ...more].sort((a, b) => b - a);
}

/** Each table as soon as it is measured: all of them take half an hour. */
async function* measured(options: BenchOptions): AsyncGenerator<Table> {
  const measure = async (
    title: string,
    scenarios: readonly Scenario[],
    perSecond: number,
    approvals: readonly number[],
  ): Promise<Table> => {
    const slow = perSecond > USUAL_RATE || approvals !== FOUR_PROVIDERS;
    const seeds = slow ? Math.ceil(options.seeds / 5) : options.seeds;
    const candidates = slow || scenarios !== MAIN_SCENARIOS ? FEWER_POLICIES : POLICIES;
    const policies = candidates.filter(({ name }) => options.policy === null || name.includes(options.policy) || name === RIVALS.product);
    const onScenario = (name: string): void => {
      process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${title}: ${name}\n`);
    };
    const seconds = 60 * options.minutes;
    const grid = await measureGrid({ scenarios, policies, approvals, perSecond, seconds, set: options.set, seeds, onScenario });
    return { title, seeds, grid };
  };
  const rate = (perSecond: number): string => `${perSecond} charges/s`;
  const [usual, fast] = [options.rates.filter((each) => each <= USUAL_RATE), options.rates.filter((each) => each > USUAL_RATE)];
  for (const each of usual) yield await measure(`${rate(each)}, four providers`, MAIN_SCENARIOS, each, FOUR_PROVIDERS);
  if (usual.includes(USUAL_RATE)) yield await measure(`More weather, ${rate(USUAL_RATE)}`, OTHER_SCENARIOS, USUAL_RATE, FOUR_PROVIDERS);
  for (const each of fast) yield await measure(`${rate(each)}, four providers`, MAIN_SCENARIOS, each, FOUR_PROVIDERS);
  for (const k of options.providers) yield await measure(`${k} providers, ${rate(USUAL_RATE)}`, MAIN_SCENARIOS, USUAL_RATE, approvalsOf(k));
}

function write(tables: readonly Table[], options: BenchOptions): void {
  const date = new Date().toISOString().slice(0, 10);
  const text = `Measured ${date} on ${machineLine()}; ${settingsLine(options)}.\n\n${reportMarkdown(tables, RIVALS)}\n`;
  writeFileSync(
    PAGE,
    readFileSync(PAGE, "utf8").replace(GENERATED, (_, begin, end) => `${begin}${text}${end}`),
  );
  const usual = tables.find(({ grid }) => grid.perSecond === USUAL_RATE)?.grid;
  if (usual) writeFileSync(PICTURE, picture(usual, options));
}

function picture(grid: Grid, options: BenchOptions): string {
  const title = `Regret in percentage points of charges, ${grid.perSecond} charges/s, ${settingsLine(options)}`;
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
if (!options.json) process.stdout.write(`${machineLine()}\n${settingsLine(options)}\n`);
for await (const table of measured(options)) {
  tables.push(table);
  if (!options.json) process.stdout.write(`\n${reportMarkdown([table], RIVALS)}\n`);
  if (options.write) write(tables, options);
}
if (options.json) process.stdout.write(`${JSON.stringify({ machine: machineLine(), options, tables }, null, 2)}\n`);
