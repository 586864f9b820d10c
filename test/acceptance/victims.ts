import pg from "pg";
import type { OwnPostgres } from "../support/database.ts";
import type { TestRedis } from "../support/redis.ts";
import { type Gateway, launchGateway } from "./gateway-process.ts";
import { sleep, until } from "./harness.ts";
import type { Blow, Fate } from "./kill-plan.ts";
import type { NodeProcess } from "./node-process.ts";
import type { SandboxProcess } from "./sandbox-process.ts";

/** A process that the storm strikes. */
export interface Victim {
  readonly name: string;
  readonly fate: Fate;
  strike(blow: Blow): Promise<void>;
  /** As it was before the blow: runs, and answers. */
  recover(blow: Blow): Promise<void>;
}

const PROCESS_BLOWS = { kill: 5, terminate: 2, freeze: 2 } as const;
const STOP_PATIENCE_MS = 30_000;
const TRY_AGAIN_MS = 300;

async function strikeProcess(process: NodeProcess, blow: Blow): Promise<void> {
  if (blow === "freeze" || blow === "long freeze") process.freeze();
  else if (blow === "terminate") await Promise.race([process.stop(), sleep(STOP_PATIENCE_MS)]);
  // Also one that does not stop when it is asked to.
  if (blow === "kill" || blow === "terminate") await process.kill9();
}

export interface GatewayVictim extends Victim {
  /** null while it is down. */
  readonly url: string | null;
  /** What ended although nobody had struck it. */
  readonly ownEnds: readonly string[];
  log(): string;
  end(): Promise<void>;
}

/** A gateway and what starts it again: an orchestrator, which tries until it runs. */
export async function startGatewayVictim(name: string, env: Readonly<Record<string, string>>): Promise<GatewayVictim> {
  const logs: (() => string)[] = [];
  const ownEnds: string[] = [];
  let struck = false;
  async function launch(): Promise<Gateway> {
    const gateway = await launchGateway(env);
    logs.push(() => `--- ${name}, process ${gateway.pid}\n${gateway.log()}`);
    struck = false;
    void gateway.ended.then((code) => {
      if (!struck) ownEnds.push(`${name} ended by itself with ${code}: ${gateway.log().slice(-2_000)}`);
    });
    return gateway;
  }
  let gateway = await launch();
  return {
    name,
    fate: { quietMs: [3_000, 10_000], blows: { ...PROCESS_BLOWS, "long freeze": 1 } },
    ownEnds,
    get url() {
      return gateway.isRunning() ? gateway.url : null;
    },
    log: () => logs.map((log) => log()).join("\n"),
    async strike(blow) {
      struck = blow === "kill" || blow === "terminate";
      await strikeProcess(gateway, blow);
    },
    async recover(blow) {
      if (blow === "freeze" || blow === "long freeze") return gateway.thaw();
      // The database may be down: it refuses to start, and is started again.
      for (let started = false; !started; ) {
        started = await launch().then(
          (again) => {
            gateway = again;
            return true;
          },
          () => sleep(TRY_AGAIN_MS).then(() => false),
        );
      }
    },
    async end() {
      struck = true;
      await gateway.kill9();
    },
  };
}

/** Its books outlive it: they are in a file, which it reads again. */
export function sandboxVictim(sandbox: SandboxProcess): Victim {
  return {
    name: "sandbox",
    fate: { quietMs: [4_000, 14_000], blows: PROCESS_BLOWS },
    strike: (blow) => strikeProcess(sandbox.current(), blow),
    recover: async (blow) => (blow === "freeze" ? sandbox.current().thaw() : await sandbox.start()),
  };
}

export function redisVictim(redis: TestRedis): Victim {
  return {
    name: "redis",
    fate: { quietMs: [3_000, 10_000], blows: { kill: 3, freeze: 2, forget: 1 } },
    strike: async (blow) => (blow === "freeze" ? redis.pause() : blow === "forget" ? await redis.flushAll() : await redis.kill9()),
    recover: async (blow) => (blow === "freeze" ? redis.resume() : blow === "forget" ? undefined : await redis.restart()),
  };
}

/** `freeze` stops every process of the server: statements that are under way end when it is thawed, long after their caller gave them up. */
export function postgresVictim(postgres: OwnPostgres): Victim {
  const { url } = postgres;
  let sessions: number[] = [];
  return {
    name: "postgres",
    fate: { quietMs: [6_000, 16_000], blows: { kill: 4, terminate: 2, freeze: 2, "long freeze": 0.5 } },
    async strike(blow) {
      sessions = await sessionsOf(url);
      if (blow === "terminate") return;
      if (blow === "kill") return postgres.kill9();
      for (const pid of [postgres.pid, ...sessions]) signal(pid, "SIGSTOP");
    },
    async recover(blow) {
      if (blow === "terminate") await postgres.restart();
      else if (blow === "kill") {
        // As long as one of them lives, the server's memory is in use: it would start on another port.
        await until(
          () => sessions.filter((pid) => signal(pid, 0)),
          (alive) => alive.length === 0,
          5_000,
        ).catch(() => {});
        await postgres.start();
      } else for (const pid of [...sessions, postgres.pid]) signal(pid, "SIGCONT");
      if (postgres.url !== url) throw new Error(`PostgreSQL came back as ${postgres.url}, not ${url}`);
    },
  };
}

/** The server's own processes, as far as it can be asked now. */
async function sessionsOf(url: string): Promise<number[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000, query_timeout: 2_000 });
  client.on("error", () => {});
  try {
    await client.connect();
    const { rows } = await client.query<{ pid: number }>("select pid from pg_stat_activity where pid <> pg_backend_pid()");
    return rows.map(({ pid }) => pid);
  } catch {
    return [];
  } finally {
    void client.end().catch(() => {});
  }
}

/** False when the process is gone. */
function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}
