import { spawn } from "node:child_process";
import { signal, waitUntil } from "./processes.ts";

/** A server that cannot outlive this process. */
export interface KeptProcess {
  readonly pid: number;
  /** kill -9, and waits for it. */
  end(): Promise<void>;
}

const START_TIMEOUT_MS = 20_000;
const END_TIMEOUT_MS = 5_000;

/**
 * The shell holds our pipe: when that ends, even by kill -9 of this process, `cat` returns and the server is ended. Its
 * first line is the server's process id. Killed at once, because it may be stopped (SIGSTOP) and has nothing to save.
 */
const KEEPER = '"$@" </dev/null >/dev/null 2>&1 & pid=$!; echo $pid; cat >/dev/null; kill -9 $pid; wait $pid';

export async function startKept(command: readonly string[], cwd: string): Promise<KeptProcess> {
  // Its own session: Ctrl-C in a terminal reaches this process alone, which ends the server when it is done with it.
  const keeper = spawn("/bin/sh", ["-c", KEEPER, "sh", ...command], { stdio: ["pipe", "pipe", "ignore"], detached: true, cwd });
  let ended = false;
  keeper.once("exit", () => (ended = true)).once("error", () => (ended = true));
  keeper.stdin.on("error", () => {});
  let line = "";
  keeper.stdout.on("data", (chunk: Buffer) => (line += chunk));
  await waitUntil(() => ended || line.endsWith("\n"), START_TIMEOUT_MS, 2);
  const pid = Number(line);
  if (!(pid > 0)) throw new Error(`could not start ${command[0]}`);
  // It must not keep this process alive either.
  keeper.unref();
  keeper.stdout.destroy();
  if ("unref" in keeper.stdin && typeof keeper.stdin.unref === "function") keeper.stdin.unref();
  return {
    pid,
    async end() {
      if (!ended) signal(pid, "SIGKILL");
      keeper.stdin.end();
      await waitUntil(() => ended, END_TIMEOUT_MS);
    },
  };
}
