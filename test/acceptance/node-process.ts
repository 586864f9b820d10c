import { type ChildProcess, spawn } from "node:child_process";
import { tmpdir } from "node:os";

/** Bytes of output that are kept to explain a failure. */
const KEPT_OUTPUT = 400_000;

/** A program of ours as a process of its own. */
export interface NodeProcess {
  readonly pid: number;
  /** What it printed when it was ready, as `ready` matched it. */
  readonly ready: RegExpExecArray;
  /** Its exit code; null: ended by a signal. */
  readonly ended: Promise<number | null>;
  isRunning(): boolean;
  /** kill -9, and waits for the end. */
  kill9(): Promise<void>;
  /** SIGTERM; its exit code. */
  stop(): Promise<number | null>;
  /** SIGSTOP: it keeps its connections, and does nothing until `thaw`. */
  freeze(): void;
  thaw(): void;
  /** The end of its log. */
  log(): string;
}

export class StartRefused extends Error {
  override readonly name = "StartRefused";
  readonly code: number | null;
  readonly stderr: string;

  constructor(code: number | null, stderr: string) {
    super(`the process ended with ${code}: ${stderr}`);
    this.code = code;
    this.stderr = stderr;
  }
}

/** Resolves when it has printed `ready`; rejects with `StartRefused` when it ends before that. Nothing of our own environment reaches it. */
export async function launchNode(file: string, env: Readonly<Record<string, string>>, ready: RegExp): Promise<NodeProcess> {
  const child = spawn(process.execPath, [file], { env: { ...env }, cwd: tmpdir(), stdio: ["ignore", "pipe", "pipe"] });
  const guard = guardOf(child);
  let stdout = "";
  let stderr = "";
  child.stderr?.on("data", (chunk) => (stderr = `${stderr}${chunk}`.slice(-KEPT_OUTPUT)));
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  void ended.then(() => guard.kill("SIGKILL"));
  const found = await new Promise<RegExpExecArray | null>((resolve) => {
    child.stdout?.on("data", (chunk) => {
      stdout = `${stdout}${chunk}`.slice(-KEPT_OUTPUT);
      const match = ready.exec(stdout);
      if (match) resolve(match);
    });
    void ended.then(() => resolve(null));
  });
  if (found === null) throw new StartRefused(await ended, stderr);
  const end = (signal: NodeJS.Signals) => {
    child.kill(signal);
    return ended;
  };
  return {
    pid: child.pid!,
    ready: found,
    ended,
    isRunning: () => child.exitCode === null && child.signalCode === null,
    kill9: async () => void (await end("SIGKILL")),
    stop: () => end("SIGTERM"),
    freeze: () => void child.kill("SIGSTOP"),
    thaw: () => void child.kill("SIGCONT"),
    log: () => `${stdout}${stderr}`,
  };
}

/** Ends the child when this process is gone, even by kill -9: the pipe that `cat` reads breaks then. */
function guardOf(child: ChildProcess): ChildProcess {
  const guard = spawn("/bin/sh", ["-c", `cat >/dev/null; kill -9 ${child.pid}`], { stdio: ["pipe", "ignore", "ignore"], detached: true });
  guard.stdin?.on("error", () => {});
  guard.unref();
  return guard;
}
