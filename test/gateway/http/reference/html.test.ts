import { expect, it } from "vitest";
import { html } from "../../../../gateway/http/reference/html.ts";
import { anchorOf, colouredJson, markdown } from "../../../../gateway/http/reference/markdown.ts";

it("whatever comes from a description or an example is text, and never markup", () => {
  const evil = `<img src=x onerror="alert('1')">&`;
  const escaped = "&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp;";
  expect(html`<p title="${evil}">${evil}</p>`.text).toBe(`<p title="${escaped}">${escaped}</p>`);
  expect(markdown(evil)[0]?.text).toBe(`<p>${escaped}</p>`);
  expect(markdown(`\`${evil}\``)[0]?.text).toBe(`<p><code>${escaped}</code></p>`);
  expect(colouredJson({ [evil]: evil }).text).not.toContain("<img");
  expect(colouredJson(evil).text).toBe(escaped);
});

it("lists are joined, and null and false are left out", () => {
  expect(html`${[html`<b>1</b>`, 2]}${null}${false}`.text).toBe("<b>1</b>2");
});

it("descriptions may have headings, lists, bold words and code", () => {
  const page = markdown("## One key for each\n\nSend `it`, **once**.\n\n- a\n- b");
  expect(page.map(({ text }) => text)).toEqual([
    '<h2 id="one-key-for-each">One key for each</h2>',
    "<p>Send <code>it</code>, <strong>once</strong>.</p>",
    "<ul><li>a</li><li>b</li></ul>",
  ]);
  expect(anchorOf("201 is decided, 202 is not")).toBe("201-is-decided-202-is-not");
});

it("JSON keeps its text when its parts are coloured", () => {
  const value = { a: "x: 1", b: [1.5, -2, null, true], 'c"d': {} };
  const text = colouredJson(value)
    .text.replaceAll(/<[^>]+>/g, "")
    .replaceAll("&quot;", '"');
  expect(JSON.parse(text)).toEqual(value);
});
