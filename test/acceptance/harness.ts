import { type Sandbox, type SandboxOptions, startSandbox } from "../../providers/sandbox/sandbox.ts";
import { createTestDatabase, type OwnPostgres, startOwnPostgres } from "../support/database.ts";
import { startTestRedis, type TestRedis } from "../support/redis.ts";
import { type Gateway, launchGateway } from "./gateway-process.ts";

export const ADMIN_KEY = "acceptance-admin-key-0123456789abcdef";

/** What the gateways run on. The sandbox lives in the test's process: its ledger is the judge. */
export interface World {
  readonly sandbox: Sandbox;
  /** Only with `postgres: "own"`. */
  readonly postgres: OwnPostgres;
  /** Only with `redis: true`. */
  readonly redis: TestRedis;
  /** The settings that every gateway here gets. */
  readonly env: Readonly<Record<string, string>>;
  /** One more gateway process; `env` on top of the world's. */
  start(env?: Readonly<Record<string, string>>): Promise<Gateway>;
  /** The addresses of the gateways that run now: what a load balancer would know. */
  urls(): string[];
  /** The ends of all their logs, also of those that ended. */
  logs(): string;
  close(): Promise<void>;
}

export interface WorldOptions {
  /** `own`: a server to be restarted and killed; `shared` (default): a database on the run's server. */
  readonly postgres?: "own" | "shared";
  readonly redis?: boolean;
  readonly sandbox?: SandboxOptions;
  readonly env?: Readonly<Record<string, string>>;
}

/** A machine that is busy with something else is slow: that must not look like a processor that does not answer. */
const PATIENT = { PROVIDER_TIMEOUT_MS: "4000", CHARGE_BUDGET_MS: "10000" };

/** For storms, in which answers are lost all the time: so that each does not take long. Whoever has it may expect no charge to go well at once. */
export const IMPATIENT = { PROVIDER_TIMEOUT_MS: "600", CHARGE_BUDGET_MS: "3000" };

/** What a gateway has to know of the world. */
export function gatewayEnv(around: {
  readonly databaseUrl: string;
  readonly redisUrl: string | undefined;
  readonly sandbox: Pick<Sandbox, "stripeUrl" | "paypalUrl">;
}): Readonly<Record<string, string>> {
  return {
    PORT: "0",
    DATABASE_URL: around.databaseUrl,
    ...(around.redisUrl ? { REDIS_URL: around.redisUrl } : {}),
    STRIPE_SECRET_KEY: "sk_test_sandbox",
    STRIPE_API_BASE: around.sandbox.stripeUrl,
    PAYPAL_CLIENT_ID: "sandbox",
    PAYPAL_CLIENT_SECRET: "sandbox",
    PAYPAL_API_BASE: around.sandbox.paypalUrl,
    ADMIN_KEY,
    ...PATIENT,
  };
}

export async function startWorld(options: WorldOptions = {}): Promise<World> {
  const own = options.postgres === "own" ? await startOwnPostgres() : null;
  const shared = own ? null : await createTestDatabase();
  const [sandbox, redis] = await Promise.all([startSandbox(options.sandbox), options.redis ? startTestRedis() : null]);
  const gateways: Gateway[] = [];
  const env = { ...gatewayEnv({ databaseUrl: (own ?? shared)!.url, redisUrl: redis?.url, sandbox }), ...options.env };
  return {
    sandbox,
    env,
    get postgres() {
      if (!own) throw new Error('this world has no PostgreSQL of its own: startWorld({ postgres: "own" })');
      return own;
    },
    get redis() {
      if (!redis) throw new Error("this world has no Redis: startWorld({ redis: true })");
      return redis;
    },
    async start(more = {}) {
      const gateway = await launchGateway({ ...env, ...more });
      gateways.push(gateway);
      return gateway;
    },
    urls: () => gateways.filter((gateway) => gateway.isRunning()).map(({ url }) => url),
    logs: () => gateways.map((gateway) => `--- gateway ${gateway.pid}\n${gateway.log()}`).join("\n"),
    async close() {
      await Promise.all(gateways.map((gateway) => gateway.kill9()));
      await sandbox.close();
      await redis?.stop();
      await own?.stop();
      await shared?.drop();
    },
  };
}

const POLL_MS = 150;

/** Polls until `done`; throws what was last seen after `timeoutMs`, which is generous: no test asserts how fast something is. */
export async function until<T>(read: () => Promise<T> | T, done: (value: T) => boolean, timeoutMs = 180_000): Promise<T> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const value = await read();
    if (done(value)) return value;
    if (Date.now() > end) throw new Error(`not within ${timeoutMs} ms; last: ${JSON.stringify(value)}`);
    await sleep(POLL_MS);
  }
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
