import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Fault, ProviderName } from "../../providers/sandbox/fault.ts";
import type { Movement } from "../../providers/sandbox/ledger.ts";
import { launchNode, type NodeProcess } from "./node-process.ts";

const MAIN = fileURLToPath(new URL("../../providers/sandbox/main.ts", import.meta.url));
const READY = /"controlUrl":"([^"]+)","stripeUrl":"([^"]+)","paypalUrl":"([^"]+)"/;
/** Below the ports that the system hands out to clients: nobody takes one while the sandbox is down. */
const LOWEST_PORT = 10_000;
const HIGHEST_PORT = 11_990;
const START_TRIES = 20;
const PATIENCE_MS = 2_000;

/** The sandbox as a process that can be killed: its books are in a file, written before an answer leaves. */
export interface SandboxProcess {
  readonly stripeUrl: string;
  readonly paypalUrl: string;
  /** The one that ran last. */
  current(): NodeProcess;
  /** Starts it again after its end: the same ports, the same books, no faults. */
  start(): Promise<void>;
  /** Rejects while it does not answer. */
  setFault(provider: ProviderName, fault: Fault): Promise<void>;
  clearFaults(provider: ProviderName): Promise<void>;
  ledger(): Promise<Movement[]>;
  close(): Promise<void>;
}

export async function startSandboxProcess(): Promise<SandboxProcess> {
  const dir = await mkdtemp(join(tmpdir(), "switchyard-sandbox-"));
  const launch = (port: number) => launchNode(MAIN, { SANDBOX_PORT: String(port), SANDBOX_STATE_FILE: join(dir, "state.jsonl") }, READY);
  const anyPort = () => LOWEST_PORT + Math.floor(Math.random() * (HIGHEST_PORT - LOWEST_PORT));
  let process = await tryAgain(() => launch(anyPort()));
  const [, controlUrl = "", stripeUrl = "", paypalUrl = ""] = process.ready;
  const port = Number(new URL(controlUrl).port);

  async function control<Body>(method: string, path: string, body?: unknown): Promise<Body> {
    const response = await fetch(controlUrl + path, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${await response.text()}`);
    return (await response.json()) as Body;
  }

  return {
    stripeUrl,
    paypalUrl,
    current: () => process,
    async start() {
      process = await tryAgain(() => launch(port));
    },
    setFault: (provider, fault) => control("PUT", `/${provider}/faults`, fault),
    clearFaults: (provider) => control("DELETE", `/${provider}/faults`),
    async ledger() {
      type Row = Omit<Movement, "amount"> & { readonly amount: number };
      const { movements } = await control<{ movements: Row[] }>("GET", "/ledger");
      return movements.map((row) => ({ ...row, amount: BigInt(row.amount) }));
    },
    async close() {
      await process.kill9();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** A port may be taken, for good or by what ended just now. */
async function tryAgain<T>(start: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await start();
    } catch (error) {
      if (tries >= START_TRIES) throw error;
    }
  }
}
