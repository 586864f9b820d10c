import pg from "pg";
import { expect, it } from "vitest";
import { DatabaseAmbiguous } from "../../../gateway/store/database.ts";
import { groupCommit } from "../../../gateway/store/group-commit.ts";

function definite(code: string): Error {
  const error = new pg.DatabaseError("no", 1, "error");
  error.code = code;
  return error;
}

const tick = () => new Promise((resolve) => setImmediate(resolve));

it("puts what arrives together into one statement, and answers each its own", async () => {
  const batches: number[][] = [];
  const write = groupCommit(async (inputs: readonly number[]) => {
    batches.push([...inputs]);
    await tick();
    return inputs.map((n) => n * 10);
  });
  await expect(Promise.all([1, 2, 3].map(write))).resolves.toEqual([10, 20, 30]);
  expect(batches).toEqual([[1, 2, 3]]);
});

it("gathers the next batch while a statement runs", async () => {
  const batches: number[][] = [];
  const release: (() => void)[] = [];
  const write = groupCommit(async (inputs: readonly number[]) => {
    batches.push([...inputs]);
    await new Promise<void>((resolve) => release.push(resolve));
    return [...inputs];
  }, 1);
  const first = write(1);
  await tick();
  const others = Promise.all([write(2), write(3), write(4)]);
  await tick();
  expect(batches).toEqual([[1]]);
  release.shift()?.();
  await first;
  await tick();
  release.shift()?.();
  await others;
  expect(batches).toEqual([[1], [2, 3, 4]]);
});

it("tries each row alone after a definite error, so that one bad row harms no other", async () => {
  const write = groupCommit(async (inputs: readonly number[]) => {
    if (inputs.includes(13)) throw definite("23514");
    return [...inputs];
  });
  const results = await Promise.allSettled([1, 13, 2].map(write));
  expect(results.map((result) => result.status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
});

it.each(["40001", "40P01"])("tries the batch again after %s", async (code) => {
  let times = 0;
  const write = groupCommit(async (inputs: readonly number[]) => {
    times += 1;
    if (times < 3) throw definite(code);
    return [...inputs];
  });
  await expect(Promise.all([write(1), write(2)])).resolves.toEqual([1, 2]);
  expect(times).toBe(3);
});

it("retries nothing after an ambiguous commit: it is ambiguous for every row", async () => {
  let times = 0;
  const write = groupCommit(async (): Promise<number[]> => {
    times += 1;
    throw new DatabaseAmbiguous("connection lost");
  });
  const results = await Promise.allSettled([write(1), write(2)]);
  expect(times).toBe(1);
  for (const result of results) expect(result).toMatchObject({ status: "rejected", reason: { name: "DatabaseAmbiguous" } });
});
