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

/**
 * Below the ports that Linux (32768 up) and macOS (49152 up) hand out to outgoing connections: while a server is away, none of its own clients
 * may get its port for trying to reach it.
 */
const LOWEST_PORT = 12_000;
const HIGHEST_PORT = 32_000;
const PORT_TRIES = 50;

/** A port on 127.0.0.1 that is free now: the wanted one if it can be had. It may be taken before it is used: retry. */
export async function freePort(wanted = 0): Promise<number> {
  if (wanted !== 0 && (await isFree(wanted))) return wanted;
  for (let tries = 1; tries <= PORT_TRIES; tries += 1) {
    const port = LOWEST_PORT + Math.floor(Math.random() * (HIGHEST_PORT - LOWEST_PORT));
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port from ${LOWEST_PORT} to ${HIGHEST_PORT}`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => server.close(() => resolve(true)));
  });
}
