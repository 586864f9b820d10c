import { expect, test } from "vitest";
import { toCsv } from "../../../gateway/http/csv.ts";

test("a header, CRLF after every row, empty cells for null, plain numbers", () => {
  expect(
    toCsv(
      ["a", "b"],
      [
        [1n, null],
        [-2, new Date(0)],
      ],
    ),
  ).toBe("a,b\r\n1,\r\n-2,1970-01-01T00:00:00.000Z\r\n");
});

test("quotes where RFC 4180 wants them", () => {
  expect(toCsv(["a"], [['say "hi"'], ["x,y"], ["two\nlines"]])).toBe('a\r\n"say ""hi"""\r\n"x,y"\r\n"two\nlines"\r\n');
});

test.each(["=1+1", "+1", "-1", "@cmd", "\t=1", "\r=1", "  =1", "\u00a0=1", "\uff1d1"])(
  "text that a spreadsheet would run is disarmed: %j",
  (text) => {
    expect(toCsv(["a"], [[text]])).toMatch(/^a\r\n"?'/);
  },
);

test("harmless text stays as it is", () => {
  expect(toCsv(["a"], [["stripe-eu"], ["2=2"], ["usd"]])).toBe("a\r\nstripe-eu\r\n2=2\r\nusd\r\n");
});
