import { type ChildProcess, spawn } from "node:child_process";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../gateway/main.ts", import.meta.url));
const READY = /Switchyard is ready on (http:\/\/\S+) /;
/** Bytes of output that are kept to explain a failure. */
const KEPT_OUTPUT = 400_000;

/** `node gateway/main.ts` as a process of its own. */
export interface Gateway {
  readonly url: string;
  readonly pid: number;
  /** Its exit code; null: ended by a signal. */
  readonly ended: Promise<number | null>;
  isRunning(): boolean;
  /** kill -9, and waits for the end. */
  kill9(): Promise<void>;
  /** SIGTERM; its exit code. */
  stop(): Promise<number | null>;
  /** The end of its log. */
  log(): string;
}

export class StartRefused extends Error {
  override readonly name = "StartRefused";
  readonly code: number | null;
  readonly stderr: string;

  constructor(code: number | null, stderr: string) {
    super(`the gateway ended with ${code}: ${stderr}`);
    this.code = code;
    this.stderr = stderr;
  }
}

/** Resolves when it listens; rejects with `StartRefused` when it ends before that. Nothing of our own environment reaches it. */
export async function launchGateway(env: Readonly<Record<string, string>>): Promise<Gateway> {
  // Without a PATH it finds no redis-server to start by itself: it has the one that it is given, or none.
  const child = spawn(process.execPath, [MAIN], { env: { ...env }, cwd: tmpdir(), stdio: ["ignore", "pipe", "pipe"] });
  const guard = guardOf(child);
  let stdout = "";
  let stderr = "";
  child.stderr?.on("data", (chunk) => (stderr += chunk));
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  void ended.then(() => guard.kill("SIGKILL"));
  const url = await new Promise<string | null>((resolve) => {
    child.stdout?.on("data", (chunk) => {
      stdout = `${stdout}${chunk}`.slice(-KEPT_OUTPUT);
      const ready = READY.exec(stdout)?.[1];
      if (ready) resolve(ready);
    });
    void ended.then(() => resolve(null));
  });
  if (url === null) throw new StartRefused(await ended, stderr);
  const end = (signal: NodeJS.Signals) => {
    child.kill(signal);
    return ended;
  };
  return {
    url,
    pid: child.pid!,
    ended,
    isRunning: () => child.exitCode === null && child.signalCode === null,
    kill9: async () => void (await end("SIGKILL")),
    stop: () => end("SIGTERM"),
    log: () => `${stdout}${stderr}`,
  };
}

/** Ends the gateway when this process is gone, even by kill -9: the pipe that `cat` reads breaks then. */
function guardOf(child: ChildProcess): ChildProcess {
  const guard = spawn("/bin/sh", ["-c", `cat >/dev/null; kill -9 ${child.pid}`], { stdio: ["pipe", "ignore", "ignore"], detached: true });
  guard.stdin?.on("error", () => {});
  guard.unref();
  return guard;
}
