/** npm run check: everything that can be wrong without running the product. All checks run, each named and timed. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const module = (...path: string[]) => join(ROOT, "node_modules", ...path);

const CHECKS = {
  types: [module("typescript", "bin", "tsc"), "-p", "."],
  "types of the console": [module("typescript", "bin", "tsc"), "-p", "gateway/console"],
  "style and lint": [module("@biomejs", "biome", "bin", "biome"), "check", "--error-on-warnings"],
  "unused files, exports and dependencies": [module("knip", "bin", "knip.js")],
  "import rules": [
    module("dependency-cruiser", "bin", "dependency-cruise.mjs"),
    ...["--config", ".dependency-cruiser.cjs", "gateway", "providers", "routing", "test"],
  ],
  "schema.sql": [join(ROOT, "gateway", "cli", "schema.ts"), "--check"],
};

const failed: string[] = [];
const waiting = Object.entries(CHECKS);
// Two at a time: the longest uses one core.
await Promise.all([lane(), lane()]);
if (failed.length > 0) {
  console.error(`${failed.length} of ${Object.keys(CHECKS).length} checks failed: ${failed.join(", ")}`);
  process.exitCode = 1;
}

async function lane(): Promise<void> {
  for (let next = waiting.shift(); next; next = waiting.shift()) await check(...next);
}

/** Output only of what fails: a green check is one line. */
function check(name: string, command: readonly string[]): Promise<void> {
  const started = performance.now();
  return new Promise((resolve) => {
    execFile(process.execPath, command, { cwd: ROOT, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      console.log(`${error ? "FAILED" : "ok    "} ${name} (${seconds} s)`);
      if (error) {
        failed.push(name);
        process.stdout.write(`${stdout}${stderr}\n`);
      }
      resolve();
    });
  });
}
