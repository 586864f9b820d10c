/** npm run check: everything that can be wrong without running the product. All checks run, each named and timed. */
import { spawnSync } from "node:child_process";
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
for (const [name, command] of Object.entries(CHECKS)) {
  const started = performance.now();
  // Output only of what fails: a green check is one line.
  const done = spawnSync(process.execPath, command, { cwd: ROOT, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${done.status === 0 ? "ok    " : "FAILED"} ${name} (${seconds} s)`);
  if (done.status === 0) continue;
  failed.push(name);
  process.stdout.write(`${done.stdout}${done.stderr}\n`);
}
if (failed.length > 0) {
  console.error(`${failed.length} of ${Object.keys(CHECKS).length} checks failed: ${failed.join(", ")}`);
  process.exitCode = 1;
}
