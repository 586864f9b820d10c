import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { Html, html } from "./html.ts";
import type { InterfaceDocument } from "./interface-document.ts";
import { anchorOf, inline, markdown } from "./markdown.ts";
import { operationHtml, type Place } from "./operation.ts";

export interface Page {
  readonly html: string;
  /** Content-Security-Policy: this page's own style and script, by their hashes, and nothing else from anywhere. */
  readonly policy: string;
}

/** The API reference as one page that needs nothing else: readable without its script, offline, in light and dark. */
export function referencePage(document: InterfaceDocument): Page {
  const [style, script] = ["reference.css", "reference.js"].map((file) => readFileSync(new URL(file, import.meta.url), "utf8")) as [
    string,
    string,
  ];
  const policy = [
    "default-src 'none'",
    `style-src '${hashOf(style)}'`,
    `script-src '${hashOf(script)}'`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
  return { html: pageHtml(document, style, script).text, policy };
}

function hashOf(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}

function pageHtml(document: InterfaceDocument, style: string, script: string): Html {
  const { info } = document;
  const chapters = document.tags.map((tag) => ({ ...tag, places: placesOf(document, tag.name) }));
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${info.title} API reference</title>
<style>${new Html(style)}</style>
</head>
<body>
<a class="skip" href="#reference">To the reference</a>
<header class="top"><a class="brand" href="#top">${info.title}</a> <span class="version">${info.version}</span> <a href="/openapi.json">openapi.json</a></header>
<nav aria-label="Chapters">
<label for="find">Find an operation</label><input id="find" type="search" placeholder="charge, refund, /v1/…" autocomplete="off">
<ul>
<li><a class="chapter" href="#top">How it works</a><ul>${headingsOf(info.description).map((heading) => html`<li><a href="#${anchorOf(heading)}">${heading}</a></li>`)}</ul></li>
${chapters.map(
  ({ name, places }) =>
    html`<li><a class="chapter" href="#${anchorOf(name)}">${name}</a><ul>${places.map((place) => html`<li data-find="${`${place.method} ${place.path} ${place.operation.summary}`.toLowerCase()}"><a href="#${place.operation.operationId}"><span class="method ${place.method}">${place.method.toUpperCase()}</span> ${place.operation.summary}</a></li>`)}</ul></li>`,
)}
<li><a class="chapter" href="#problems">All refusals</a></li>
</ul>
</nav>
<main id="reference">
<section class="introduction" id="top"><h1>${info.title} API reference</h1>${markdown(info.description)}</section>
${chapters.map(({ name, description, places }) => html`<section id="${anchorOf(name)}"><h2>${name}</h2><p class="lead">${inline(description)}</p>${places.map((place) => operationHtml(place, document))}</section>`)}
${problemsHtml(document)}
</main>
<script>${new Html(script)}</script>
</body>
</html>
`;
}

function headingsOf(text: string): string[] {
  return Array.from(text.matchAll(/^## (.+)$/gm), ([, heading]) => heading as string);
}

function placesOf({ paths }: InterfaceDocument, tag: string): Place[] {
  const byPath = Object.entries(paths).sort(([a], [b]) => a.localeCompare(b));
  return byPath.flatMap(([path, item]) =>
    Object.entries(item).flatMap(([method, operation]) => (operation.tags?.includes(tag) ? [{ method, path, operation }] : [])),
  );
}

/** Each refusal that some operation names, once. */
function problemsHtml({ paths }: InterfaceDocument): Html {
  const problems = new Map<string, { status: number; title: string; money: string }>();
  for (const operation of Object.values(paths).flatMap((item) => Object.values(item))) {
    for (const { content } of Object.values(operation.responses)) {
      for (const [code, { value }] of Object.entries(content?.["application/problem+json"]?.examples ?? {})) {
        const problem = value as { status: number; title: string; money: string };
        // A request that only reads never leaves money in doubt: the stronger word is the one to know.
        if (problems.get(code)?.money !== "unknown") problems.set(code, problem);
      }
    }
  }
  const rows = [...problems].sort(([a, { status: x }], [b, { status: y }]) => x - y || a.localeCompare(b));
  return html`<section id="problems"><h2>All refusals</h2><div class="scroll" tabindex="0" role="region" aria-label="All refusals"><table><thead><tr><th scope="col">Code</th><th scope="col">Status</th><th scope="col">Money</th><th scope="col">What it is</th></tr></thead><tbody>
${rows.map(([code, { status, title, money }]) => html`<tr id="problem-${code}"><td><code>${code}</code></td><td>${status}</td><td>${money}</td><td>${title}</td></tr>`)}
</tbody></table></div></section>`;
}
