import { chmod, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createSecret, isRoot, openDataDir, replaceSecret } from "../../../gateway/local/data-dir.ts";
import { localKeys } from "../../../gateway/local/keys.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

test("three keys of 256 bits are made once, readable by their owner alone", async () => {
  const dataDir = join(await temporaryDirectory(), "a", "data");
  const { keys, file } = await localKeys(dataDir);
  const values = Object.values(keys);
  expect(Object.keys(keys)).toEqual(["billing", "finance", "ops"]);
  expect(new Set(values).size).toBe(3);
  for (const key of values) expect(key).toMatch(/^sy_test_[A-Za-z0-9_-]{43}$/);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect((await stat(dataDir)).mode & 0o777).toBe(isRoot() ? 0o711 : 0o700);
  expect((await localKeys(dataDir)).keys).toEqual(keys);
});

test("starts at the same moment agree on the keys", async () => {
  const dataDir = await temporaryDirectory();
  const all = await Promise.all(Array.from({ length: 8 }, () => localKeys(dataDir)));
  expect(new Set(all.map(({ keys }) => keys.billing)).size).toBe(1);
  expect(await readdir(dataDir)).toEqual(["keys.json"]);
});

test("a damaged file is reported, not replaced", async () => {
  const dataDir = await temporaryDirectory();
  await writeFile(join(dataDir, "keys.json"), '{"billing": "sy_test_short"}');
  await expect(localKeys(dataDir)).rejects.toThrow(/does not hold the three local keys/);
});

test("a data directory that others can write to is closed, or refused when it is shared", async () => {
  const dir = await temporaryDirectory();
  await chmod(dir, 0o777);
  await openDataDir(dir);
  expect((await stat(dir)).mode & 0o777).toBe(0o755);
  await chmod(dir, 0o1777);
  await expect(openDataDir(dir)).rejects.toThrow(/can be written by other users/);
  expect((await stat(dir)).mode & 0o7777).toBe(0o1777);
});

test("a secret is created once and replaced whole", async () => {
  const path = join(await temporaryDirectory(), "secret");
  expect(await createSecret(path, "one")).toBe(true);
  expect(await createSecret(path, "two")).toBe(false);
  expect(await readFile(path, "utf8")).toBe("one");
  await replaceSecret(path, "three");
  expect(await readFile(path, "utf8")).toBe("three");
});
