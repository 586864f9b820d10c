import { z } from "zod";
import { isCurrency } from "../providers/contract/money.ts";
import { type Env, type Faults, text } from "./config-readers.ts";
import { pointerTo } from "./http/pointer.ts";
import { type AccountSource, ADAPTER_NAMES, ADAPTERS, type Adapter, NO_LIMITS } from "./provider-config.ts";
import { faultsOf } from "./schema-faults.ts";

/** One entry of the file, and the names of the environment that it refers to. */
export interface FileAccount {
  readonly adapter: Adapter;
  readonly source: AccountSource;
  readonly refersTo: readonly string[];
}

/** Each provider has its own circuit, gauges and rows of statistics; nobody has more accounts than this. */
const MAX_PROVIDERS = 32;
/** Characters: far more than the providers need, and a wrong path does not fill the memory. */
const MAX_FILE = 262_144;
/** Minor units. */
const MAX_FEE = 1_000_000_000;
/** What `payment_method` says of the method itself: no provider can be called so. */
const TAKEN_WORDS: readonly string[] = ["type", "brand", "country", "metadata"];

const REFERENCE_FAULT = 'must be {"env": "A_NAME"}, the name of an environment variable (capitals): no secret belongs into this file';
const ID_FAULT = "must begin with a letter, and have at most 32 characters of a-z, 0-9 and -";

const orMissing = (fault: string) => (issue: { input?: unknown }) => (issue.input === undefined ? "is missing" : fault);
const shape = (fault: string) => (issue: { code?: string; input?: unknown }) =>
  issue.code === "unrecognized_keys" ? undefined : orMissing(fault)(issue);
const amount = (max: number, fault: string) => z.number(fault).min(0, fault).max(max, fault);

const reference = z.strictObject(
  { env: z.string(REFERENCE_FAULT).regex(/^[A-Z_][A-Z0-9_]{0,99}$/, REFERENCE_FAULT) },
  { error: shape(REFERENCE_FAULT) },
);

const fee = z.strictObject({
  percent: amount(100, "must be a number from 0 to 100").default(0),
  fixed: amount(MAX_FEE, "must be minor units, 0 or more").default(0),
  per_attempt: amount(MAX_FEE, "must be minor units, 0 or more").default(0),
});

const LIMIT_FAULT = "must be a number above 0, or null";
const common = {
  id: z
    .string({ error: orMissing(ID_FAULT) })
    .regex(/^[a-z][a-z0-9-]{0,31}$/, ID_FAULT)
    .refine((id) => !TAKEN_WORDS.includes(id), `must not be one of ${TAKEN_WORDS.join(", ")}: payment_method uses these words`),
  api_base: z.string("must be an http or https URL").optional(),
  fees: z
    .record(
      z.string().refine((key): boolean => key === "*" || isCurrency(key), "must be a currency in lower case, like usd, or *"),
      fee,
      "must be an object of fees by currency",
    )
    .default({}),
  limits: z
    .strictObject({
      per_second: z.number(LIMIT_FAULT).positive(LIMIT_FAULT).nullable().default(null),
      share: z.number(LIMIT_FAULT).positive(LIMIT_FAULT).max(1, "must be at most 1").nullable().default(null),
    })
    .default(NO_LIMITS),
};

const entrySchema = z.discriminatedUnion(
  "adapter",
  ADAPTER_NAMES.map((adapter) => {
    const { needs, takes } = ADAPTERS[adapter];
    const credentials = [...needs.map((field) => [field, reference]), ...takes.map((field) => [field, reference.optional()])];
    return z.strictObject({ adapter: z.literal(adapter), ...common, ...Object.fromEntries(credentials) });
  }) as [ReturnType<typeof z.strictObject<typeof common & { adapter: z.ZodLiteral<Adapter> }>>],
  { error: (issue) => (issue.code === "invalid_union" ? `must be ${ADAPTER_NAMES.join(" or ")}` : "must be an object") },
);

/** The entries of the file that are well formed, in their order; whatever is wrong with the others, or the file, is a fault with its pointer. */
export function fileAccounts(file: string, env: Env, faults: Faults): FileAccount[] {
  const listed = parse(file, faults);
  const accounts = listed.flatMap((value, i) => {
    const result = entrySchema.safeParse(value);
    if (result.success) return [accountOf(result.data, i, env, faults)];
    const at = (path: readonly PropertyKey[]) => nameOf([i, ...path]);
    faults.push(...faultsOf(result.error, at).map(({ pointer, message }) => `${pointer} ${message}`));
    return [];
  });
  faults.push(...idFaults(listed));
  return accounts;
}

function parse(file: string, faults: Faults): unknown[] {
  const fault = (message: string): [] => {
    faults.push(`PROVIDERS_FILE ${message}`);
    return [];
  };
  if (file.length > MAX_FILE) return fault(`has more than ${MAX_FILE} characters`);
  let value: unknown;
  try {
    value = JSON.parse(file);
  } catch (error) {
    // The parser's own words quote the file, and a secret may be in it.
    const at = /line \d+ column \d+/.exec(String(error))?.[0];
    return fault(`is not valid JSON${at ? ` (${at})` : ""}`);
  }
  if (!Array.isArray(value)) return fault("must be an array of providers");
  if (value.length === 0 || value.length > MAX_PROVIDERS) return fault(`must have 1 to ${MAX_PROVIDERS} providers, not ${value.length}`);
  return value;
}

function accountOf(entry: z.output<typeof entrySchema>, i: number, env: Env, faults: Faults): FileAccount {
  const { id, adapter, fees, limits } = entry;
  const values = new Map<string, string | null>([["api_base", entry.api_base ?? null]]);
  const refersTo: string[] = [];
  for (const field of [...ADAPTERS[adapter].needs, ...ADAPTERS[adapter].takes]) {
    const named = (entry as Readonly<Record<string, unknown>>)[field] as { env: string } | undefined;
    if (named === undefined) continue;
    const value = text(env, named.env);
    if (value === null) faults.push(`${nameOf([i, field])}: the environment has no ${named.env}`);
    values.set(field, value);
    refersTo.push(named.env);
  }
  const source = { id, fees, limits, value: (field: string) => values.get(field) ?? null, name: (field: string) => nameOf([i, field]) };
  return { adapter, source, refersTo };
}

/** Over all entries, also those that have other faults. */
function idFaults(listed: readonly unknown[]): string[] {
  const entries = listed.map((value) => (typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {}));
  return entries.flatMap(({ id, adapter }, i) => {
    if (typeof id !== "string") return [];
    const first = entries.findIndex((entry) => entry.id === id);
    if (first < i) return [`${nameOf([i, "id"])} is the id of ${nameOf([first])} as well: each provider needs its own`];
    const other = ADAPTER_NAMES.find((name) => name === id && name !== adapter);
    return other ? [`${nameOf([i, "id"])} must not be ${other}: that is another adapter's name`] : [];
  });
}

function nameOf(path: readonly PropertyKey[]): string {
  return `PROVIDERS_FILE ${pointerTo(path)}`;
}
