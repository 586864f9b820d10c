import { afterAll, beforeAll, expect, it } from "vitest";
import { providerNames } from "../../providers/sandbox/fault.ts";
import { BillingCores } from "./billing-cores.ts";
import { ask } from "./client.ts";
import { until } from "./harness.ts";
import { judge, openLetters } from "./judge.ts";
import { startInstallation, strikeVictims } from "./kill-storm.ts";
import { flapFaults, flapOverrides } from "./weather.ts";

/**
 * The simulator's storm on real processes, smaller, before the same judge. The sandbox is killed as well: its books are in its state
 * file before an answer leaves. A seed repeats the plan of what is done to whom, not the run.
 */
const SEED = Number(process.env.STORM_SEED ?? Math.floor(Math.random() * 1e9));
const STORM_MS = Number(process.env.STORM_SECONDS ?? 60) * 1_000;
const CALLERS = 16;
/**
 * For every charge to come to its end: a doubt of the storm's first minute is looked at again after up to two more, and after ten where a busy
 * machine made that look come to nothing.
 */
const CALM_MS = 780_000;

let installation: Awaited<ReturnType<typeof startInstallation>>;
beforeAll(async () => {
  installation = await startInstallation();
});
afterAll(() => installation?.close());

it("never pays twice and loses nothing while every process is killed, stopped and frozen at random", {
  timeout: STORM_MS + 3 * CALM_MS,
}, async () => {
  const { sandbox, urls } = installation;
  console.log(`STORM_SEED=${SEED} STORM_SECONDS=${STORM_MS / 1_000}`);
  const callers = new BillingCores(SEED, urls);
  let over = false;
  const around = Promise.all([callers.run(CALLERS), flapFaults(sandbox, SEED, () => over), flapOverrides(urls, SEED, () => over)]);
  const blows = await strikeVictims(installation.victims, SEED, STORM_MS).finally(() => {
    over = true;
    callers.calm();
  });
  await around;

  const url = await calm();
  const calmAt = Date.now();
  const endAt = calmAt + CALM_MS;
  const givenUp = async () => new Set((await openLetters(url)).flatMap(({ charge }) => charge ?? []));
  await callers.askToTheEnd(givenUp, endAt);
  const ledger = await sandbox.ledger();
  const scene = { ...installation, sandbox: { ledger: () => ledger, requests: () => [] } };
  const { complaints } = callers;
  const { faults, seen } = await judge(scene, callers.asked(), { settleMs: endAt - Date.now(), complaints, mayGiveUp: true });
  const settledAfterS = Math.round((Date.now() - calmAt) / 1_000);
  console.log(
    JSON.stringify({ seed: SEED, settledAfterS, blows, seen, letters: await openLetters(url), answers: callers.answers() }, null, 1),
  );
  expect([...installation.ownEnds(), ...faults], `STORM_SEED=${SEED}`).toEqual([]);
  // It did blow.
  expect(seen).toMatchObject({ deferred: some, doubted: some, failedOver: some });
});

/** Everything is up, and no processor fails and no operator interferes; an address to ask at. */
async function calm(): Promise<string> {
  for (const provider of providerNames) await installation.sandbox.clearFaults(provider);
  const [url] = await until(installation.urls, (urls) => urls.length === 2);
  for (const provider of providerNames) {
    const remove = () => ask(url!, `DELETE /v1/providers/${provider}/override`).catch(() => null);
    await until(remove, (answer) => answer !== null && answer.status < 500);
  }
  return url!;
}

const some = expect.toSatisfy((count: number) => count > 0, "more than 0");
