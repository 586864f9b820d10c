import { type AnchorHTMLAttributes, type MouseEvent, useCallback, useSyncExternalStore } from "react";

/** Where the gateway serves the console; pages write their paths without it: `/charges/ch_1`. */
const BASE = "/console";
const listeners = new Set<() => void>();
addEventListener("popstate", tell);

function tell(): void {
  for (const listener of listeners) listener();
}

/** Told of every navigation, also one to where we are. Answers the way to be told no more. */
export function onNavigation(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function currentPath(): string {
  const path = location.pathname.slice(BASE.length).replace(/\/+$/, "");
  return path === "" ? "/" : path;
}

export function usePath(): string {
  return useSyncExternalStore(onNavigation, currentPath);
}

export function navigate(to: string, { replace = false } = {}): void {
  const url = BASE + to;
  if (replace) history.replaceState(null, "", url);
  else if (url !== location.pathname + location.search) history.pushState(null, "", url);
  tell();
}

/**
 * What is after the `?`, for filters: a page that is reloaded, or sent to a colleague, shows the same. Setting a value to
 * null takes it out; it replaces the history's entry, so that Back leaves the page.
 */
export function useSearch(): [URLSearchParams, (changes: Readonly<Record<string, string | null>>) => void] {
  const search = useSyncExternalStore(onNavigation, () => location.search);
  const change = useCallback((changes: Readonly<Record<string, string | null>>) => {
    const next = new URLSearchParams(location.search);
    for (const [name, value] of Object.entries(changes)) {
      if (value === null || value === "") next.delete(name);
      else next.set(name, value);
    }
    const text = next.toString();
    navigate(currentPath() + (text === "" ? "" : `?${text}`), { replace: true });
  }, []);
  return [new URLSearchParams(search), change];
}

/** `/charges/:id` against `/charges/ch_1`: `{ id: "ch_1" }`; null when it does not fit. */
export function matchPath(pattern: string, path: string): Record<string, string> | null {
  const wanted = pattern.split("/");
  const given = path.split("/");
  if (wanted.length !== given.length) return null;
  const params: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    const value = given[index] as string;
    if (part.startsWith(":") && value !== "") params[part.slice(1)] = decode(value);
    else if (part !== value) return null;
  }
  return params;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** A link inside the console. With a modifier key, or another button, the browser does what it always does. */
export function Link({ to, ...rest }: { to: string } & Omit<AnchorHTMLAttributes<HTMLAnchorElement>, "href" | "onClick">) {
  const follow = (event: MouseEvent) => {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    navigate(to);
  };
  return <a href={BASE + to} onClick={follow} {...rest} />;
}
