import { randomInt } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { systemClock } from "../providers/contract/clock.ts";
import { RefusesToStart } from "./admission.ts";
import { type Gateway, startGateway } from "./app.ts";
import { banner } from "./cli/banner.ts";
import { CONFIG_EXIT_CODE, type Config, parseConfig, printFaults } from "./config.ts";
import { IdentityMismatch } from "./identities.ts";
import { localKeys } from "./local/keys.ts";
import { openLogFile } from "./local/log-file.ts";
import { startLocalPostgres } from "./local/postgres.ts";
import { startLocalRedis } from "./local/redis.ts";
import { startLocalSandbox } from "./local/sandbox.ts";
import { sendWebhooksTo, simulatedProviders } from "./local/simulated-providers.ts";
import { createLogger, type Logger } from "./log.ts";
import { createProviders } from "./registry.ts";
import { migrate } from "./store/migrate.ts";

/** For what was begun when a start fails. */
const STOP_WITHIN_MS = 10_000;

type Stop = () => Promise<void>;

const startedAt = systemClock.monotonic();
const parsed = parseConfig(process.env);
if (parsed.ok) await main(parsed.config);
else {
  printFaults(parsed.faults);
  process.exitCode = CONFIG_EXIT_CODE;
}

async function main(config: Config): Promise<void> {
  // A local start shows people what to do next; its log goes to a file. Everywhere else the log is what standard output is for.
  const logFile = config.databaseUrl === null ? await openLogFile(config.dataDir) : null;
  const log = createLogger({ level: config.logLevel, ...(logFile ? { destination: logFile.stream } : {}) });
  // A fault of ours ends the process, as it should; the log says why.
  process.on("uncaughtExceptionMonitor", (err, origin) => {
    log.fatal({ err, origin }, "the process ends");
    log.flush();
  });
  const stops: Stop[] = [];
  const stopAll = onSignals(stops, log);
  try {
    const { gateway, lines } = await start(config, log, stops, logFile?.path ?? null);
    log.info({ port: gateway.port, role: config.role, livemode: config.livemode }, "ready");
    process.stdout.write(lines.map((line) => `${line}\n`).join(""));
  } catch (error) {
    log.fatal({ err: error }, "cannot start");
    process.stderr.write(`switchyard cannot start: ${error instanceof Error ? error.message : String(error)}\n`);
    // Whoever starts it again waits for its end: it must not hang on a part that cannot be closed.
    await Promise.race([stopAll(), systemClock.sleep(STOP_WITHIN_MS)]);
    log.flush();
    process.exit(error instanceof RefusesToStart || error instanceof IdentityMismatch ? CONFIG_EXIT_CODE : 1);
  }
}

async function start(config: Config, log: Logger, stops: Stop[], logPath: string | null): Promise<{ gateway: Gateway; lines: string[] }> {
  const say = (message: string): void => log.info({}, message);
  for (const note of config.notes) log.warn({}, note);
  const { dataDir } = config;
  const kept = <T extends { stop(): Promise<void> } | null>(part: T): T => {
    if (part) stops.push(() => part.stop());
    return part;
  };
  const [database, redis, sandbox] = await Promise.all([
    config.databaseUrl === null ? startLocalPostgres({ dataDir, log: say }).then(kept) : null,
    config.redisUrl === null ? startLocalRedis({ dataDir, log: say }).then(kept) : null,
    config.sandbox === null ? null : startLocalSandbox({ dataDir, port: config.sandbox.port, log: say }).then(kept),
  ]);
  const databaseUrl = database?.url ?? (config.databaseUrl as string);
  await migrate(databaseUrl, say);

  const simulated = sandbox ? simulatedProviders(sandbox, config.providers) : [];
  const providers = [...config.providers, ...simulated];
  const keys = database && !config.livemode ? await localKeys(dataDir) : null;
  const gateway = await startGateway({
    config,
    databaseUrl,
    replicaUrl: config.databaseReplicaUrl,
    redisUrl: config.redisUrl ?? redis?.url ?? null,
    providers: createProviders(providers, systemClock),
    sandbox: sandbox && { controlUrl: sandbox.controlUrl, processors: new Map(simulated.map(({ id, adapter }) => [id, adapter])) },
    readyMadeKeys: keys ? { billing: keys.keys.billing, finance: keys.keys.finance, ops: keys.keys.ops } : {},
    clock: systemClock,
    random: secureRandom,
    log,
    version: await version(),
  });
  stops.push(() => gateway.stop());
  // A worker has no address for webhooks.
  if (sandbox && config.role !== "worker") await sendWebhooksTo(localUrl(config.host, gateway.port), sandbox, simulated);
  const seconds = (systemClock.monotonic() - startedAt) / 1_000;
  const facts = { config, providers, port: gateway.port, seconds, keysFile: keys?.file ?? null, logPath };
  return { gateway, lines: banner({ ...facts, sandboxUrl: sandbox?.controlUrl ?? null }) };
}

/** Where this machine reaches what listens on `host`. */
function localUrl(host: string, port: number): string {
  const reached = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
  return `http://${reached.includes(":") ? `[${reached}]` : reached}:${port}`;
}

/** Uniform in [0, 1), 48 bits: ids must not be guessable from one another. */
function secureRandom(): number {
  return randomInt(2 ** 48 - 1) / (2 ** 48 - 1);
}

async function version(): Promise<string> {
  const manifest: unknown = JSON.parse(await readFile(join(import.meta.dirname, "../package.json"), "utf8"));
  return (manifest as { version: string }).version;
}

/** One signal may come twice at once: to the whole process group, and again from npm or a supervisor. */
const SAME_SIGNAL_MS = 1_000;

/** The first signal stops everything in the reverse order of its start; a second one, later than that, does not wait. */
function onSignals(stops: Stop[], log: Logger): () => Promise<void> {
  let stopping: Promise<void> | null = null;
  let stoppingSince = 0;
  const stopAll = async (): Promise<void> => {
    for (const stop of stops.reverse().splice(0)) {
      await stop().catch((err: unknown) => log.error({ err }, "a part did not stop cleanly"));
    }
    log.flush();
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      if (stopping && systemClock.monotonic() - stoppingSince < SAME_SIGNAL_MS) return;
      if (stopping) process.exit(130);
      stoppingSince = systemClock.monotonic();
      log.info({ signal }, "stopping");
      stopping = stopAll().then(() => process.exit(0));
    });
  }
  return stopAll;
}
