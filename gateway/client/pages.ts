/** One page of a list. Give `next_cursor` as `starting_after` for the next one. */
export interface Page<T> {
  readonly object: "list";
  readonly data: readonly T[];
  readonly has_more: boolean;
  readonly next_cursor: string | null;
}

/** Each item of all pages, one page in memory at a time. */
export async function* eachOf<T, Query extends { readonly starting_after?: string | undefined }>(
  query: Query,
  list: (query: Query) => Promise<Page<T>>,
): AsyncGenerator<T, void, undefined> {
  for (let cursor = query.starting_after; ; ) {
    const page = await list({ ...query, starting_after: cursor });
    yield* page.data;
    if (page.next_cursor === null) return;
    cursor = page.next_cursor;
  }
}

/** `/v1/charges?limit=10`; what is undefined is left out. */
export function withQuery(path: string, query: object): string {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) given.set(name, String(value));
  const text = given.toString();
  return text === "" ? path : `${path}?${text}`;
}

/** An id in a path. An empty one would ask for something else. */
export function segment(id: string): string {
  if (typeof id !== "string" || id === "") throw new TypeError("an id is needed");
  return encodeURIComponent(id);
}
