/**
 * npm test [vitest's arguments]: finds or installs a Redis, then runs the tests. With CI set nothing may be skipped:
 * a missing Redis and a skipped test are failures.
 */
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findTestRedis } from "./test-redis.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const inCi = Boolean(process.env.CI) && process.env.CI !== "false";

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const redis = await findTestRedis(join(ROOT, "node_modules", ".cache"), (line) => console.error(`switchyard: ${line}`));
  if (redis === null)
    console.error(`\n*** no redis-server on PATH, and none could be installed: ${inCi ? "CI needs one" : "its tests are skipped"} ***\n`);
  if (redis === null && inCi) return 1;
  const scratch = await mkdtemp(join(tmpdir(), "switchyard-report-"));
  try {
    const report = join(scratch, "report.json");
    const reporters = inCi ? ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`] : [];
    const code = await vitest(["run", ...reporters, ...args], redis);
    if (code !== 0 || !inCi) return code;
    const skipped = skippedTests(JSON.parse(await readFile(report, "utf8")));
    if (skipped.length > 0) console.error(`\n*** ${skipped.length} tests were skipped, and CI skips nothing:\n${skipped.join("\n")}`);
    return skipped.length > 0 ? 1 : 0;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

function vitest(args: readonly string[], redis: string | null): Promise<number> {
  const program = join(ROOT, "node_modules", "vitest", "vitest.mjs");
  const env = redis === null ? process.env : { ...process.env, SWITCHYARD_TEST_REDIS: redis };
  const child = spawn(process.execPath, [program, ...args], { cwd: ROOT, stdio: "inherit", env });
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, () => child.kill(name));
  return new Promise((resolve) => child.once("exit", (code) => resolve(code ?? 1)));
}

interface Report {
  readonly testResults: readonly { readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[] }[];
}

function skippedTests(report: Report): string[] {
  const tests = report.testResults.flatMap((file) => file.assertionResults);
  return tests.filter(({ status }) => !["passed", "failed"].includes(status)).map(({ status, fullName }) => `  ${status}: ${fullName}`);
}
