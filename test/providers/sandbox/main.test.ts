import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { prepareIntent, stripeAt } from "./sdk-clients.ts";

const main = new URL("../../../providers/sandbox/main.ts", import.meta.url).pathname;

let folder: string;
const running: ChildProcess[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sandbox-"));
});
afterEach(async () => {
  for (const child of running.splice(0)) child.kill("SIGKILL");
  await rm(folder, { recursive: true });
});

async function start(env: Record<string, string>): Promise<{ child: ChildProcess; stripeUrl: string; controlUrl: string }> {
  const child = spawn(process.execPath, [main], {
    env: { PATH: process.env.PATH, SANDBOX_PORT: "0", ...env },
    stdio: ["pipe", "pipe", "inherit"],
  });
  running.push(child);
  const [line] = (await once(createInterface(child.stdout!), "line")) as [string];
  return { child, ...(JSON.parse(line) as { stripeUrl: string; controlUrl: string }) };
}

describe("the sandbox as a process", () => {
  it("prints its addresses, and ends on SIGTERM", async () => {
    const { child, controlUrl } = await start({});
    expect((await fetch(controlUrl)).status).toBe(200);
    child.kill("SIGTERM");
    expect(await once(child, "exit")).toEqual([0, null]);
  });

  it("ends with its parent where told to", async () => {
    const { child } = await start({ SANDBOX_EXIT_WITH_PARENT: "1" });
    child.stdin!.end();
    expect(await once(child, "exit")).toEqual([0, null]);
  });

  it("remembers after kill -9 what it answered", async () => {
    const env = { SANDBOX_STATE_FILE: join(folder, "state.jsonl") };
    const first = await start(env);
    const { id } = await prepareIntent(stripeAt(first.stripeUrl), "pm_card_visa", { confirm: true });
    first.child.kill("SIGKILL");
    await once(first.child, "exit");
    const second = await start(env);
    expect((await stripeAt(second.stripeUrl).paymentIntents.retrieve(id)).status).toBe("succeeded");
    const ledger = (await (await fetch(`${second.controlUrl}/ledger`)).json()) as { movements: unknown[] };
    expect(ledger.movements).toHaveLength(1);
  });

  it("ends when one of its ports is taken", async () => {
    const { child, controlUrl } = await start({});
    const taken = spawn(process.execPath, [main], {
      env: { PATH: process.env.PATH, SANDBOX_PORT: String(Number(new URL(controlUrl).port) - 1) },
      stdio: "ignore",
    });
    running.push(taken);
    expect(await once(taken, "exit")).toEqual([1, null]);
    expect(child.exitCode).toBeNull();
  });

  it("refuses a port that is none", async () => {
    const child = spawn(process.execPath, [main], {
      env: { PATH: process.env.PATH, SANDBOX_PORT: "http" },
      stdio: ["ignore", "ignore", "pipe"],
    });
    running.push(child);
    let said = "";
    child.stderr!.on("data", (chunk) => {
      said += chunk;
    });
    expect(await once(child, "exit")).toEqual([1, null]);
    expect(said).toContain('SANDBOX_PORT is 0 to 65533, not "http"');
  });
});
