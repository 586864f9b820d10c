import { readFileSync } from "node:fs";
import { glob } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ask } from "./client.ts";
import { startWorld, type World } from "./harness.ts";

const ROOT = join(import.meta.dirname, "../..");

interface Page {
  readonly file: string;
  readonly text: string;
}

interface Document {
  readonly paths: Readonly<Record<string, object>>;
  readonly components: {
    readonly schemas: {
      readonly Problem: { readonly properties: { readonly code: { readonly enum: readonly string[] } } };
      readonly Event: { readonly properties: { readonly type: { readonly enum: readonly string[] } } };
    };
  };
}

const pages: Page[] = [];
/** All of our TypeScript, for words that stand in it as literals. */
let source = "";
let world: World;
let operations: Document["paths"];
let problems: readonly string[];
let publicEvents: readonly string[];
beforeAll(async () => {
  for await (const file of glob(["README.md", "docs/**/*.md"], { cwd: ROOT })) {
    pages.push({ file, text: readFileSync(join(ROOT, file), "utf8") });
  }
  for await (const file of glob("{gateway,providers,test}/**/*.ts", { cwd: ROOT })) source += readFileSync(join(ROOT, file), "utf8");
  world = await startWorld();
  const { url } = await world.start();
  const document = (await ask<Document>(url, "GET /openapi.json")).body;
  operations = document.paths;
  problems = document.components.schemas.Problem.properties.code.enum;
  publicEvents = document.components.schemas.Event.properties.type.enum;
});
afterAll(() => world.close());

/** What the pages say that is not so: `docs/x.md: word`. */
function unknown(pattern: RegExp, isKnown: (word: string, page: Page) => boolean): string[] {
  const found = pages.flatMap((page) => Array.from(page.text.matchAll(pattern), ([all, word = all]) => ({ page, word })));
  expect(found.length).toBeGreaterThan(10);
  return found.flatMap(({ page, word }) => (isKnown(word, page) ? [] : [`${page.file}: ${word}`]));
}

it("every address in the documentation is one of the interface", () => {
  const paths = Object.keys(operations);
  const known = paths.map((path) => new RegExp(`^${path.replaceAll(/\{\w+\}/g, "[^/]+")}$`));
  const isKnown = (path: string) => known.some((one) => one.test(path)) || paths.some((one) => one.startsWith(`${path}/`));
  expect(unknown(/(?<=[\s`(/$L])(\/(?:v1|webhooks)\/[\w\-/{}$.<>:]*[\w}>])/g, isKnown)).toEqual([]);
});

it("every problem, event and setting in it exists", () => {
  expect(unknown(/\b[45]\d\d `(\w+)`/g, (code) => problems.includes(code))).toEqual([]);
  const groups = new Set(publicEvents.map((type) => type.split(".")[0]!));
  const events = new RegExp(`\`((?:${[...groups, "compensation", "webhook", "webhook_endpoint"].join("|")})\\.[a-z_]+)\``, "g");
  expect(unknown(events, (type) => publicEvents.includes(type) || source.includes(`"${type}"`))).toEqual([]);
  expect(unknown(/`([A-Z]+(?:_[A-Z]+)+)(?:=[^`]*)?`/g, (name) => source.includes(name))).toEqual([]);
});

it("every link in it leads to a page, or a heading of one", () => {
  const isThere = (link: string, { file, text }: Page) => {
    const [path = "", heading] = link.split("#");
    const target = path === "" ? file : join(dirname(file), path);
    try {
      const there = path === "" ? text : readFileSync(join(ROOT, target), "utf8");
      return heading === undefined || there.split("\n").some((line) => line.startsWith("#") && anchorOf(line) === heading);
    } catch {
      return false;
    }
  };
  expect(unknown(/\]\((?!https?:)([^)\s]+)\)/g, isThere)).toEqual([]);
});

function anchorOf(heading: string): string {
  return heading
    .replace(/^#+ /, "")
    .toLowerCase()
    .replaceAll(/[^\w\- ]/g, "")
    .replaceAll(" ", "-");
}
