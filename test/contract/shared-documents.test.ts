import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { MAX_DOCUMENTS, MAX_READ, MAX_READ_BYTES, MAX_WRITES } from "../../gateway/health/document-limits.ts";
import type { DocumentWrite, Exchanged, Position, SharedDocuments } from "../../gateway/health/shared-documents.ts";
import { redisAvailable } from "../support/redis.ts";
import { type DocumentsSide, realDocuments, simulatedDocuments } from "./documents-side.ts";

/** Until what nobody waits for has happened, or would have. */
const ON_ITS_WAY_MS = 1_000;
const TRIES = 100;
const PATIENT_TRIES = 1_200;

const real = redisAvailable();

const ask = (documents: SharedDocuments, since: Position | null, ...writes: DocumentWrite[]): Promise<Exchanged> =>
  documents.exchange({ since, writes, urgent: false });
const create = (name: string, value: string): DocumentWrite => ({ name, expected: 0, value });
const versionOf = ({ written, documents }: Exchanged, name: string): number =>
  [...written, ...documents].find((one) => one.name === name)?.version ?? Number.NaN;

describe.each([
  { side: "a real Redis", open: realDocuments, there: real },
  { side: "the simulated store", open: simulatedDocuments, there: true },
])("documents that instances share: $side", ({ open, there }) => {
  const only = test.skipIf(!there);
  let side: DocumentsSide;
  let here: SharedDocuments;
  let elsewhere: SharedDocuments;

  beforeAll(async () => {
    if (there) side = await open();
  });
  beforeEach(async () => {
    if (!there) return;
    await side.begin();
    [here, elsewhere] = [await side.instance(), await side.instance()];
  });
  afterEach(() => side?.calm());
  afterAll(() => side?.close());

  only("an empty store has nothing, a time, and a position to go on from", async () => {
    const first = await ask(here, null);
    expect(first).toMatchObject({ written: [], documents: [], reset: false, more: false });
    expect(Number.isSafeInteger(first.now)).toBe(true);
    const second = await ask(elsewhere, first.position);
    expect(second).toMatchObject({ documents: [], reset: false, position: first.position });
    expect(second.now).toBeGreaterThanOrEqual(first.now);
  });

  only("what one creates, another reads; one's own writes do not come back", async () => {
    const created = await ask(here, null, create("gate", "1"), create("größe", "é€😀"));
    expect(created.written.map(({ name }) => name)).toEqual(["gate", "größe"]);
    expect(created.documents).toEqual([]);
    const [gate, other] = created.written.map(({ version }) => version) as [number, number];
    expect(other).toBeGreaterThan(gate);
    const read = await ask(elsewhere, null);
    expect(read.documents).toEqual([
      { name: "gate", version: gate, value: "1" },
      { name: "größe", version: other, value: "é€😀" },
    ]);
    expect((await ask(here, created.position)).documents).toEqual([]);
    expect((await ask(elsewhere, read.position)).documents).toEqual([]);
  });

  only("a write whose expectation is wrong is refused, and says what is there; the others are made", async () => {
    const { position, written } = await ask(here, null, create("a", "1"), create("b", "1"));
    const version = written[0]?.version as number;
    const refused = await ask(elsewhere, position, create("a", "2"), create("c", "2"), { name: "gone", expected: 7, value: "2" });
    expect(refused.written.map(({ name }) => name)).toEqual(["c"]);
    expect(refused.documents).toEqual([
      { name: "a", version, value: "1" },
      { name: "gone", version: 0, value: "" },
    ]);
    const again = await ask(elsewhere, refused.position, { name: "a", expected: version, value: "2" });
    expect(versionOf(again, "a")).toBeGreaterThan(versionOf(refused, "c"));
  });

  only("of two writers at once one wins, and the other one sees the winner's value", async () => {
    for (let round = 0; round < 20; round += 1) {
      const name = `contested-${round}`;
      const both = await Promise.all([ask(here, null, create(name, "here")), ask(elsewhere, null, create(name, "elsewhere"))]);
      const winner = both.findIndex(({ written }) => written.length === 1);
      const loser = both[1 - winner] as Exchanged;
      expect(loser.written).toEqual([]);
      expect(loser.documents.find((one) => one.name === name)).toEqual({
        name,
        version: versionOf(both[winner] as Exchanged, name),
        value: winner === 0 ? "here" : "elsewhere",
      });
    }
  });

  only("who was away reads only what changed, each document once and as it is now", async () => {
    let { position, written } = await ask(here, null, create("still", "0"), create("moving", "0"));
    const away = position;
    let version = written[1]?.version as number;
    for (let i = 1; i <= 5; i += 1) {
      ({ position, written } = await ask(here, position, { name: "moving", expected: version, value: String(i) }));
      version = written[0]?.version as number;
    }
    await ask(here, position, create("new", "0"));
    const { documents, reset } = await ask(elsewhere, away);
    expect(reset).toBe(false);
    expect(documents.map(({ name, value }) => [name, value])).toEqual([
      ["moving", "5"],
      ["new", "0"],
    ]);
  });

  only("what is too much for one answer comes in several", async () => {
    await fill(here, "many", MAX_READ + 10, "x");
    expect(await pages(elsewhere)).toEqual([MAX_READ, 10]);
    await side.begin();
    const writer = await side.instance();
    const long = "€".repeat(5_000);
    const fits = Math.floor(MAX_READ_BYTES / 15_000) + 1;
    for (const from of [0, 25, 50]) await fill(writer, `long-${from}`, 25, long);
    expect(await pages(await side.instance())).toEqual([fits, 75 - fits]);
  });

  only("beyond the bound those unchanged for the longest go; who still expects them is told", async () => {
    const old = await ask(here, null, create("old", "1"), create("kept", "1"));
    const kept = await ask(here, old.position, { name: "kept", expected: versionOf(old, "kept"), value: "2" });
    await fill(here, "many", MAX_DOCUMENTS - 1, "x");
    const { documents } = await ask(here, kept.position, { name: "old", expected: versionOf(old, "old"), value: "2" });
    expect(documents.find(({ name }) => name === "old")).toEqual({ name: "old", version: 0, value: "" });
    const sizes = await pages(elsewhere);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(MAX_DOCUMENTS);
    expect((await ask(here, null)).documents[0]).toMatchObject({ name: "kept", value: "2" });
  });

  only("an emptied store says so to everybody, and takes what is written anew", async () => {
    const before = await ask(here, null, create("gate", "1"));
    await side.forget();
    const after = await ask(here, before.position, { name: "gate", expected: versionOf(before, "gate"), value: "2" });
    expect(after).toMatchObject({ reset: true, written: [], documents: [{ name: "gate", version: 0, value: "" }] });
    const anew = await ask(here, after.position, create("gate", "3"));
    expect(anew).toMatchObject({ reset: false, written: [{ name: "gate" }] });
    const other = await ask(elsewhere, before.position);
    expect(other).toMatchObject({ reset: true, documents: [{ name: "gate", value: "3" }] });
    expect(await ask(elsewhere, other.position)).toMatchObject({ reset: false, documents: [] });
  });

  only("a store that went back says so, even to who comes when others have gone on there; what was lost can be written again", async () => {
    const old = await ask(here, null, create("a", "old"), create("b", "old"));
    await side.backUp();
    const lost = await ask(here, old.position, { name: "a", expected: versionOf(old, "a"), value: "lost" }, create("new", "lost"));
    await side.goBack();
    await ask(elsewhere, old.position, create("since", "1"), { name: "b", expected: versionOf(old, "b"), value: "since" });
    const back = await ask(here, lost.position, { name: "a", expected: versionOf(lost, "a"), value: "newer" });
    expect(back).toMatchObject({ reset: true, written: [] });
    const known = Object.fromEntries(back.documents.map(({ name, value }) => [name, value]));
    expect(known).toEqual({ a: "old", b: "since", since: "1" });
    const again = await ask(here, back.position, { name: "a", expected: versionOf(back, "a"), value: "newer" }, create("new", "lost"));
    expect(again).toMatchObject({ reset: false, documents: [], written: [{ name: "a" }, { name: "new" }] });
  });

  only("what is urgent reaches the others, and not oneself", async () => {
    const heard = { here: 0, elsewhere: 0 };
    here.onUrgent(() => {
      heard.here += 1;
    });
    elsewhere.onUrgent(() => {
      heard.elsewhere += 1;
    });
    const { position } = await here.exchange({ since: null, writes: [create("gate", "1")], urgent: true });
    await eventually(() => heard.elsewhere === 1);
    // Nothing was written; nothing is urgent.
    await here.exchange({ since: position, writes: [create("gate", "1")], urgent: true });
    await here.exchange({ since: position, writes: [create("calm", "1")], urgent: false });
    await elsewhere.exchange({ since: null, writes: [create("other", "1")], urgent: true });
    await eventually(() => heard.here > 0);
    expect(heard).toEqual({ here: 1, elsewhere: 1 });
  });

  only("a store that is away rejects; when it is back, it is used and heard again", async () => {
    const { position } = await ask(here, null, create("gate", "1"));
    await side.fail();
    await expect(ask(here, position)).rejects.toThrow();
    await expect(ask(elsewhere, null)).rejects.toThrow();
    await side.calm();
    let heard = false;
    elsewhere.onUrgent(() => {
      heard = true;
    });
    let tries = 0;
    await eventually(async () => {
      await here.exchange({ since: null, writes: [create(`again-${tries++}`, "1")], urgent: true });
      return heard;
    });
  });

  only("a write whose answer was too slow is made or not, and the next exchange tells which", async () => {
    await side.slow();
    let expected = 0;
    let since: Position | null = null;
    for (let step = 1; ; step += 1) {
      if (step > TRIES) throw new Error("nothing was slow");
      const answer: Exchanged | null = await ask(here, since, { name: "gate", expected, value: `here ${step}` }).catch(() => null);
      if (answer !== null) {
        [since, expected] = [answer.position, versionOf(answer, "gate")];
        continue;
      }
      await side.calm();
      await side.pause(ON_ITS_WAY_MS);
      const next: Exchanged = await ask(here, since, { name: "gate", expected, value: `here ${step}` });
      const present = next.documents.find(({ name }) => name === "gate");
      expect(next.written.length + next.documents.length).toBe(1);
      if (present) expect(present.value).toBe(`here ${step}`);
      const after = await ask(elsewhere, null);
      expect(after.documents).toEqual([{ name: "gate", version: versionOf(next, "gate"), value: `here ${step}` }]);
      return;
    }
  });

  only("what no store accepts is rejected before anything is sent, and so is everything once closed", async () => {
    const tooMany = Array.from({ length: MAX_WRITES + 1 }, (_, i) => create(`many-${i}`, ""));
    for (const writes of [
      [create("long", "€".repeat(5_462))],
      [create("", "nameless")],
      [create("n".repeat(257), "")],
      [create("twice", "1"), create("twice", "2")],
      [{ name: "version", expected: -1, value: "" }],
      tooMany,
    ]) {
      await expect(ask(here, null, create("beside", "1"), ...writes)).rejects.toThrow(RangeError);
    }
    expect((await ask(here, null)).documents).toEqual([]);
    here.close();
    await expect(ask(here, null)).rejects.toThrow("closed");
    expect((await ask(elsewhere, null, create("gate", "1"))).written.length).toBe(1);
  });

  async function eventually(reached: () => boolean | Promise<boolean>): Promise<void> {
    for (let tries = 0; !(await reached()); tries += 1) {
      if (tries > PATIENT_TRIES) throw new Error("it never happened");
      await side.pause(50);
    }
  }

  async function fill(documents: SharedDocuments, prefix: string, count: number, value: string): Promise<void> {
    let { position } = await ask(documents, null);
    for (let from = 0; from < count; from += MAX_WRITES) {
      const writes = Array.from({ length: Math.min(MAX_WRITES, count - from) }, (_, i) => create(`${prefix}-${from + i}`, value));
      const answer = await ask(documents, position, ...writes);
      expect(answer.written.length).toBe(writes.length);
      position = answer.position;
    }
  }

  /** How many documents each answer has, from the beginning to the end. */
  async function pages(documents: SharedDocuments): Promise<number[]> {
    const sizes: number[] = [];
    const seen = new Set<string>();
    let since: Position | null = null;
    for (let more = true; more; ) {
      const answer: Exchanged = await ask(documents, since);
      ({ position: since, more } = answer);
      if (answer.documents.length > 0) sizes.push(answer.documents.length);
      for (const { name } of answer.documents) seen.add(name);
    }
    expect(seen.size).toBe(sizes.reduce((sum, size) => sum + size, 0));
    return sizes;
  }
});
