import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { diffLines } from "../../../gateway/cli/diff-lines.ts";
import { dumpSchema } from "../../../gateway/cli/schema-dump.ts";
import { MIGRATIONS_DIR, migrate } from "../../../gateway/store/migrate.ts";
import { createEmptyDatabase, createTestDatabase, run } from "../../support/database.ts";

async function emptyDatabase(): Promise<string> {
  const database = await createEmptyDatabase();
  onTestFinished(() => database.drop());
  return database.url;
}

async function migrations(files: Record<string, string>): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "switchyard-migrations-"));
  onTestFinished(() => rm(dir, { recursive: true }));
  for (const [name, sql] of Object.entries(files)) await writeFile(join(dir, name), sql);
  return dir;
}

const silent = () => {};

test("migrations/schema.sql is what the migrations make", async () => {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  expect(diffLines(await readFile(join(MIGRATIONS_DIR, "schema.sql"), "utf8"), await dumpSchema(database.url))).toEqual([]);
});

test("the dump shows tables, columns, checks, indexes, triggers, functions, types and views, in an order of its own", async () => {
  const url = await emptyDatabase();
  await run(
    url,
    `create type colour as enum ('red', 'green');
     create table b (id bigint generated always as identity primary key, a_id text, c colour default 'red' not null);
     create table a (id text primary key, n int check (n > 0), doubled int generated always as (n * 2) stored) with (fillfactor = 70);
     alter table b add constraint b_a foreign key (a_id) references a on delete cascade;
     create index b_live on b (a_id desc) where c = 'red';
     create function touch() returns trigger language plpgsql as 'begin return new; end';
     create trigger b_touch before update on b for each row execute function touch();
     create view v as select id from a;`,
  );
  expect(
    await dumpSchema(url),
  ).toBe(`-- Generated from the catalog after all migrations (npm run schema). Do not edit: \`npm run check\` compares it.

create type colour as enum ('red', 'green');

CREATE OR REPLACE FUNCTION public.touch()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$begin return new; end$function$;

create table a (
  id text not null,
  n integer,
  doubled integer generated always as ((n * 2)) stored,
  constraint a_pkey PRIMARY KEY (id),
  constraint a_n_check CHECK ((n > 0))
) with (fillfactor=70);

create table b (
  id bigint generated always as identity not null,
  a_id text,
  c colour default 'red'::colour not null,
  constraint b_pkey PRIMARY KEY (id),
  constraint b_a FOREIGN KEY (a_id) REFERENCES a(id) ON DELETE CASCADE
);
CREATE INDEX b_live ON public.b USING btree (a_id DESC) WHERE (c = 'red'::colour);
CREATE TRIGGER b_touch BEFORE UPDATE ON public.b FOR EACH ROW EXECUTE FUNCTION touch();

create view v as
 SELECT id
   FROM a;
`);
});

test("instances that start together wait for each other: each migration runs once, in order", async () => {
  const url = await emptyDatabase();
  const dir = await migrations({
    "000001_one.sql": "create table one (id int); select pg_sleep(0.3);",
    "000002_two.sql": "alter table one add column two int;",
    "schema.sql": "this is not a migration",
  });
  const ran = await Promise.all([migrate(url, silent, dir), migrate(url, silent, dir), migrate(url, silent, dir)]);
  expect(ran.flat()).toEqual(["000001_one", "000002_two"]);
  expect(await migrate(url, silent, dir)).toEqual([]);
});

test("a failing migration leaves the database as it was", async () => {
  const url = await emptyDatabase();
  const before = await dumpSchema(url);
  const dir = await migrations({ "000001_one.sql": "create table one (id int);", "000002_two.sql": "create table broken (id nonsense);" });
  await expect(migrate(url, silent, dir)).rejects.toThrow(/nonsense/);
  expect(await dumpSchema(url)).toBe(before);
});

test("a database that is newer than the code is left alone; a migration slipped in before one that ran is refused", async () => {
  const url = await emptyDatabase();
  const first = { "000001_one.sql": "create table one (id int);" };
  const third = { "000003_three.sql": "create table three (id int);" };
  await migrate(url, silent, await migrations({ ...first, ...third }));
  expect(await migrate(url, silent, await migrations(first))).toEqual([]);
  await expect(migrate(url, silent, await migrations({ ...first, "000002_two.sql": "select 1;", ...third }))).rejects.toThrow(/preceding/);
});

test("the difference of two texts names the lines on either side", () => {
  expect(diffLines("a\nb\nc\nd", "a\nx\nc\nd\ne")).toEqual(["- b", "+ x", "+ e"]);
  expect(diffLines("same\n", "same\n")).toEqual([]);
  expect(diffLines("", "a")).toEqual(["- ", "+ a"]);
});
