import { hash } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { extname, join } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { Problem } from "../problems.ts";
import type { Reply } from "./route.ts";

/** Nothing from anywhere else, nothing inline. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; " +
  "base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
/** Names of these hold a hash of what is in them. */
const HASHED = /^assets\//;
const FOR_A_YEAR = "public, max-age=31536000, immutable";
const MIN_GZIP_BYTES = 1_024;
const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".json": "application/json; charset=utf-8",
  ".webmanifest": "application/manifest+json",
  ".txt": "text/plain; charset=utf-8",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".woff2": "font/woff2",
};
const COMPRESSED_ALREADY = /^(image\/(png|x-icon)|font\/)/;

const NOT_BUILT = "The console is not built here: npm start builds it. The API under /v1 works without it.\n";

export interface Pages {
  /** `path`: below /console/, without the query. Throws `not_found`. */
  answer(path: string, header: (name: string) => string | undefined): Promise<Reply>;
}

interface Page {
  readonly type: string;
  readonly bytes: Buffer;
  readonly etag: string;
  readonly cached: string;
  /** Made when first asked for. */
  zipped: Promise<Buffer> | null;
}

/**
 * The built console, from memory: what was there when it was read is all that can be asked for, so no path leads anywhere else.
 * Read again when it was built again.
 */
export function consolePages(directory: string): Pages {
  let builtMs = 0;
  let pages: Promise<Map<string, Page>> | null = null;

  async function current(): Promise<Map<string, Page> | null> {
    const index = await stat(join(directory, "index.html")).catch(() => null);
    if (index === null) return null;
    if (pages === null || index.mtimeMs !== builtMs) {
      builtMs = index.mtimeMs;
      pages = readPages(directory);
      pages.catch(() => (pages = null));
    }
    return pages;
  }

  return {
    async answer(path, header) {
      const all = await current();
      if (all === null) return { status: 503, text: { type: TYPES[".txt"] as string, content: NOT_BUILT } };
      const page = all.get(path) ?? (isView(path) ? all.get("index.html") : undefined);
      if (page === undefined) throw new Problem("not_found", "There is no such file.");
      return replyOf(page, header);
    },
  };
}

/** The pages of the console are views of one document; a file has a suffix. */
function isView(path: string): boolean {
  return extname(path) === "" && !HASHED.test(path);
}

async function readPages(directory: string): Promise<Map<string, Page>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && TYPES[extname(entry.name)] !== undefined);
  const read = files.map(async ({ parentPath, name }): Promise<[string, Page]> => {
    const file = join(parentPath, name);
    const path = file.slice(join(directory, "/").length).replaceAll("\\", "/");
    const bytes = await readFile(file);
    const cached = HASHED.test(path) ? FOR_A_YEAR : "no-cache";
    return [
      path,
      { type: TYPES[extname(name)] as string, bytes, etag: `"${hash("sha256", bytes, "base64url").slice(0, 27)}"`, cached, zipped: null },
    ];
  });
  return new Map(await Promise.all(read));
}

async function replyOf(page: Page, header: (name: string) => string | undefined): Promise<Reply> {
  const headers = { "Cache-Control": page.cached, ETag: page.etag, "Content-Security-Policy": POLICY, Vary: "Accept-Encoding" };
  if (header("if-none-match") === page.etag) return { status: 304, headers };
  const zips =
    page.bytes.length >= MIN_GZIP_BYTES && !COMPRESSED_ALREADY.test(page.type) && /\bgzip\b/.test(header("accept-encoding") ?? "");
  if (!zips) return { status: 200, text: { type: page.type, content: page.bytes }, headers };
  page.zipped ??= promisify(gzip)(page.bytes, { level: 9 });
  return { status: 200, text: { type: page.type, content: await page.zipped }, headers: { ...headers, "Content-Encoding": "gzip" } };
}
