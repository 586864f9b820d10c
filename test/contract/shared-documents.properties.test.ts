import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Exchanged, Position, SharedDocuments } from "../../gateway/health/shared-documents.ts";
import { SimulatedDocuments } from "../simulation/documents.ts";
import { redisAvailable } from "../support/redis.ts";
import { realDocuments } from "./documents-side.ts";
import { VirtualTime } from "./virtual-time.ts";

/** What one client does: one step in this list of these documents, after a pause of so many ms. */
type Plan = readonly { readonly document: number; readonly pause: number }[];
const plans = (longest: number): fc.Arbitrary<Plan[]> => {
  const step = fc.record({ document: fc.nat(1), pause: fc.nat(300) });
  return fc.array(fc.array(step, { maxLength: longest }), { minLength: 2, maxLength: 4 });
};
const MOODS = ["well", "slow", "failing"] as const;
const ENOUGH_TRIES = 1_000;

/** Adds each of its marks to what is there, as often as it takes; an answer that was lost is found out by looking for the mark. */
async function client(documents: SharedDocuments, name: string, plan: Plan, pause: (ms: number) => Promise<void>): Promise<void> {
  const known = new Map<string, { version: number; value: string }>();
  let since: Position | null = null;
  for (const [index, step] of plan.entries()) {
    await pause(step.pause);
    const document = `counter-${step.document}`;
    const mark = `${name}.${index}`;
    for (let tries = 0; ; tries += 1) {
      if (tries > ENOUGH_TRIES) throw new Error(`${mark} is never written`);
      const { version: expected, value } = known.get(document) ?? { version: 0, value: "" };
      if (value.split(" ").includes(mark)) break;
      const added = `${value} ${mark}`;
      const answer: Exchanged | null = await documents
        .exchange({ since, writes: [{ name: document, expected, value: added }], urgent: false })
        .catch(() => null);
      if (answer === null) {
        await pause(10);
        continue;
      }
      since = answer.position;
      for (const { name: changed, version, value: now } of answer.documents) known.set(changed, { version, value: now });
      for (const { version } of answer.written) known.set(document, { version, value: added });
    }
  }
}

function expected(plan: readonly Plan[], document: number): string[] {
  return plan.flatMap((steps, who) => steps.flatMap((step, index) => (step.document === document ? [`c${who}.${index}`] : []))).sort();
}

async function expectAll(documents: SharedDocuments, plan: readonly Plan[]): Promise<void> {
  const end = await documents.exchange({ since: null, writes: [], urgent: false });
  for (const document of [0, 1]) {
    const marks =
      end.documents
        .find(({ name }) => name === `counter-${document}`)
        ?.value.trim()
        .split(" ") ?? [];
    expect(marks.sort()).toEqual(expected(plan, document));
  }
}

describe("clients that read, change and write the same documents lose nothing and do nothing twice", () => {
  test("over a store that is slow and fails, in any order", async () => {
    await fc.assert(
      fc.asyncProperty(plans(6), fc.array(fc.constantFrom(...MOODS), { maxLength: 8 }), async (plan, moods) => {
        const time = new VirtualTime();
        const store = new SimulatedDocuments(time.world, time.weather);
        const clients = plan.map((steps, who) => {
          const machine = time.start(`c${who}`);
          return client(store.client(machine), `c${who}`, steps, (ms) => machine.clock.sleep(ms));
        });
        const weather = (async () => {
          for (const mood of moods) {
            time.weather.redis = mood;
            await time.machine.clock.sleep(200);
          }
          time.weather.redis = "well";
        })();
        await time.settled(Promise.all([weather, ...clients]));
        await time.pause(1_000);
        await expectAll(store.client(time.machine), plan);
      }),
      { numRuns: 100 },
    );
  });

  test.skipIf(!redisAvailable())("over a real Redis", async () => {
    const side = await realDocuments();
    try {
      await fc.assert(
        fc.asyncProperty(plans(20), async (plan) => {
          await side.begin();
          const clients: Promise<void>[] = [];
          const instances = [];
          for (const _ of plan) instances.push(await side.instance());
          for (const [who, steps] of plan.entries()) {
            clients.push(client(instances[who] as SharedDocuments, `c${who}`, steps, () => Promise.resolve()));
          }
          await Promise.all(clients);
          await expectAll(instances[0] as SharedDocuments, plan);
        }),
        { numRuns: 5 },
      );
    } finally {
      await side.close();
    }
  });
});
