import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, stat } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import { commandOf, waitUntil } from "../../../gateway/local/processes.ts";
import { startLocalRedis } from "../../../gateway/local/redis.ts";
import { redisAvailable, startTestRedis } from "../../support/redis.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const binary = process.env.SWITCHYARD_TEST_REDIS || "redis-server";
const silent = { log: () => {}, binary };
const MODULE = fileURLToPath(new URL("../../../gateway/local/redis.ts", import.meta.url));

/** What it answers to commands on one connection. */
function converse(url: string, ...commands: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port: Number(new URL(url).port), host: "127.0.0.1", timeout: 2_000 });
    let reply = "";
    socket.on("data", (chunk) => {
      reply += chunk;
    });
    socket.once("close", () => resolve(reply)).once("error", reject);
    socket.write([...commands, "QUIT"].map((command) => `${command}\r\n`).join(""));
  });
}

async function pidIn(dataDir: string): Promise<number> {
  return (JSON.parse(await readFile(join(dataDir, "redis.json"), "utf8")) as { pid: number }).pid;
}

const isGone = (pid: number) => waitUntil(async () => (await commandOf(pid)) === null, 30_000);

test("without a redis-server there is none", async () => {
  expect(await startLocalRedis({ dataDir: await temporaryDirectory(), log: () => {}, binary: "/nowhere/redis-server" })).toBeNull();
});

describe.skipIf(!redisAvailable())("with a redis-server", () => {
  test("it answers only to its password, keeps nothing, and stops", async () => {
    const dataDir = await temporaryDirectory();
    const redis = await startLocalRedis({ dataDir, ...silent });
    const { url } = redis!;
    expect(await converse(url, "PING")).toContain("NOAUTH");
    expect(await converse(url, `AUTH ${new URL(url).password}`, "CONFIG GET save")).toMatch(/save\r\n\$0/);
    expect((await stat(join(dataDir, "redis", "redis.conf"))).mode & 0o777).toBe(0o600);
    expect(await commandOf(await pidIn(dataDir))).not.toContain(new URL(url).password);
    await redis!.stop();
    await expect(converse(url, "PING")).rejects.toThrow();
  });

  test("it is shared by living gateways, and dies with a killed one", async () => {
    const dataDir = await temporaryDirectory();
    const script = `import { startLocalRedis } from ${JSON.stringify(MODULE)};
      const redis = await startLocalRedis({ dataDir: ${JSON.stringify(dataDir)}, log() {}, binary: ${JSON.stringify(binary)} });
      console.log(redis.url); setInterval(() => {}, 60_000);`;
    const gateway = spawn(process.execPath, ["--input-type=module-typescript", "-e", script], { stdio: ["ignore", "pipe", "inherit"] });
    onTestFinished(() => void gateway.kill("SIGKILL"));
    const [url] = (await once(createInterface({ input: gateway.stdout }), "line")) as [string];
    expect(await startLocalRedis({ dataDir, ...silent })).toMatchObject({ url, adopted: true });
    const pid = await pidIn(dataDir);
    gateway.kill("SIGKILL");
    expect(await isGone(pid)).toBe(true);
    const next = await startLocalRedis({ dataDir, ...silent });
    onTestFinished(() => next?.stop());
    expect(next).toMatchObject({ adopted: false });
  });

  test("the tests' own Redis can be emptied, stopped for a while, killed and brought back", async () => {
    const redis = await startTestRedis();
    onTestFinished(() => redis.stop());
    await converse(redis.url, "SET a 1");
    await redis.flushAll();
    expect(await converse(redis.url, "GET a")).toContain("$-1");
    redis.pause();
    const answer = converse(redis.url, "PING");
    const first = await Promise.race([answer.then(() => "answered"), new Promise((resolve) => setTimeout(resolve, 200, "waiting"))]);
    expect(first).toBe("waiting");
    redis.resume();
    expect(await answer).toContain("PONG");
    await redis.kill9();
    await expect(converse(redis.url, "PING")).rejects.toThrow();
    await redis.restart();
    expect(await converse(redis.url, "PING")).toContain("PONG");
  });
});
