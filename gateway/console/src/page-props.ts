/** What a page's component gets: the parts of its path that have a name. */
export interface PageProps {
  readonly params: Readonly<Record<string, string>>;
}
