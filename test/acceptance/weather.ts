import { faultKinds, operations, providerNames } from "../../providers/sandbox/fault.ts";
import { Dice } from "../simulation/dice.ts";
import { sleep } from "./harness.ts";
import type { SandboxProcess } from "./sandbox-process.ts";
import { ignoreHealth } from "./storm.ts";

const LULL = 0.2;
const FAULTS_AT_ONCE = 3;
/** Milliseconds: up to twice the gateways' PROVIDER_TIMEOUT_MS. */
const DELAY_MS = [100, 1_200] as const;

/** The processors fail in every way, in changing ways, until `isOver`; a sandbox that is down comes back without faults. */
export async function flapFaults(sandbox: SandboxProcess, seed: number, isOver: () => boolean): Promise<void> {
  await Promise.all(
    providerNames.map(async (provider) => {
      const dice = new Dice(seed, `faults of ${provider}`);
      while (!isOver()) {
        await sandbox.clearFaults(provider).catch(() => {});
        await sandbox.setFault(provider, slowCommits(dice)).catch(() => {});
        if (!dice.chance(LULL)) {
          for (let no = dice.whole(1, FAULTS_AT_ONCE); no > 0; no--) await sandbox.setFault(provider, anyFault(dice)).catch(() => {});
        }
        await sleep(dice.between(1_000, 5_000));
      }
    }),
  );
}

/** Answered in time, but not at once: money steps must be under way when a process dies. */
function slowCommits(dice: Dice) {
  return { kind: "slow", operation: "commit", delayMs: Math.round(dice.between(100, 500)), probability: 0.6 } as const;
}

function anyFault(dice: Dice) {
  const kind = dice.pick(faultKinds);
  const delayMs = Math.round(dice.between(...DELAY_MS));
  // Connections are refused for a moment: by themselves, or from after a prepare on, so that the commit finds nobody.
  if (kind === "refuse") return dice.chance(0.5) ? { kind, delayMs } : ({ kind, delayMs, operation: "commit", probability: 0.3 } as const);
  const operation = kind === "decline" || dice.chance(0.6) ? "commit" : dice.pick(["*", ...operations] as const);
  return { kind, delayMs, operation, probability: dice.between(0.1, 0.7) } as const;
}

/** Now and then operators have all gates ignored, so that the storm reaches every charge; then they heed them again. */
export async function flapOverrides(urls: () => readonly string[], seed: number, isOver: () => boolean): Promise<void> {
  const dice = new Dice(seed, "operators");
  while (!isOver()) {
    const [url] = urls();
    const heedHealth = url === undefined ? null : await ignoreHealth(url).catch(() => null);
    await sleep(dice.between(3_000, 10_000));
    const [now] = urls();
    if (now !== undefined) await heedHealth?.(now).catch(() => {});
    await sleep(dice.between(1_000, 6_000));
  }
}
