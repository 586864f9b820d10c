import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { acceptCharges } from "../../../../gateway/store/accept-charges.ts";
import type { Statement } from "../../../../gateway/store/database.ts";
import { type Transition, writeTransitions } from "../../../../gateway/store/write-transitions.ts";
import {
  acceptance,
  at,
  attemptId,
  cancelKey,
  compensation,
  doubted,
  failedOver,
  NOW,
  patch,
  succeeded,
  told,
  transition,
} from "./rows.ts";
import { openStage, type Session, type Stage } from "./sessions.ts";

/** The statement has the parts that some row of its batch needs: what a row writes must not depend on who shares the batch. */
let stage: Stage;
let one: Session;
beforeAll(async () => {
  stage = await openStage();
  one = await stage.session();
});
afterAll(() => stage.close());

type Row = (id: string) => Transition;

/** Before the row under test: the charge is accepted, and then taken here. */
interface Case {
  readonly before?: readonly Row[];
  readonly row: Row;
  readonly written?: false;
}

const inDoubt: Row = (id) => transition(id, { status: "in_doubt" });
const openLetter: Row = (id) => doubted(id, { from_status: "in_doubt", lease_until: at(30).toISOString() });
const canceled = (id: string): Partial<Transition> => ({
  status: "canceled",
  next_action_at: null,
  lease_until: null,
  attempt: patch(attemptId(id, 1)),
});
const givenUp: Row = (id) =>
  transition(id, {
    status: "failed",
    next_action_at: null,
    attempt: patch(attemptId(id, 1), { outcome: "settled", ambiguous: true, object: "pi_1" }),
  });

/** Each optional part by itself. */
const PARTS: Readonly<Record<string, Case>> = {
  reopen: {
    before: [givenUp],
    row: (id) =>
      transition(id, {
        from_status: "failed",
        status: "succeeded",
        amount_captured: "4200",
        next_action_at: null,
        reopen: patch(attemptId(id, 1), { live: true, outcome: "approved", provider_reference: `pi_${id}`, latency_ms: null }),
      }),
  },
  next_attempt: { row: (id) => failedOver(id, 2) },
  dead_letter: { before: [inDoubt], row: openLetter },
  settled_by: { before: [inDoubt, openLetter], row: (id) => succeeded(id, { from_status: "in_doubt", settled_by: "key:ops" }) },
  operation: {
    before: [givenUp],
    row: (id) => transition(id, { from_status: "failed", status: "failed", next_action_at: null, operation: compensation(id) }),
  },
  command: { row: (id) => transition(id, { ...canceled(id), command: cancelKey(`cancel-${id}`) }) },
};

/** Rows with none of the parts, with several, and such as must leave no trace of theirs. */
const OTHERS: Readonly<Record<string, Case>> = {
  "nothing but a status": { row: (id) => transition(id, { status: "in_doubt", excluded: ["paypal"], tries: 3 }) },
  "an outcome": { row: (id) => succeeded(id) },
  "a lost lease with every part": {
    row: (id) => ({ ...failedOver(id, 2), ...everything(id), lease_no: 7 }),
    written: false,
  },
  "an attempt that is not the charge's": { row: (id) => ({ ...failedOver(id, 2), ...everything(id), attempt: patch("at_nobody") }) },
  "a second letter of the same doubt": { before: [inDoubt, openLetter], row: openLetter },
  "a second compensation of the same attempt": {
    before: [
      givenUp,
      (id) => transition(id, { from_status: "failed", status: "failed", next_action_at: null, operation: compensation(id) }),
    ],
    row: (id) => transition(id, { from_status: "failed", status: "failed", next_action_at: null, operation: compensation(id) }),
  },
  "a letter settled, and a key": {
    before: [inDoubt, openLetter],
    row: (id) => transition(id, { ...canceled(id), from_status: "in_doubt", settled_by: "key:ops", command: cancelKey(`cancel-${id}`) }),
  },
  "an earlier attempt adopted as the present one is closed": {
    before: [(id) => failedOver(id, 2)],
    row: (id) =>
      transition(id, {
        status: "succeeded",
        amount_captured: "4200",
        next_action_at: null,
        attempt: patch(attemptId(id, 2)),
        reopen: patch(attemptId(id, 1), { live: false, outcome: "approved", provider_reference: `pi_${id}` }),
        settled_by: "system:worker",
      }),
  },
};

function everything(id: string): Partial<Transition> {
  return {
    dead_letter: { id: `dl_${id}`, account_id: "acct_default", kind: "doubt", attempt_id: null, reason: "test" },
    settled_by: "key:ops",
    operation: compensation(id),
    command: cancelKey(`cancel-${id}`),
    reopen: patch(attemptId(id, 1), { outcome: "approved" }),
    events: [told(id, "charge.processing"), told(id, "dead_letter.opened")],
  };
}

const CASES: Readonly<Record<string, Case>> = { ...PARTS, ...OTHERS };
let runs = 0;

/** Sets each case's scene on a charge of its own; its id says the run and the case. */
async function scene(names: readonly string[]): Promise<Map<string, string>> {
  runs += 1;
  const ids = new Map(names.map((name, i) => [name, `ch_${String(runs).padStart(3, "0")}_${i}`]));
  for (const [name, id] of ids) {
    await acceptCharges(stage.db, [acceptance({ id, reference: `invoice-${id}` })]);
    for (const row of CASES[name]?.before ?? []) expect(await writeTransitions(stage.db, [row(id)])).toEqual([true]);
  }
  return ids;
}

/** By table: what tells its charge, its order, and the columns that differ from one run to the next. */
const TABLES = {
  charges: { of: "id", by: "id", but: "{}" },
  attempts: { of: "charge_id", by: "no", but: "{}" },
  dead_letters: { of: "charge_id", by: "id", but: "{id}" },
  operations: { of: "charge_id", by: "id", but: "{id}" },
  idempotency_keys: { of: "charge_id", by: "key", but: "{}" },
  events: { of: "charge_id", by: "id", but: "{id,xid}" },
} as const;
type Written = Record<keyof typeof TABLES, Record<string, unknown>[]>;

/** All that the database has of a charge. */
async function written(id: string): Promise<Written> {
  const tables = Object.entries(TABLES).map(async ([table, { of, by, but }]) => {
    const text = `select (to_jsonb(t) - '${but}'::text[])::text as row from ${table} t where ${of} = $1 order by ${by}`;
    const found = await stage.rows<{ row: string }>(text, id);
    return [table, found.map(({ row }) => JSON.parse(row.replaceAll(id, "<charge>")) as Record<string, unknown>)] as const;
  });
  return Object.fromEntries(await Promise.all(tables)) as Written;
}

/** What each case writes when it is alone in its statement. */
async function alone(names: readonly string[]): Promise<Record<string, Written>> {
  const ids = await scene(names);
  const found: Record<string, Written> = {};
  for (const [name, id] of ids) {
    expect(await writeTransitions(one.db, [(CASES[name] as Case).row(id)]), name).toEqual([CASES[name]?.written ?? true]);
    found[name] = await written(id);
  }
  return found;
}

async function together(names: readonly string[]): Promise<Record<string, Written>> {
  const ids = await scene(names);
  const results = await writeTransitions(
    one.db,
    [...ids].map(([name, id]) => (CASES[name] as Case).row(id)),
  );
  expect(results).toEqual(names.map((name) => CASES[name]?.written ?? true));
  return Object.fromEntries(await Promise.all([...ids].map(async ([name, id]) => [name, await written(id)] as const)));
}

describe("a batch writes what each of its rows alone would write", () => {
  it("with every kind of row in it, in any order", async () => {
    const names = Object.keys(CASES);
    const expected = await alone(names);
    expect(await together(names)).toEqual(expected);
    expect(await together(names.toReversed())).toEqual(expected);
  });

  // The statement of each set of parts is another one, with a name of its own on the same connection: all 63, with a row that needs none.
  it("with every set of parts", async () => {
    const parts = Object.keys(PARTS);
    const expected = await alone([...parts, "an outcome"]);
    for (let set = 1; set < 2 ** parts.length; set++) {
      const names = ["an outcome", ...parts.filter((_, i) => set & (1 << i))];
      for (const [name, rows] of Object.entries(await together(names))) expect(rows, names.join(" + ")).toEqual(expected[name]);
    }
  });
});

it("each set of parts has a statement name of its own, short enough for a server", async () => {
  const parts = ["reopen", "next_attempt", "dead_letter", "settled_by", "settlement", "operation", "command", "declined", "token_gone"];
  const names = new Map<string, string>();
  const db = {
    ...stage.db,
    query: async ({ name, text }: Statement) => {
      expect(names.get(name) ?? text, name).toBe(text);
      expect(name.length).toBeLessThan(64);
      names.set(name, text);
      return [];
    },
  };
  for (let set = 0; set < 2 ** parts.length; set++) {
    const brought = parts.filter((_, i) => set & (1 << i)).map((part) => [part, {}]);
    await writeTransitions(db, [transition("ch_1", Object.fromEntries(brought))]);
  }
  // An operation brings the settlement's part with it.
  expect(names.size).toBe(2 ** parts.length - 2 ** (parts.length - 2));
});

describe("alone in its statement", () => {
  const alones = async (name: string) => (await alone([name]))[name] as Written;

  it("reopen: the attempt that was given up holds the money, and forgets neither its doubt nor its object", async () => {
    const { attempts, charges } = await alones("reopen");
    expect(charges).toMatchObject([{ status: "succeeded", amount_captured: 4200 }]);
    expect(attempts).toMatchObject([
      { live: true, outcome: "approved", ambiguous: true, object: "pi_1", provider_reference: "pi_<charge>", latency_ms: 12 },
    ]);
  });

  it("next_attempt: the attempt before is closed, the next one is live", async () => {
    const { attempts } = await alones("next_attempt");
    expect(attempts).toMatchObject([
      { no: 1, live: false, outcome: "not_sent" },
      { no: 2, live: true, outcome: null, provider: "paypal", provider_account: "acct_paypal" },
    ]);
  });

  it("dead_letter: an open letter, with its event", async () => {
    const { dead_letters, events } = await alones("dead_letter");
    expect(dead_letters).toMatchObject([{ kind: "doubt", state: "open", attempt_id: "at_<charge>_1" }]);
    expect(events.filter(({ type }) => type === "dead_letter.opened")).toHaveLength(1);
  });

  it("dead_letter, for the second time: no letter and no event of it, but the rest", async () => {
    const { dead_letters, events } = await alones("a second letter of the same doubt");
    expect(dead_letters).toHaveLength(1);
    expect(events.map(({ type }) => type)).toEqual([
      "attempt.started",
      "charge.in_doubt",
      "charge.in_doubt",
      "dead_letter.opened",
      "charge.in_doubt",
    ]);
  });

  it("settled_by: the open letters are closed by name", async () => {
    const { dead_letters } = await alones("settled_by");
    expect(dead_letters).toMatchObject([{ state: "settled", closed_by: "key:ops" }]);
    expect(new Date(dead_letters[0]?.closed_at as string)).toEqual(NOW);
  });

  it("operation: one compensation, due now, and no second one", async () => {
    const due = [{ state: "processing", attempt_id: "at_<charge>_1", reference: "pi_late", amount: 4200, captured: true, lease_no: 0 }];
    expect((await alones("operation")).operations).toMatchObject(due);
    expect((await alones("a second compensation of the same attempt")).operations).toMatchObject(due);
  });

  it("command: its key is taken", async () => {
    const { idempotency_keys } = await alones("command");
    expect(idempotency_keys).toMatchObject([{ key: "cancel-<charge>", operation: "cancel" }, { operation: "charge" }]);
  });

  it("a lost lease, or an attempt of somebody else, leaves nothing of any part", async () => {
    const untouched = {
      dead_letters: [],
      operations: [],
      idempotency_keys: [{ operation: "charge" }],
      events: [{ type: "attempt.started" }],
    };
    const lost = await alones("a lost lease with every part");
    expect(lost).toMatchObject({ ...untouched, attempts: [{ no: 1, live: true, outcome: null }] });
    expect(await alones("an attempt that is not the charge's")).toMatchObject({
      ...untouched,
      attempts: [{ no: 1, live: true, outcome: null }],
    });
  });
});
