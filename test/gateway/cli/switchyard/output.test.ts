import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { apiKeyFor } from "../../../../gateway/cli/switchyard/api-key.ts";
import { whereOf } from "../../../../gateway/cli/switchyard/doctor/connection.ts";
import { table } from "../../../../gateway/cli/switchyard/table.ts";
import { paintFor, progressOn } from "../../../../gateway/cli/switchyard/terminal.ts";
import { parseSpan, parseWhen } from "../../../../gateway/cli/switchyard/when.ts";
import { dueText, fromNow, moneyText, spanText } from "../../../../gateway/cli/switchyard/words.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { temporaryDirectory } from "../../../support/temporary-directory.ts";
import { switchyard } from "./run.ts";

const write = () => {};

describe("colours", () => {
  it("are for a terminal only, and not where NO_COLOR or a dumb terminal objects", () => {
    const painted = "\u001b[31mno\u001b[39m";
    expect(paintFor({ write, isTTY: true }, {})("red", "no")).toBe(painted);
    expect(paintFor({ write, isTTY: true }, { NO_COLOR: "" })("red", "no")).toBe(painted);
    expect(paintFor({ write, isTTY: true }, { NO_COLOR: "1" })("red", "no")).toBe("no");
    expect(paintFor({ write, isTTY: true }, { TERM: "dumb" })("red", "no")).toBe("no");
    expect(paintFor({ write }, {})("red", "no")).toBe("no");
  });
});

describe("a table", () => {
  const paint = (_: string, text: string) => text;
  const columns = [{ head: "ID" }, { head: "COUNT", right: true }, { head: "REASON" }];

  it("has its numbers to the right, and is cut to a terminal only", () => {
    const rows = [
      ["a", "7", "a long reason"],
      ["longer", "1000", "x"],
    ];
    expect(table(columns, rows, { paint, width: undefined })).toBe(
      "ID      COUNT  REASON\na           7  a long reason\nlonger   1000  x\n",
    );
    expect(table(columns, rows, { paint, width: 25 })).toContain("a           7  a long re…\n");
  });

  it("shows control characters of what others wrote, and never sends them", () => {
    expect(table(columns, [["a", "1", "\u001b[2Jgone\u202e\n"]], { paint, width: undefined })).toContain("\\u001b[2Jgone\\u202e\\u000a\n");
  });
});

describe("progress", () => {
  it("is one changing line on a terminal, and a line now and then elsewhere", () => {
    const clock = new ManualClock();
    const told: string[] = [];
    const onTerminal = progressOn({ stderr: { write: (text) => told.push(text), isTTY: true, columns: 20 }, clock });
    onTerminal.say("reading: 1");
    onTerminal.end();
    expect(told.splice(0)).toEqual(["\r\u001b[2Kreading: 1", "\r\u001b[2K"]);
    const inLog = progressOn({ stderr: { write: (text) => told.push(text) }, clock });
    for (let i = 1; i <= 12; i += 1) {
      inLog.say(`reading: ${i}`);
      clock.pass(1_000);
    }
    inLog.end();
    expect(told).toEqual(["reading: 6\n", "reading: 11\n"]);
  });
});

describe("what people write and read", () => {
  it("times are dates, times or spans ago", () => {
    const when = parseWhen(Date.UTC(2026, 10, 2));
    expect(when("2026-11-01")).toBe("2026-11-01T00:00:00.000Z");
    expect(when("2026-11-01 09:30")).toBe("2026-11-01T09:30:00.000Z");
    expect(when("2026-11-01T09:30:00+02:00")).toBe("2026-11-01T07:30:00.000Z");
    expect(when("1d12h")).toBe("2026-10-31T12:00:00.000Z");
    for (const wrong of ["2026-02-30", "2026-02-30T10:00:00Z", "monday", "", "1y", "11/01/2026"])
      expect(() => when(wrong)).toThrow("2026-11-01T09:30:00Z");
    expect([parseSpan("90s"), parseSpan("1h30m"), parseSpan("2d")]).toEqual([90, 5_400, 172_800]);
    expect(() => parseSpan("0s")).toThrow("90s, 15m");
  });

  it("money has its currency's places, spans their two largest units", () => {
    expect([moneyText(4200, "usd"), moneyText(-4200, "jpy"), moneyText(5, "kwd"), moneyText(null, "usd")]).toEqual([
      "42.00 USD",
      "-4200 JPY",
      "0.005 KWD",
      "-",
    ]);
    expect([spanText(5_400_000), spanText(86_460_000), spanText(12)]).toEqual(["1 h 30 min", "1 d", "12 ms"]);
    expect([fromNow("2026-01-01T00:01:00Z", Date.UTC(2026, 0, 1)), fromNow("2025-12-31T22:00:00Z", Date.UTC(2026, 0, 1))]).toEqual([
      "in 1 min",
      "2 h ago",
    ]);
    expect([dueText("2026-01-01T00:01:00Z", Date.UTC(2026, 0, 1)), dueText("2025-12-31T22:00:00Z", Date.UTC(2026, 0, 1))]).toEqual([
      "in 1 min",
      "now",
    ]);
  });
});

describe("an address", () => {
  it("is shown without what is secret in it", () => {
    expect(whereOf("postgres://user:p%40ss@db.internal:5432/pay?password=a@b")).toBe("db.internal:5432/pay");
    expect(whereOf("rediss://:p@ss@cache:6380/")).toBe("cache:6380");
  });
});

describe("the keys of a local start", () => {
  it("serve by role, on this machine only", async () => {
    const dir = await temporaryDirectory();
    await writeFile(join(dir, "keys.json"), JSON.stringify({ billing: "sy_b", finance: "sy_f", ops: "sy_o" }));
    const around = { env: { DATA_DIR: dir }, root: "/" };
    const keyFor = (roles: ("ops" | "finance" | "admin")[], url: string) => apiKeyFor({ keyFile: undefined, url, roles }, around);
    expect(await keyFor(["ops"], "http://127.0.0.1:8080")).toBe("sy_o");
    expect(await keyFor(["finance", "ops"], "http://localhost:8080")).toBe("sy_f");
    await expect(keyFor(["admin"], "http://127.0.0.1:8080")).rejects.toThrow("the role admin");
    await expect(keyFor(["ops"], "https://gateway.example")).rejects.toThrow("no API key");
  });
});

describe("help", () => {
  it("names every command, the environment and the exit codes, and is no failure", async () => {
    const { code, out } = await switchyard(["--help"], { env: {} });
    expect(code).toBe(0);
    const commands = [
      "providers",
      "force",
      "charges",
      "deferred",
      "dead-letters",
      "stats",
      "explain",
      "reconcile",
      "audit",
      "keys",
      "doctor",
    ];
    for (const word of [...commands, "SWITCHYARD_URL", "NO_COLOR", "69"]) expect(out).toContain(word);
    expect(await switchyard(["force", "--help"], { env: {} })).toMatchObject({ code: 0, out: expect.stringContaining("drain") });
    expect(await switchyard(["sabotage"], { env: {} })).toMatchObject({ code: 64, err: expect.stringContaining("unknown command") });
    expect(await switchyard([], { env: {} })).toMatchObject({ code: 64, err: expect.stringContaining("Usage: switchyard") });
  });
});
