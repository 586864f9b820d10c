import { type ChildProcess, spawn } from "node:child_process";

const STOP_TIMEOUT_MS = 30_000;

/** A Node program of ours with a message channel; it ends when the channel does, so that it cannot outlive the benchmark. */
export interface Part {
  readonly pid: number;
  readonly child: ChildProcess;
  /** The next message. Rejects when the process ends before it. */
  heard<T>(): Promise<T>;
  stop(): Promise<void>;
}

export function startPart(file: URL, args: readonly string[] = []): Part {
  const child = spawn(process.execPath, [file.pathname, ...args], {
    env: { PATH: process.env.PATH, NODE_ENV: "production" },
    stdio: ["ignore", "ignore", "inherit", "ipc"],
    serialization: "advanced",
  });
  const name = file.pathname.split("/").at(-1);
  return {
    pid: child.pid!,
    child,
    heard: <T>() =>
      new Promise<T>((resolve, reject) => {
        const ended = (code: number | null): void => reject(new Error(`${name} ended with ${code}`));
        child.once("exit", ended);
        child.once("message", (message) => {
          child.off("exit", ended);
          resolve(message as T);
        });
      }),
    stop: () => stopProcess(child),
  };
}

/** SIGTERM, and SIGKILL for what does not end. */
export function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    const kill = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
    child.once("exit", () => {
      clearTimeout(kill);
      resolve();
    });
    child.kill("SIGTERM");
  });
}

/** Ends `child` when this process is gone, even by kill -9: the pipe that `cat` reads breaks then. */
export function guard(child: ChildProcess): void {
  const keeper = spawn("/bin/sh", ["-c", `cat >/dev/null; kill -9 ${child.pid}`], { stdio: ["pipe", "ignore", "ignore"], detached: true });
  keeper.stdin?.on("error", () => {});
  keeper.unref();
  child.once("exit", () => keeper.kill("SIGKILL"));
}
