// Builds the console when its sources have changed since the last build. Plain JavaScript, and nothing but Node's own modules.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const CONSOLE = join("gateway", "console");
/** What the files in dist/ were made from. Inside it, so that it vanishes with it. */
const STAMP = "built-from";
/** Of the sources: the rest is made, or is for people. */
const NOT_SOURCES = new Set(["dist", "README.md", "tsconfig.json"]);
/** The gateway's own code that is built into it. */
const SHARED = [join("gateway", "http", "csv.ts"), join("providers", "contract", "money.ts")];

/**
 * Leaves the console as it is when it is current, or when there is nothing to build it with or from (an image without
 * development dependencies brings it built). A build that fails throws.
 * @param {string} root
 * @param {string} node the pinned one
 * @param {(line: string) => void} say
 */
export function ensureConsole(root, node, say) {
  const vite = join(root, "node_modules", "vite", "bin", "vite.js");
  const stamp = join(root, CONSOLE, "dist", STAMP);
  if (!existsSync(vite) || !existsSync(join(root, CONSOLE, "index.html"))) return;
  const wanted = fingerprint(root);
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  say("building the console");
  // Whatever NODE_ENV says here: a test's console is the one that people get.
  const env = { ...process.env, NODE_ENV: "production" };
  const done = spawnSync(node, [vite, "build", CONSOLE, "--logLevel", "warn"], { cwd: root, env, stdio: ["ignore", 2, 2] });
  if (done.status !== 0) throw new Error("the console could not be built, see above");
  writeFileSync(stamp, wanted);
}

/** Of every source file and of the packages that are built into it. */
function fingerprint(root) {
  const hash = createHash("sha256").update(readFileSync(join(root, "package-lock.json")));
  for (const file of [...filesIn(join(root, CONSOLE)), ...SHARED.map((path) => join(root, path))].sort()) {
    hash.update(`\0${relative(root, file)}\0`).update(readFileSync(file));
  }
  return `${hash.digest("hex")}\n`;
}

function filesIn(dir) {
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    if (NOT_SOURCES.has(entry.name)) return [];
    return entry.isDirectory() ? filesIn(join(dir, entry.name)) : [join(dir, entry.name)];
  });
}

// By itself, for an image: node gateway/cli/build-console.mjs
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  ensureConsole(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), process.execPath, (line) =>
    console.error(`switchyard: ${line}`),
  );
}
