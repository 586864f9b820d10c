import { createHash } from "node:crypto";
import type { Level } from "../capabilities.ts";
import { headlineOf, messageOf, NAMES, type PublicStatus } from "./status-json.ts";

/** Colours have a contrast of 4.5 or more on their ground, light and dark. */
const STYLE = `
:root { color-scheme: light dark; --ground: #f6f7f9; --card: #fff; --text: #1b2430; --soft: #56616f; --line: #dde2e8; --operational: #17703f; --degraded: #8a5300; --outage: #b3261e }
@media (prefers-color-scheme: dark) {
  :root { --ground: #12161c; --card: #1b2129; --text: #e8ecf1; --soft: #a5b0bd; --line: #303842; --operational: #5fd08f; --degraded: #f2b455; --outage: #ff8a80 }
}
* { box-sizing: border-box }
body { margin: 0; background: var(--ground); color: var(--text); font: 1rem/1.5 system-ui, sans-serif }
main { max-width: 42rem; margin: 0 auto; padding: 2rem 1rem 3rem }
h1 { margin: 0 0 .25rem; font-size: 1.6rem; line-height: 1.25 }
h2 { margin: 0; font-size: 1.05rem }
p { margin: .25rem 0 0 }
ul { list-style: none; margin: 1.5rem 0; padding: 0; background: var(--card); border: 1px solid var(--line); border-radius: .75rem }
li { padding: 1rem 1.25rem }
li + li { border-top: 1px solid var(--line) }
li > div { display: flex; flex-wrap: wrap; justify-content: space-between; gap: .25rem 1rem; align-items: baseline }
.state { font-weight: 600 }
.state::before { content: ""; display: inline-block; width: .65em; height: .65em; margin-right: .5em; border-radius: 50%; background: currentColor }
.operational { color: var(--operational) }
.degraded { color: var(--degraded) }
.outage { color: var(--outage) }
.banner { border-left: .4rem solid currentColor; padding-left: 1rem }
.banner * { color: var(--text) }
.soft, .banner .soft { color: var(--soft); font-size: .9rem }
a { color: inherit }
`;

const HASH = createHash("sha256").update(STYLE).digest("base64");

/** No script, nothing from elsewhere; the one style is named by its hash. */
export const STATUS_PAGE_CSP = [
  "default-src 'none'",
  `style-src 'sha256-${HASH}'`,
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const WORDS: Readonly<Record<Level, string>> = { operational: "Operational", degraded: "Degraded", outage: "Outage" };

/** For customers. All that is in it is ours: nothing has to be escaped but our own words. */
export function statusPage(status: PublicStatus): string {
  const headline = headlineOf(status);
  const items = status.capabilities.map(
    (one) => `<li>
<div><h2>${NAMES[one.id]}</h2><span class="state ${one.status}">${WORDS[one.status]}</span></div>
<p>${messageOf(status, one)}</p>
<p class="soft">Since ${time(one.since)}</p>
</li>`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${WORDS[status.status]}: payment status</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
</head>
<body>
<main>
<div class="banner ${status.status}">
<p class="soft">Payment status</p>
<h1>${headline}</h1>
<p><strong>${WORDS[status.status]}</strong> since ${time(status.since)}</p>
</div>
<ul>
${items.join("\n")}
</ul>
<p class="soft">As of ${time(status.as_of)}. <a href="/status">Look again</a></p>
</main>
</body>
</html>
`;
}

/** People read it everywhere: UTC, and said so. */
function time(at: Date): string {
  const iso = at.toISOString();
  return `<time datetime="${iso}">${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC</time>`;
}
