import pg from "pg";
import type { Movement } from "../../providers/sandbox/ledger.ts";
import { judge as judgeLaws, type Wish } from "../simulation/judge.ts";
import { type Asked, allCharges, ask, type ChargeJson, type EventJson, inParallel, readCharge } from "./client.ts";
import { until, type World } from "./harness.ts";
import { judgeStats } from "./judge-stats.ts";
import { storyOf, toText } from "./story.ts";

const OPEN: ReadonlySet<string> = new Set(["processing", "in_doubt", "pending", "deferred"]);
/**
 * A crashed owner's lease ends after 18 s, and a doubt's third and fourth look are half a minute and two minutes apart. One that a busy
 * machine makes come to nothing is followed by the next after ten minutes more.
 */
const SETTLE_MS = 780_000;
/** Of a test that asks the judge: for its storm as well. */
export const JUDGED_MS = SETTLE_MS + 420_000;

type Judged = ChargeJson & { readonly events: readonly EventJson[] };

/** What the judge has to see. */
export interface Scene extends Pick<World, "urls" | "logs" | "env"> {
  readonly sandbox: Pick<World["sandbox"], "ledger" | "requests">;
}

export interface JudgeOptions {
  readonly settleMs?: number;
  /** What callers saw to be wrong by themselves. */
  readonly complaints?: readonly { readonly about: readonly string[]; readonly fault: string }[];
  /** Whether there may be dead letters. */
  readonly mayGiveUp?: boolean;
}

export interface Verdict {
  /** Each a sentence, then the stories of the charges concerned; none: the laws were kept. */
  readonly faults: readonly string[];
  /** What the charges went through, for a test to see that its storm did blow. */
  readonly seen: Seen;
}

interface Seen {
  readonly charges: number;
  readonly succeeded: number;
  readonly deferred: number;
  readonly doubted: number;
  readonly failedOver: number;
  readonly fenced: number;
}

/**
 * Waits until no charge is under way; then the simulator's judge holds the database against what was told and the processors' books,
 * and what only real processes have is judged here: the API's own view, its statistics, the sealed trail.
 */
export async function judge(scene: Scene, asked: readonly Asked[], options: JudgeOptions = {}): Promise<Verdict> {
  const { settleMs = SETTLE_MS, complaints = [], mayGiveUp = false } = options;
  const url = scene.urls()[0];
  if (url === undefined) throw new Error("no gateway runs");
  const charges = await settled(url, settleMs);
  const ledger = scene.sandbox.ledger();
  const faults: string[] = [];
  const concerned = new Set<string>();
  const found = (about: readonly string[], fault: string): void => {
    faults.push(fault);
    for (const id of about) concerned.add(id);
  };
  for (const { about, fault } of complaints) found(about, fault);
  await judgeByLaw(scene.env.DATABASE_URL ?? "", ledger, asked, found);
  for (const charge of charges) {
    for (const fault of [...moneyFaults(charge, ledger), ...historyFaults(charge)]) found([charge.id], `${charge.id} ${fault}`);
  }
  const told = new Set(asked.map(({ charge }) => charge.id));
  for (const { id } of charges) if (!told.has(id)) found([id], `${id} exists, and nobody was told of it`);
  faults.push(...(await judgeStats(url, charges, ledger)), ...(await trailFaults(url)));
  if (!mayGiveUp) faults.push(...(await openLetters(url)).map((letter) => `a dead letter is open: ${toText(letter)}`));
  const records = { asked, ledger, requests: scene.sandbox.requests(), logs: concerned.size > 0 ? scene.logs() : "" };
  for (const charge of charges) if (concerned.has(charge.id)) faults.push(storyOf(charge, records));
  return { faults, seen: whatWasSeen(charges) };
}

/** All charges, when none of them is open any more; after `settleMs` as they are. */
async function settled(url: string, settleMs: number): Promise<Judged[]> {
  const end = Date.now() + settleMs;
  const read = async (): Promise<Judged[]> => inParallel(await allCharges(url), 10, ({ id }) => readCharge(url, id));
  for (;;) {
    const open = async () => (await allCharges(url)).filter(({ status }) => OPEN.has(status)).length;
    await until(open, (count) => count === 0 || Date.now() > end, settleMs + SETTLE_MS);
    const charges = await read();
    if (charges.every(({ status }) => !OPEN.has(status)) || Date.now() > end) return charges;
  }
}

/** The judge of the simulator, on this database and these books. */
async function judgeByLaw(
  databaseUrl: string,
  ledger: readonly Movement[],
  asked: readonly Asked[],
  found: (about: readonly string[], fault: string) => void,
): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await judgeLaws({
      query: async (statement) => (await client.query(statement)).rows,
      books: ledger.map((movement) => ({ ...movement, psp: movement.provider })),
      wishes: wishesOf(asked),
      violate: (law, detail, about) => found(about, `${law}: ${detail}`),
    });
  } finally {
    await client.end();
  }
}

function wishesOf(asked: readonly Asked[]): Wish[] {
  return [...Map.groupBy(asked, ({ key }) => key)].map(([key, tellings]) => {
    const { amount, currency } = tellings[0]!.body;
    const told = tellings.map(({ charge }) => ({ charge: { ...charge, providerReference: charge.provider_reference } }));
    return { key, input: { money: { amount: BigInt(Number(amount)), currency: String(currency) } }, told };
  });
}

/** Beyond the laws: the sandbox's processors keep their word, so nothing is ever taken twice and sent back, and the API tells all of it. */
function moneyFaults(charge: ChargeJson, ledger: readonly Movement[]): string[] {
  const captures = ledger.filter(({ chargeId, type }) => chargeId === charge.id && type === "capture");
  const faults: string[] = [];
  if (charge.livemode) faults.push("says that it is live");
  if (captures.length > 1) faults.push(`moved money ${captures.length} times`);
  if (charge.status !== "succeeded") {
    if (charge.amount_captured !== 0) faults.push(`is ${charge.status} with ${charge.amount_captured} captured`);
    return faults;
  }
  const [capture] = captures;
  if (capture && capture.currency !== charge.currency) faults.push(`is in ${charge.currency}, and ${capture.currency} were taken`);
  const paid = charge.attempts.filter(({ outcome }) => outcome === "approved");
  if (paid.length !== 1 || paid[0]?.id !== capture?.attemptId) faults.push("was paid by another attempt than it says");
  return faults;
}

/** Every attempt is in the trail, and none began before the one before it had ended. */
function historyFaults({ attempts, events }: Judged): string[] {
  const faults: string[] = [];
  const started = events.filter(({ type }) => type === "attempt.started").length;
  if (started !== attempts.length) faults.push(`has ${attempts.length} attempts, and its trail ${started}`);
  for (const [i, attempt] of attempts.entries()) {
    const before = attempts[i - 1];
    if (before && (before.finished_at === null || before.finished_at > attempt.started_at)) faults.push(`began ${attempt.id} too early`);
  }
  return faults;
}

async function trailFaults(url: string): Promise<string[]> {
  type Report = { whole: boolean; complete: boolean; unsealed: { count: number } };
  const read = async () => (await ask<Report>(url, "GET /v1/audit/verify?from=1")).body;
  const report = await until(read, ({ unsealed }) => unsealed.count === 0);
  return report.whole && report.complete ? [] : [`the trail is not whole: ${toText(report)}`];
}

/** What waits for a person. */
export async function openLetters(url: string): Promise<{ readonly kind: string; readonly charge: string | null }[]> {
  type Page = { data: { kind: string; charge: string | null }[] };
  const { status, body, text } = await ask<Page>(url, "GET /v1/dead-letters?state=open&limit=100");
  if (status !== 200) throw new Error(`the dead letters answered ${status}: ${text}`);
  return body.data;
}

function whatWasSeen(charges: readonly Judged[]): Seen {
  const count = (is: (charge: Judged) => boolean): number => charges.filter(is).length;
  const became = (status: string) => count(({ events }) => events.some(({ to_status }) => to_status === status));
  return {
    charges: charges.length,
    succeeded: count(({ status }) => status === "succeeded"),
    deferred: became("deferred"),
    doubted: became("in_doubt"),
    failedOver: count(({ status, attempts }) => status === "succeeded" && attempts.length > 1),
    fenced: count(({ attempts }) => attempts.some(({ outcome }) => outcome === "fenced")),
  };
}
