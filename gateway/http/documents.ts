import { toJson } from "./json.ts";
import { openApiDocument, openApiRoute } from "./openapi.ts";
import type { InterfaceDocument } from "./reference/interface-document.ts";
import { type Page, referencePage } from "./reference/page.ts";
import { type Route, route } from "./route.ts";

/** The routes, and what documents them: /openapi.json for machines and /docs for people, each made once, when first asked for. */
export function withDocuments(routes: readonly Route[], version: string): Route[] {
  const document = once(() => openApiDocument(all, version));
  const text = once(() => toJson(document()));
  const page = once(() => referencePage(document() as unknown as InterfaceDocument));
  const all: Route[] = [...routes, openApiRoute(text), docsRoute(page)];
  return all;
}

function once<T extends string | object>(make: () => T): () => T {
  let made: T | null = null;
  return () => {
    made ??= make();
    return made;
  };
}

function docsRoute(page: () => Page): Route {
  return route({
    method: "get",
    path: "/docs",
    roles: "public",
    summary: "The API reference for people",
    description: "One page that needs nothing else: it can be saved and read offline.",
    responses: {
      200: { description: "The page", contentTypes: ["text/html"], example: '<!doctype html>\n<html lang="en">…' },
    },
    problems: [],
    async handler() {
      const { html, policy } = page();
      const headers = { "Content-Security-Policy": policy, "Cache-Control": "public, max-age=300" };
      return { status: 200, text: { type: "text/html; charset=utf-8", content: html }, headers };
    },
  });
}
