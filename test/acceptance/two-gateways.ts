import type { Gateway } from "./gateway-process.ts";
import { startWorld, type World } from "./harness.ts";

/** Openings last up to half a minute, several follow one another, and a provider that is back gets its load step by step. */
export const PATIENCE_MS = 240_000;

/** Beside so much traffic the machine is slower still. */
const SLOW_MACHINE = { PROVIDER_TIMEOUT_MS: "5000", CHARGE_BUDGET_MS: "15000" };

export interface TwoGateways {
  readonly world: World;
  readonly gateways: readonly [Gateway, Gateway];
}

/** Two instances of one installation, which share what they know in a Redis. `ofSecond`: its own settings. */
export async function startTwoGateways(ofSecond?: (world: World) => Promise<Readonly<Record<string, string>>>): Promise<TwoGateways> {
  const world = await startWorld({ redis: true, env: SLOW_MACHINE });
  try {
    const env = await ofSecond?.(world);
    return { world, gateways: await Promise.all([world.start(), world.start(env)]) };
  } catch (error) {
    await world.close();
    throw error;
  }
}
