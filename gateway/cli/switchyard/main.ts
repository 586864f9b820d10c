/** The command line `switchyard`: docs/command-line.md. Started by ../switchyard.mjs, on the pinned Node. */
import { statfs } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { systemClock } from "../../../providers/contract/clock.ts";
import { runSwitchyard } from "./program.ts";

// `switchyard charges list | head`: the reader has seen enough.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit();
});

process.exitCode = await runSwitchyard(process.argv.slice(2), {
  env: process.env,
  clock: systemClock,
  stdout: process.stdout,
  stderr: process.stderr,
  root: fileURLToPath(new URL("../../..", import.meta.url)),
  async freeBytes(path) {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  },
});
