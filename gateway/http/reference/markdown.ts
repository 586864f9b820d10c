import { Html, html } from "./html.ts";

/** The Markdown that our own descriptions use: paragraphs, lists, headings, **bold**, `code`. */
export function markdown(text: string): Html[] {
  return text.split(/\n{2,}/).map((block) => {
    if (block.startsWith("## ")) return html`<h2 id="${anchorOf(block.slice(3))}">${block.slice(3)}</h2>`;
    if (block.startsWith("- "))
      return html`<ul>${block
        .split(/\n?^- /m)
        .filter(Boolean)
        .map((item) => html`<li>${inline(item)}</li>`)}</ul>`;
    return html`<p>${inline(block)}</p>`;
  });
}

export function inline(text: string): Html[] {
  return text
    .split(/(`[^`]+`|\*\*[^*]+\*\*)/)
    .filter(Boolean)
    .map((part) => {
      if (part.startsWith("`")) return html`<code>${part.slice(1, -1)}</code>`;
      return part.startsWith("**") ? html`<strong>${part.slice(2, -2)}</strong>` : html`${part}`;
    });
}

export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\w\- ]/g, "")
    .replaceAll(" ", "-");
}

/** JSON with its keys, texts and numbers told apart. */
export function colouredJson(value: unknown): Html {
  const text = typeof value === "string" ? value : JSON.stringify(value, null, 2);
  if (typeof value === "string") return html`${text}`;
  const pieces = text.split(/("(?:[^"\\]|\\.)*"(?:\s*:)?|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\btrue\b|\bfalse\b|\bnull\b)/);
  return new Html(
    pieces
      .map((piece) => (kindOf(piece) ? html`<span class="${kindOf(piece) as string}">${piece}</span>`.text : html`${piece}`.text))
      .join(""),
  );
}

function kindOf(piece: string): string | null {
  if (piece.startsWith('"')) return piece.endsWith(":") ? "key" : "text";
  if (/^(true|false|null)$/.test(piece)) return "word";
  return /^-?\d/.test(piece) ? "number" : null;
}
