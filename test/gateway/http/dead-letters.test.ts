import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Problem } from "../../../gateway/problems.ts";
import { createHttpFixture, type HttpFixture } from "./http-fixture.ts";

let http: HttpFixture;
beforeAll(async () => {
  http = await createHttpFixture();
  for (const [id, account, kind, state] of [
    ["dl_1", "acct_default", "charge", "open"],
    ["dl_2", "acct_default", "doubt", "settled"],
    ["dl_3", "acct_default", "job", "open"],
    ["dl_4", "acct_other", "charge", "open"],
  ]) {
    await http.db.query({
      name: "seed",
      text: "insert into dead_letters (id, account_id, kind, reason, data, state, created_at) values ($1, $2, $3, 'out of tries', '{\"tries\":9}', $4, '2026-01-01')",
      values: [id, account, kind, state],
    });
  }
});
afterAll(() => http.close());

const list = async (query: string) =>
  (await http.as("ops").get(`/v1/dead-letters?${query}`)).body.data.map((letter: { id: string }) => letter.id);

describe("dead letters", () => {
  it("are listed, newest first, by state and kind", async () => {
    expect(await list("")).toEqual(["dl_3", "dl_2", "dl_1"]);
    expect(await list("state=open")).toEqual(["dl_3", "dl_1"]);
    expect(await list("state=open&kind=charge")).toEqual(["dl_1"]);
    expect(await list("limit=1&starting_after=dl_3")).toEqual(["dl_2"]);
    const answer = await http.as("ops").get("/v1/dead-letters?state=settled");
    expect(answer.body.data).toEqual([
      {
        id: "dl_2",
        object: "dead_letter",
        kind: "doubt",
        state: "settled",
        charge: null,
        attempt: null,
        operation: null,
        reason: "out of tries",
        data: { tries: 9 },
        created_at: "2026-01-01T00:00:00.000Z",
        closed_at: null,
        closed_by: null,
      },
    ]);
  });

  it("are replayed under the name of who asked", async () => {
    const answer = await http.as("ops").post("/v1/dead-letters/dl_1/replay");
    expect(answer.status).toBe(200);
    expect(answer.body.id).toBe("dl_1");
    expect(http.charges.replays).toEqual([{ accountId: "acct_default", id: "dl_1", actor: "key:key_ops" }]);
  });

  it("that are closed are not replayed again", async () => {
    http.charges.next = new Problem("dead_letter_closed", "It was settled.");
    const answer = await http.as("ops").post("/v1/dead-letters/dl_2/replay");
    expect(answer.status).toBe(409);
    expect(answer.body.code).toBe("dead_letter_closed");
    http.charges.next = {};
  });

  it("of another account are not there", async () => {
    expect((await http.as("ops").post("/v1/dead-letters/dl_4/replay")).status).toBe(404);
  });
});
