/**
 * A billing core in small: it bills 100 customers while both processors break down in the middle, and lets the processors' own ledger prove
 * that each was billed exactly once. Beside a gateway of `npm start`: npm run example
 */
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { type Charge, isOpen, NoAnswerError, Switchyard } from "switchyard/client";

const GATEWAY = process.env.SWITCHYARD_URL ?? "http://127.0.0.1:8080";
const SANDBOX = process.env.SANDBOX_URL ?? "http://127.0.0.1:8081";
const CUSTOMERS = 100;
const OUTAGE = { from: 46, to: 55 };
/** Between two customers; several are under way at once. While charges are kept there is no hurry: after the outage they are taken at once. */
const PACE_MS = { usual: 30, deferring: 500 };
const WAIT_MS = 120_000;

interface Movement {
  readonly provider: string;
  readonly type: "authorize" | "capture" | "refund" | "void";
  readonly chargeId: string;
  readonly amount: number;
}

const switchyard = new Switchyard({ url: GATEWAY, apiKey: process.env.SWITCHYARD_API_KEY ?? (await localKey()), timeoutMs: WAIT_MS });
const run = Date.now().toString(36);
const began = Date.now();
const before = (await movements()).length;

say(`Billing ${CUSTOMERS} customers through ${GATEWAY}.`);
const billed: Promise<Charge>[] = [];
let isDeferring = false;
for (let customer = 1; customer <= CUSTOMERS; customer += 1) {
  if (customer === OUTAGE.from) await both("down", "Both processors break down.");
  if (customer === OUTAGE.to + 1) await endOfOutage();
  billed.push(bill(customer));
  await sleep(isDeferring ? PACE_MS.deferring : PACE_MS.usual);
}
const answered = await Promise.all(billed);
const kept = answered.filter(isOpen);
say(`All ${CUSTOMERS} are answered: ${counted(answered)}.`);

if (kept.length > 0) say(`The gateway has accepted the other ${kept.length} and collects them by itself. Waiting…`);
const ended = await Promise.all(
  answered.map((charge) => (isOpen(charge) ? switchyard.charges.waitFor(charge.id, { timeoutMs: WAIT_MS }) : charge)),
);
say(`All is decided: ${counted(ended)}.`);
process.exitCode = prove(ended, (await movements()).slice(before)) ? 0 : 1;

/** One customer's invoice. Its key is made of the invoice: after a crash of ours the same invoice has the same key. */
async function bill(customer: number): Promise<Charge> {
  const invoice = `invoice-${run}-${customer}`;
  const request = {
    amount: amountOf(customer),
    currency: "usd",
    reference: invoice,
    payment_method: { stripe: { payment_method: "pm_card_visa" }, paypal: { vault_id: "vault-1" } },
    metadata: { customer: String(customer) },
  };
  for (;;) {
    try {
      const charge = await switchyard.charges.create(request, { idempotencyKey: invoice });
      isDeferring = charge.status === "deferred";
      return charge;
    } catch (error) {
      // Nobody knows, and that is no reason to bill anew: the same key finds out.
      if (!(error instanceof NoAnswerError)) throw error;
      say(`${invoice}: ${error.message}. ${error.action}`);
    }
  }
}

/** Not before the customers of the outage have their answers: it is to be seen what becomes of them. */
async function endOfOutage(): Promise<void> {
  const meanwhile = await Promise.all(billed.slice(OUTAGE.from - 1, OUTAGE.to));
  say(`Customers ${OUTAGE.from} to ${OUTAGE.to} have their answers: ${counted(meanwhile)}.`);
  await both("up", "Both processors are back.");
}

/** Different for each, so that a mix-up would show. */
function amountOf(customer: number): number {
  return 1_000 + customer;
}

/** What the processors say they took since we began, against what each customer owes. */
function prove(charges: readonly Charge[], ledger: readonly Movement[]): boolean {
  const taken = ledger.filter(({ type }) => type === "capture");
  const faults = charges.flatMap((charge, index) => {
    const ours = taken.filter(({ chargeId }) => chargeId === charge.id);
    const owed = amountOf(index + 1);
    const isRight = charge.status === "succeeded" && ours.length === 1 && ours[0]?.amount === owed;
    return isRight
      ? []
      : [`customer ${index + 1}: ${charge.status}, owes ${owed}, was billed ${ours.length} times: ${JSON.stringify(ours)}`];
  });
  const ids = new Set(charges.map(({ id }) => id));
  const strangers = ledger.filter(({ chargeId }) => !ids.has(chargeId));
  const backwards = ledger.filter(({ type }) => type !== "capture" && type !== "authorize");
  const providers = [...new Set(taken.map(({ provider }) => provider))].map(
    (name) => `${name} ${taken.filter(({ provider }) => provider === name).length}`,
  );
  say(
    `The processors' own ledger: ${taken.length} payments (${providers.join(", ")}), ${backwards.length} sent back, ${strangers.length} of nobody here.`,
  );
  for (const fault of faults) say(fault);
  const right = faults.length === 0 && strangers.length === 0;
  say(right ? `Each of the ${CUSTOMERS} customers was billed exactly once.` : "THAT IS NOT RIGHT.");
  return right;
}

function counted(charges: readonly Charge[]): string {
  const kinds = new Map<string, number>();
  for (const { status, provider } of charges) {
    const kind = status === "succeeded" ? `paid by ${provider}` : status;
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  return [...kinds].map(([kind, count]) => `${count} ${kind}`).join(", ");
}

/** The simulated processors' switchboard. */
async function both(state: "down" | "up", words: string): Promise<void> {
  say(words);
  for (const provider of ["stripe", "paypal"]) {
    const answer = await fetch(`${SANDBOX}/${provider}/${state}`, { method: "POST" });
    if (!answer.ok) throw new Error(`the sandbox answered ${answer.status}`);
  }
}

async function movements(): Promise<Movement[]> {
  const answer = await fetch(`${SANDBOX}/ledger`);
  return ((await answer.json()) as { movements: Movement[] }).movements;
}

async function localKey(): Promise<string> {
  const keys = JSON.parse(await readFile(new URL("../../.data/keys.json", import.meta.url), "utf8")) as { billing: string };
  return keys.billing;
}

function say(line: string): void {
  console.log(`${((Date.now() - began) / 1_000).toFixed(1).padStart(5)} s  ${line}`);
}
