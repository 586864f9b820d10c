import { describe, expect, it } from "vitest";
import { createLogger } from "../../gateway/log.ts";

function logged(line: object): string {
  const lines: string[] = [];
  createLogger({ destination: { write: (text) => void lines.push(text) } }).info(line, "message");
  return lines.join("");
}

describe("a log line", () => {
  it("shows no secret, also one level down", () => {
    const text = logged({
      authorization: "Bearer sy_live_1",
      key: "sy_live_2",
      headers: { authorization: "Bearer sy_live_3" },
      charge: { payment_method: { stripe: "pm_1" } },
    });
    expect(text).not.toMatch(/sy_live|pm_1/);
    expect(text).toMatch(/redacted/);
  });

  it("shows of an error its message, code and causes, and nothing that is attached to it", () => {
    const cause = Object.assign(new Error("duplicate key"), { code: "23505", detail: "Failing row contains (pm_secret)" });
    const line = JSON.parse(logged({ err: new Error("card 4111 1111 1111 1111 failed", { cause }) }));
    expect(line.err).toMatchObject({
      type: "Error",
      message: "card [card number] failed",
      cause: { message: "duplicate key", code: "23505" },
    });
    expect(JSON.stringify(line)).not.toMatch(/pm_secret|4111/);
  });
});
