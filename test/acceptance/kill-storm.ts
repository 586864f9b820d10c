import { startOwnPostgres } from "../support/database.ts";
import { redisAvailable, startTestRedis } from "../support/redis.ts";
import { gatewayEnv, IMPATIENT, sleep } from "./harness.ts";
import { type Blow, planOf, type Step } from "./kill-plan.ts";
import { startSandboxProcess } from "./sandbox-process.ts";
import { type GatewayVictim, postgresVictim, redisVictim, sandboxVictim, startGatewayVictim, type Victim } from "./victims.ts";

const STEP_PATIENCE_MS = 120_000;

/** Every part of an installation as a process that may die: nothing of it lives in the test's own process. */
export async function startInstallation() {
  const [postgres, redis, sandbox] = await Promise.all([
    startOwnPostgres(),
    redisAvailable() ? startTestRedis() : null,
    startSandboxProcess(),
  ]);
  const env = { ...gatewayEnv({ databaseUrl: postgres.url, redisUrl: redis?.url, sandbox }), ...IMPATIENT };
  const gateways: GatewayVictim[] = [];
  // One that only answers, one that does everything, one that only works.
  for (const [name, ROLE] of [
    ["gateway 1", "api"],
    ["gateway 2", "all"],
    ["worker", "worker"],
  ] as const) {
    gateways.push(await startGatewayVictim(name, { ...env, ROLE }));
  }
  const victims: Victim[] = [...gateways, postgresVictim(postgres), sandboxVictim(sandbox), ...(redis ? [redisVictim(redis)] : [])];
  return {
    env,
    sandbox,
    victims,
    /** What a load balancer knows: also a gateway that is frozen. */
    urls: () => gateways.filter(({ name }) => name !== "worker").flatMap(({ url }) => url ?? []),
    logs: () => gateways.map((gateway) => gateway.log()).join("\n"),
    ownEnds: () => gateways.flatMap((gateway) => gateway.ownEnds),
    async close() {
      await Promise.all([...gateways.map((gateway) => gateway.end()), redis?.stop()]);
      await Promise.all([sandbox.close(), postgres.stop()]);
    },
  };
}

/** How often each victim was struck, and how. */
export type Blows = Record<string, Partial<Record<Blow, number>>>;

/** Strikes each victim as its plan says. All of them are up again when it resolves. */
export async function strikeVictims(victims: readonly Victim[], seed: number, lengthMs: number): Promise<Blows> {
  const endAt = Date.now() + lengthMs;
  const counted = victims.map(async (victim) => {
    const counts = await strikeAsPlanned(victim, planOf(seed, victim.name, victim.fate, lengthMs), endAt);
    return [victim.name, counts] as const;
  });
  return Object.fromEntries(await Promise.all(counted));
}

async function strikeAsPlanned(victim: Victim, plan: readonly Step[], endAt: number): Promise<Partial<Record<Blow, number>>> {
  const counts: Partial<Record<Blow, number>> = {};
  for (const { afterMs, blow, forMs } of plan) {
    // A recovery may take its time: the rest of the plan is too late then.
    if (Date.now() + afterMs > endAt) break;
    await sleep(afterMs);
    counts[blow] = (counts[blow] ?? 0) + 1;
    await bounded(victim.strike(blow), `${victim.name} takes a ${blow}`);
    await sleep(forMs);
    await bounded(victim.recover(blow), `${victim.name} recovers from a ${blow}`);
  }
  return counts;
}

/** A storm that cannot go on says where, instead of waiting for the test's own end. */
async function bounded(work: Promise<void>, what: string): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${STEP_PATIENCE_MS} ms`)), STEP_PATIENCE_MS);
  });
  await Promise.race([work, tooLong]).finally(() => clearTimeout(timer));
}
