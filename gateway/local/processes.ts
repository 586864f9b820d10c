import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { hasCode } from "./data-dir.ts";

/** Does a process with this id exist? A zombie still does: ask `commandOf` whether it is more than that. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return hasCode(error, "EPERM");
  }
}

/** The command line of a process; null when it is gone, or only a zombie waiting for its parent. */
export async function commandOf(pid: number): Promise<string | null> {
  if (!isAlive(pid)) return null;
  try {
    const raw = await readFile(`/proc/${pid}/cmdline`, "utf8");
    return raw === "" ? null : raw.replaceAll("\0", " ").trim();
  } catch {
    // No /proc (macOS), or the process ended while we looked.
    if (process.platform === "linux") return null;
    return new Promise((resolve) => execFile("ps", ["-p", String(pid), "-o", "command="], (_, out) => resolve(out.trim() || null)));
  }
}

/** Sends a signal; false when the process is gone. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch (error) {
    if (hasCode(error, "ESRCH")) return false;
    throw error;
  }
}

/** Polls until `done`, or until `timeoutMs` have passed; says which. */
export async function waitUntil(done: () => boolean | Promise<boolean>, timeoutMs: number, everyMs = 15): Promise<boolean> {
  const end = performance.now() + timeoutMs;
  while (!(await done())) {
    if (performance.now() > end) return false;
    await sleep(everyMs);
  }
  return true;
}

/** A port on 127.0.0.1 that is free now: the wanted one if it can be had. It may be taken before it is used: retry. */
export async function freePort(wanted = 0): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error) => (wanted === 0 ? reject(error) : freePort().then(resolve, reject)));
    server.listen({ port: wanted, host: "127.0.0.1", exclusive: true }, () => {
      const address = server.address();
      server.close(() => (address && typeof address === "object" ? resolve(address.port) : reject(new Error("no port"))));
    });
  });
}
