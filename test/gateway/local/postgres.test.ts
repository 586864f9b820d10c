import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { expect, onTestFinished, test } from "vitest";
import { isRoot } from "../../../gateway/local/data-dir.ts";
import { type LocalPostgres, startLocalPostgres } from "../../../gateway/local/postgres.ts";
import { commandOf, signal, waitUntil } from "../../../gateway/local/processes.ts";
import { startOwnPostgres } from "../../support/database.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const PROGRAM = fileURLToPath(new URL("./postgres-start.ts", import.meta.url));

interface Started {
  url: string;
  pid: number;
  adopted: boolean;
  gateway: ChildProcess;
}

/** In a process of its own, so that it can be killed. */
async function startGateway(dataDir: string): Promise<Started> {
  const gateway = spawn(process.execPath, [PROGRAM, dataDir], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = (await once(createInterface({ input: gateway.stdout }), "line")) as [string];
  const started = { ...JSON.parse(line), gateway } as Started;
  onTestFinished(() => void (signal(started.pid, "SIGQUIT") && gateway.kill("SIGKILL")));
  return started;
}

async function end(gateway: ChildProcess, name: NodeJS.Signals): Promise<void> {
  const exit = once(gateway, "exit");
  gateway.kill(name);
  await exit;
}

async function ask<T>(url: string, sql: string): Promise<T[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<{ value: T }>(sql).finally(() => client.end());
  return rows.map((row) => row.value);
}

async function startHere(dataDir: string): Promise<LocalPostgres> {
  const server = await startLocalPostgres({ dataDir, log: () => {}, settings: { shared_buffers: "16MB" } });
  onTestFinished(() => server.stop());
  return server;
}

const isGone = (pid: number) => waitUntil(async () => (await commandOf(pid)) === null, 60_000);

test("the first start makes a durable UTF-8 cluster with checksums, and lets nobody in without the password", async () => {
  const dataDir = join(await temporaryDirectory(), "data");
  const server = await startHere(dataDir);
  const settings = await ask<string>(
    server.url,
    `select setting as value from pg_settings where name in ('data_checksums', 'fsync', 'listen_addresses', 'server_encoding', 'synchronous_commit', 'unix_socket_directories') order by name`,
  );
  expect(settings).toEqual(["on", "on", "127.0.0.1", "UTF8", "on", ""]);
  expect(await ask(server.url, "select datlocale as value from pg_database where datname = 'switchyard'")).toEqual(["C.UTF-8"]);
  const wrong = new URL(server.url);
  wrong.password = "wrong";
  await expect(ask(wrong.href, "select 1 as value")).rejects.toThrow(/password authentication failed/);
  for (const name of ["postgres.json", "postgres.log", "postgres.port"]) expect((await stat(join(dataDir, name))).mode & 0o777).toBe(0o600);
  expect((await stat(dataDir)).mode & 0o777).toBe(isRoot() ? 0o711 : 0o700);
});

test("a restart keeps the data, the port and the password", async () => {
  const dataDir = await temporaryDirectory();
  const first = await startHere(dataDir);
  await ask(first.url, "create table kept as select 42 as value");
  await first.stop();
  expect(await isGone(first.pid)).toBe(true);
  const second = await startHere(dataDir);
  expect(second).toMatchObject({ url: first.url, adopted: false });
  expect(await ask(second.url, "select value from kept")).toEqual([42]);
});

test("a server left by a killed gateway is adopted, and stops with the gateway that adopted it", async () => {
  const dataDir = await temporaryDirectory();
  const first = await startGateway(dataDir);
  await end(first.gateway, "SIGKILL");
  const second = await startGateway(dataDir);
  expect(second).toMatchObject({ pid: first.pid, url: first.url, adopted: true });
  await end(second.gateway, "SIGTERM");
  expect(await isGone(first.pid)).toBe(true);
});

test("of gateways that start together on a new directory one makes the database, and the last to stop ends it", async () => {
  const dataDir = await temporaryDirectory();
  const all = await Promise.all([startGateway(dataDir), startGateway(dataDir), startGateway(dataDir)]);
  const [first, second, third] = all as [Started, Started, Started];
  expect(new Set(all.map(({ url }) => url)).size).toBe(1);
  expect(all.filter(({ adopted }) => !adopted)).toHaveLength(1);
  await end(first.gateway, "SIGTERM");
  await end(second.gateway, "SIGTERM");
  expect(await ask(third.url, "select 1 as value")).toEqual([1]);
  await end(third.gateway, "SIGTERM");
  expect(await isGone(third.pid)).toBe(true);
});

test("what was committed survives kill -9 of the server", async () => {
  const server = await startOwnPostgres();
  onTestFinished(() => server.stop());
  const { url } = server;
  await ask(url, "create table kept as select 7 as value");
  await server.kill9();
  await expect(ask(url, "select value from kept")).rejects.toThrow();
  await server.start();
  expect(server.url).toBe(url);
  expect(await ask(url, "select value from kept")).toEqual([7]);
  await server.restart();
  expect(await ask(server.url, "select value from kept")).toEqual([7]);
});

test("a server that was killed comes back on its port, also when its sessions take a while to end", async () => {
  const dataDir = await temporaryDirectory();
  const killed = await startHere(dataDir);
  const session = new pg.Client({ connectionString: killed.url });
  session.on("error", () => {});
  await session.connect();
  const { rows } = await session.query<{ pid: number }>("select pg_backend_pid() as pid");
  signal(rows[0]!.pid, "SIGSTOP");
  signal(killed.pid, "SIGKILL");
  await isGone(killed.pid);
  const logged = async () => (await readFile(join(dataDir, "postgres.log"), "utf8")).includes("pre-existing shared memory block");
  const back = startHere(dataDir);
  expect(await waitUntil(logged, 120_000)).toBe(true);
  signal(rows[0]!.pid, "SIGKILL");
  expect((await back).url).toBe(killed.url);
});

test("a postmaster.pid whose number belongs to another program by now does not stop a start", async () => {
  const dataDir = await temporaryDirectory();
  const first = await startHere(dataDir);
  const pidFile = join(dataDir, "postgres", "postmaster.pid");
  const text = await readFile(pidFile, "utf8");
  await first.stop();
  await writeFile(pidFile, text.replace(/^\d+/, String(process.pid)), { mode: 0o600 });
  if (isRoot()) await chmod(pidFile, 0o644);
  expect((await startHere(dataDir)).adopted).toBe(false);
});

test("a moved DATA_DIR is followed", async () => {
  const parent = await temporaryDirectory();
  const first = await startHere(join(parent, "before"));
  await ask(first.url, "create table kept as select 1 as value");
  await first.stop();
  await rename(join(parent, "before"), join(parent, "after"));
  expect(await ask((await startHere(join(parent, "after"))).url, "select value from kept")).toEqual([1]);
});

test("a lost cluster is reported, never replaced by an empty one", async () => {
  const dataDir = await temporaryDirectory();
  await (await startHere(dataDir)).stop();
  await rm(join(dataDir, "postgres"), { recursive: true });
  await expect(startHere(dataDir)).rejects.toThrow(/the database of this DATA_DIR is gone/);
});

test("a start that died half-way leaves nothing that the next one trips over", async () => {
  const dataDir = await temporaryDirectory();
  const gateway = spawn(process.execPath, [PROGRAM, dataDir], { stdio: "ignore" });
  await waitUntil(async () => (await readdir(dataDir)).some((name) => name.startsWith("postgres.") && !name.includes("json")), 10_000, 1);
  await end(gateway, "SIGKILL");
  expect(await ask((await startHere(dataDir)).url, "select 1 as value")).toEqual([1]);
});

// Not a skipped test for others: only root has such a directory.
if (isRoot()) {
  test("root: a directory that PostgreSQL's user cannot enter gets its cluster elsewhere, and finds it again", async () => {
    const parent = await temporaryDirectory();
    await chmod(parent, 0o700);
    const dataDir = join(parent, "data");
    const first = await startHere(dataDir);
    const { cluster } = JSON.parse(await readFile(join(dataDir, "postgres.json"), "utf8")) as { cluster: string };
    onTestFinished(() => rm(cluster, { recursive: true, force: true }));
    expect(cluster.startsWith(dataDir)).toBe(false);
    await ask(first.url, "create table kept as select 1 as value");
    await first.stop();
    expect(await ask((await startHere(dataDir)).url, "select value from kept")).toEqual([1]);
  });
}
