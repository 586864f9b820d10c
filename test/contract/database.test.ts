import { inspect } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  DatabaseAmbiguous,
  DatabaseUnavailable,
  isDefinite,
  type Statement,
  sqlState,
  violatedConstraint,
} from "../../gateway/store/database.ts";
import { type DatabaseSide, realDatabase, simulatedDatabase } from "./database-side.ts";

/** What the store binds and reads. */
const VALUES: readonly (readonly [type: string, value: unknown])[] = [
  ["bigint", 9_007_199_254_740_993n],
  ["bigint", -1n],
  ["integer", 42],
  ["boolean", true],
  ["boolean", false],
  ["text", 'it\'s "quoted", {braced}, back\\slashed, null and ünïcode 🪙'],
  ["text", ""],
  ["text", null],
  ["timestamptz", new Date("2026-01-01T12:34:56.789Z")],
  ["timestamptz", new Date("1969-12-31T23:59:59.001Z")],
  ["bytea", Buffer.from([0, 1, 92, 127, 128, 255])],
  ["text[]", ["a,b", 'quo"ted', "back\\slash", "{}", "", "null", "NULL", " spaced "]],
  ["text[]", []],
  ["text[]", null],
  ["double precision", 0.1],
  ["jsonb", null],
];

describe.each([
  { side: "the product's pool", open: realDatabase },
  { side: "the simulated connection", open: simulatedDatabase },
])("the SQL contract: $side", ({ open }) => {
  let side: DatabaseSide;
  beforeAll(async () => {
    side = await open();
  });
  afterAll(() => side.close());

  let names = 0;
  const statement = (text: string, values: readonly unknown[] = []): Statement => {
    names += 1;
    return { name: `contract_${names}`, text, values };
  };
  const ask = async (text: string, values: readonly unknown[] = []) => side.db.query<Record<string, unknown>>(statement(text, values));
  const failure = async (work: Promise<unknown>): Promise<Error> => {
    const error = await work.then(
      () => null,
      (thrown: unknown) => thrown,
    );
    if (!(error instanceof Error)) throw new Error("it did not fail");
    return error;
  };
  const account = "insert into accounts (id, name) values ($1, $2)";

  test.each(VALUES.map(([type, value]) => ({ type, value, shown: inspect(value) })))(
    "$type $shown comes back as it went",
    async ({ type, value }) => {
      expect(await ask(`select $1::${type} as value`, [value])).toEqual([{ value }]);
    },
  );

  test("jsonb goes as JSON and comes back parsed, its numbers as numbers", async () => {
    const value = { amount: 4200, nested: { list: [1, "two", null, { three: "3" }] }, text: 'quo"ted' };
    expect(await ask("select $1::jsonb as value", [JSON.stringify(value)])).toEqual([{ value }]);
    expect(await ask("select $1::jsonb as value", [value])).toEqual([{ value }]);
    expect(await ask("select $1::jsonb as value", [JSON.stringify([value, value])])).toEqual([{ value: [value, value] }]);
  });

  test("an undefined value is null, no rows are no rows, and several are in order", async () => {
    expect(await ask("select $1::text as value", [undefined])).toEqual([{ value: null }]);
    expect(await ask("select 1 as one where false")).toEqual([]);
    expect(await ask("select n as n, n::bigint * 10 as ten from generate_series(1, 3) n")).toEqual(
      [1, 2, 3].map((n) => ({ n, ten: BigInt(n * 10) })),
    );
  });

  test("one statement is asked often, with other values each time", async () => {
    const sum: Statement = { name: "contract_sum", text: "select $1::integer + $2::integer as sum" };
    for (const [a, b] of [
      [1, 2],
      [40, 2],
    ] as const)
      expect(await side.db.query({ ...sum, values: [a, b] })).toEqual([{ sum: a + b }]);
  });

  test.each([
    ["a unique key that is taken", "23505", "accounts_pkey", account, ["acct_default", "again"]],
    ["a null where there must be a value", "23502", null, account, ["acct_nameless", null]],
    ["a value out of range", "22012", null, "select 1 / $1::integer as none", [0]],
    ["a mistake in the text", "42703", null, "select no_such_column from accounts", []],
  ] as const)("%s is definite: code %s", async (_, code, constraint, text, values) => {
    const error = await failure(ask(text, values));
    expect(isDefinite(error)).toBe(true);
    expect(sqlState(error)).toBe(code);
    expect(violatedConstraint(error)).toBe(constraint);
    expect(await ask("select 1 as one")).toEqual([{ one: 1 }]);
  });

  test("a statement that fails in one of its parts has done nothing", async () => {
    const halves = `with first as (${account} returning id) select 1 / (select count(*) - 1 from first)::integer as none`;
    expect(sqlState(await failure(ask(halves, ["acct_half", "half"])))).toBe("22012");
    expect(await ask("select id from accounts where id = 'acct_half'")).toEqual([]);
  });

  test("a conflict with others is definite, and may be tried again", async () => {
    const error = await failure(side.conflict());
    expect(isDefinite(error)).toBe(true);
    expect(["40001", "40P01"]).toContain(sqlState(error));
    expect(await ask("select 1 as one")).toEqual([{ one: 1 }]);
  });

  test("without a connection nothing was sent: unavailable, and not definite", async () => {
    const error = await failure(side.unavailable(statement(account, ["acct_unsent", "unsent"])));
    expect(error).toBeInstanceOf(DatabaseUnavailable);
    expect(isDefinite(error)).toBe(false);
    expect(sqlState(error)).toBeNull();
    expect(await ask("select id from accounts where id = 'acct_unsent'")).toEqual([]);
  });

  test("a connection that is lost during a statement is ambiguous, and the next statement has another one", async () => {
    const error = await failure(side.lost());
    expect(error).toBeInstanceOf(DatabaseAmbiguous);
    expect(isDefinite(error)).toBe(false);
    expect(await ask("select 1 as one")).toEqual([{ one: 1 }]);
  });

  test("ambiguous is what it says: a statement whose answer was lost may have been committed", async () => {
    const error = await failure(side.lostAfter(statement(account, ["acct_unheard", "unheard"])));
    expect(error).toBeInstanceOf(DatabaseAmbiguous);
    expect(await ask("select id from accounts where id = 'acct_unheard'")).toEqual([{ id: "acct_unheard" }]);
  });

  test("statements that are asked at once are all answered", async () => {
    const answers = await Promise.all([1, 2, 3, 4, 5].map((n) => ask("select $1::integer as n", [n])));
    expect(answers).toEqual([1, 2, 3, 4, 5].map((n) => [{ n }]));
  });
});
