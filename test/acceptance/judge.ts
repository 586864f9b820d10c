import type { Movement } from "../../providers/sandbox/ledger.ts";
import { type Asked, allCharges, ask, type ChargeJson, type EventJson, inParallel, readCharge } from "./client.ts";
import { until, type World } from "./harness.ts";
import { judgeStats } from "./judge-stats.ts";

const OPEN: ReadonlySet<string> = new Set(["processing", "in_doubt", "pending", "deferred"]);
/** A crashed owner's lease ends after 18 s, and a doubt's third and fourth look are half a minute and two minutes apart. */
const SETTLE_MS = 180_000;

type Judged = ChargeJson & { readonly events: readonly EventJson[] };

export interface Verdict {
  /** Each a sentence, with the charge's story; none: the laws were kept. */
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

/** Waits until no charge is under way, then holds what the API says against what was told, the ledgers and the statistics. */
export async function judge(world: Pick<World, "urls" | "sandbox" | "logs">, asked: readonly Asked[]): Promise<Verdict> {
  const url = world.urls()[0];
  if (url === undefined) throw new Error("no gateway runs");
  const charges = await settled(url);
  const ledger = world.sandbox.ledger();
  const faults: string[] = [];
  for (const charge of charges) {
    const own = [...moneyFaults(charge, ledger), ...historyFaults(charge)];
    if (OPEN.has(charge.status)) own.push(`is ${charge.status} and comes to no end`);
    if (own.length > 0) faults.push(...own.map((fault) => `${charge.id} ${fault}`), tellStory(world, ledger, charge, asked));
  }
  faults.push(...acknowledgedFaults(asked, charges), ...strangeMoney(ledger, charges));
  faults.push(...(await judgeStats(url, charges, ledger)), ...(await trailFaults(url)), ...(await deadLetterFaults(url)));
  return { faults, seen: whatWasSeen(charges) };
}

/** All charges, when none of them is open any more; after `SETTLE_MS` as they are. */
async function settled(url: string): Promise<Judged[]> {
  const end = Date.now() + SETTLE_MS;
  const read = async (): Promise<Judged[]> => inParallel(await allCharges(url), 10, ({ id }) => readCharge(url, id));
  for (;;) {
    const open = async () => (await allCharges(url)).filter(({ status }) => OPEN.has(status)).length;
    await until(open, (count) => count === 0 || Date.now() > end, 2 * SETTLE_MS);
    const charges = await read();
    if (charges.every(({ status }) => !OPEN.has(status)) || Date.now() > end) return charges;
  }
}

/** `succeeded` is one capture of the exact amount at the named provider; everything else is no money at all. */
function moneyFaults(charge: ChargeJson, ledger: readonly Movement[]): string[] {
  const mine = ledger.filter(({ chargeId }) => chargeId === charge.id);
  const captures = mine.filter(({ type }) => type === "capture");
  const net = mine.reduce((sum, { type, amount }) => sum + (type === "capture" ? amount : type === "refund" ? -amount : 0n), 0n);
  const faults: string[] = [];
  if (charge.livemode) faults.push("says that it is live");
  if (captures.length > 1) faults.push(`moved money ${captures.length} times`);
  if (charge.status !== "succeeded") {
    if (net !== 0n) faults.push(`is ${charge.status}, and ${net} were taken`);
    if (charge.amount_captured !== 0) faults.push(`is ${charge.status} with ${charge.amount_captured} captured`);
    return faults;
  }
  const [capture] = captures;
  if (!capture || net !== BigInt(charge.amount)) return [...faults, `succeeded with ${charge.amount}, and ${net} were taken`];
  if (capture.provider !== charge.provider) faults.push(`names ${charge.provider}, and the money is at ${capture.provider}`);
  if (capture.currency !== charge.currency) faults.push(`is in ${charge.currency}, and ${capture.currency} were taken`);
  if (capture.reference !== charge.provider_reference) faults.push(`names ${charge.provider_reference}, not ${capture.reference}`);
  if (charge.amount_captured !== charge.amount) faults.push(`says ${charge.amount_captured} were captured`);
  const paid = charge.attempts.filter(({ outcome }) => outcome === "approved");
  if (paid.length !== 1 || paid[0]?.id !== capture.attemptId) faults.push("was paid by another attempt than it says");
  return faults;
}

/** The trail of a charge is unbroken, and no attempt began before the one before it had ended. */
function historyFaults({ status, attempts, events }: Judged): string[] {
  const faults: string[] = [];
  let at: string | null = null;
  for (const { from_status, to_status, type } of events) {
    if (to_status === null) continue;
    if (from_status !== at) faults.push(`has a gap in its trail: ${type} leaves ${from_status} while it was ${at}`);
    at = to_status;
  }
  if (at !== status) faults.push(`is ${status}, and its trail ends in ${at}`);
  const started = events.filter(({ type }) => type === "attempt.started").length;
  if (started !== attempts.length) faults.push(`has ${attempts.length} attempts, and its trail ${started}`);
  for (const [i, attempt] of attempts.entries()) {
    const before = attempts[i - 1];
    if (before && (before.finished_at === null || before.finished_at > attempt.started_at)) faults.push(`began ${attempt.id} too early`);
  }
  return faults;
}

/** What a caller was told exists, once per key, for the same money, and stays what it was where that is final. */
function acknowledgedFaults(asked: readonly Asked[], charges: readonly ChargeJson[]): string[] {
  const faults: string[] = [];
  const known = new Map(charges.map((charge) => [charge.id, charge]));
  const idOfKey = new Map<string, string>();
  for (const { key, body, charge: told } of asked) {
    const now = known.get(told.id);
    const before = idOfKey.get(key);
    if (before !== undefined && before !== told.id) faults.push(`${key} was told ${before} and ${told.id}`);
    idOfKey.set(key, told.id);
    if (!now) faults.push(`${told.id} was acknowledged as ${told.status}, and does not exist`);
    else if (now.amount !== body.amount || now.currency !== body.currency) faults.push(`${told.id} is not what ${key} asked for`);
    else if (["succeeded", "failed", "canceled"].includes(told.status) && now.status !== told.status)
      faults.push(`${told.id} was told as ${told.status}, and is ${now.status}`);
  }
  const ids = new Set(idOfKey.values());
  if (ids.size !== idOfKey.size) faults.push(`${idOfKey.size} keys were told ${ids.size} charges`);
  for (const { id } of charges) if (!ids.has(id)) faults.push(`${id} exists, and nobody was told of it`);
  return faults;
}

function strangeMoney(ledger: readonly Movement[], charges: readonly ChargeJson[]): string[] {
  const known = new Set(charges.map(({ id }) => id));
  return ledger.filter(({ chargeId }) => !known.has(chargeId)).map((one) => `money moved for no charge: ${toText(one)}`);
}

async function trailFaults(url: string): Promise<string[]> {
  type Report = { whole: boolean; complete: boolean; unsealed: { count: number } };
  const read = async () => (await ask<Report>(url, "GET /v1/audit/verify?from=1")).body;
  const report = await until(read, ({ unsealed }) => unsealed.count === 0);
  return report.whole && report.complete ? [] : [`the trail is not whole: ${toText(report)}`];
}

async function deadLetterFaults(url: string): Promise<string[]> {
  const { body } = await ask<{ data: object[] }>(url, "GET /v1/dead-letters?state=open");
  return body.data.map((letter) => `a dead letter is open: ${toText(letter)}`);
}

function tellStory(world: Pick<World, "sandbox" | "logs">, ledger: readonly Movement[], charge: Judged, asked: readonly Asked[]): string {
  const attempts = charge.attempts.map(({ id }) => id);
  const { events, ...rest } = charge;
  const requests = world.sandbox.requests().filter(({ idempotencyKey, path }) => {
    const object = ledger.find(({ chargeId }) => chargeId === charge.id)?.object;
    return attempts.some((id) => idempotencyKey?.startsWith(id)) || (object !== undefined && path.includes(object));
  });
  const lines = [
    toText(rest),
    ...asked
      .filter(({ charge: { id } }) => id === charge.id)
      .map(({ key, heard, charge: told }) => `${key} heard ${toText([...heard, told.status])}`),
    ...events.map((event) => `event    ${toText(event)}`),
    ...ledger.filter(({ chargeId }) => chargeId === charge.id).map((movement) => `ledger   ${toText(movement)}`),
    ...requests.map(
      ({ provider, operation, path, executed, at }) =>
        `request  ${provider} ${operation} ${path} executed=${executed} ${new Date(at).toISOString()}`,
    ),
    ...world
      .logs()
      .split("\n")
      .filter((line) => line.includes(charge.id))
      .map((line) => `log      ${line}`),
  ];
  return lines.map((line) => `    ${line}`).join("\n");
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

function toText(value: unknown): string {
  return JSON.stringify(value, (_, inner) => (typeof inner === "bigint" ? Number(inner) : inner));
}
