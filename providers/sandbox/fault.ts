import type { Random } from "../contract/clock.ts";

export type ProviderName = "stripe" | "paypal";
export const providerNames: readonly ProviderName[] = ["stripe", "paypal"];

export const faultKinds = [
  "refuse",
  "reset_before",
  "reset_after",
  "hang_before",
  "hang_after",
  "500_before",
  "500_after",
  "503_html",
  "429",
  "slow",
  "trickle",
  "decline",
] as const;
/** `before`: nothing was executed. `after`: executed, but the answer is lost. */
export type FaultKind = (typeof faultKinds)[number];

export const operations = ["prepare", "commit", "capture", "cancel", "refund", "lookup", "identify", "token"] as const;
export type Operation = (typeof operations)[number];

export interface Fault {
  readonly kind: FaultKind;
  /** Default `*`: every operation. `decline` strikes commits only. */
  readonly operation?: Operation | "*";
  /** Of a request to be struck, default 1. */
  readonly probability?: number;
  /** How many requests are struck, default unlimited. */
  readonly count?: number;
  /** Milliseconds: how long `slow` (3000) and `trickle` (60000) take, and how long `refuse` refuses. */
  readonly delayMs?: number;
  /** What `decline` declines with: a Stripe decline code; a PayPal issue or `processor_<code>`. */
  readonly code?: string;
}

const MAX_FAULTS = 100; // per processor; a forgotten loop must not grow without end
const MAX_DELAY_MS = 24 * 3_600_000;
const FIELDS = new Set(["kind", "operation", "probability", "count", "delayMs", "code"]);

/** Checks a fault that came over the wire. Answers what is wrong as a sentence. */
export function parseFault(input: unknown): Fault | string {
  if (typeof input !== "object" || input === null || Array.isArray(input)) return "a fault is a JSON object";
  for (const field of Object.keys(input)) if (!FIELDS.has(field)) return `unknown field "${field}"; known: ${[...FIELDS].join(", ")}`;
  const fault = input as Record<string, unknown>;
  if (!faultKinds.includes(fault.kind as FaultKind)) return `"kind" is one of ${faultKinds.join(", ")}`;
  const operation = fault.operation ?? "*";
  if (operation !== "*" && !operations.includes(operation as Operation)) return `"operation" is * or one of ${operations.join(", ")}`;
  const { probability, count, delayMs, code } = fault;
  if (probability !== undefined && !isNumber(probability, 0, 1)) return '"probability" is a number from 0 to 1';
  if (count !== undefined && !(isNumber(count, 1, 1e9) && Number.isInteger(count))) return '"count" is an integer, 1 or more';
  if (delayMs !== undefined && !isNumber(delayMs, 0, MAX_DELAY_MS)) return `"delayMs" is a number from 0 to ${MAX_DELAY_MS}`;
  if (code !== undefined && !(typeof code === "string" && /^\w{1,80}$/.test(code))) return '"code" is a word of 1 to 80 characters';
  if (fault.kind === "decline" && operation !== "*" && operation !== "commit") return '"decline" strikes commits only';
  if (fault.kind === "refuse" && operation !== "commit" && (count !== undefined || probability !== undefined)) {
    return '"refuse" takes "count" and "probability" for the operation "commit" only: connections that never arrive cannot be counted';
  }
  return fault as unknown as Fault;
}

function isNumber(value: unknown, min: number, max: number): value is number {
  return typeof value === "number" && value >= min && value <= max;
}

interface Active {
  readonly fault: Fault;
  left: number;
}

/** The faults of one processor, in the order in which they were set; the first that strikes wins. */
export class FaultBoard {
  readonly #random: Random;
  #active: Active[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  add(fault: Fault): void {
    if (this.#active.length >= MAX_FAULTS) throw new RangeError(`more than ${MAX_FAULTS} faults: clear some first`);
    this.#active.push({ fault, left: fault.count ?? Number.POSITIVE_INFINITY });
  }

  clear(): void {
    this.#active = [];
  }

  remove(fault: Fault): void {
    this.#active = this.#active.filter((active) => active.fault !== fault);
  }

  list(): Fault[] {
    return this.#active.map(({ fault, left }) => (Number.isFinite(left) ? { ...fault, count: left } : fault));
  }

  /** The fault that strikes this request, if any. Refusals strike before there is a request: see `strikeRefusal`. */
  strike(operation: Operation | "other"): Fault | null {
    if (this.#active.length === 0) return null;
    return this.#take(({ kind, operation: wanted = "*" }) => {
      if (kind === "refuse") return false;
      if (kind === "decline") return operation === "commit";
      return wanted === "*" || wanted === operation;
    });
  }

  /** After a prepare: whether the commit that follows shall be refused. */
  strikeRefusal(): Fault | null {
    if (this.#active.length === 0) return null;
    return this.#take(({ kind, operation }) => kind === "refuse" && operation === "commit");
  }

  #take(matches: (fault: Fault) => boolean): Fault | null {
    for (const active of this.#active) {
      if (!matches(active.fault)) continue;
      const { probability = 1 } = active.fault;
      if (probability < 1 && this.#random() >= probability) continue;
      active.left -= 1;
      if (active.left <= 0) this.#active = this.#active.filter((other) => other !== active);
      return active.fault;
    }
    return null;
  }
}
