import { useSyncExternalStore } from "react";

/** `system`: as the device says. */
export type Theme = "system" | "light" | "dark";
export type Scheme = "light" | "dark";

const STORED_AS = "switchyard.theme";
const dark = matchMedia("(prefers-color-scheme: dark)");
const listeners = new Set<() => void>();
dark.addEventListener("change", tell);

export function storedTheme(): Theme {
  const stored = localStorage.getItem(STORED_AS);
  return stored === "light" || stored === "dark" ? stored : "system";
}

export function chooseTheme(theme: Theme): void {
  if (theme === "system") localStorage.removeItem(STORED_AS);
  else localStorage.setItem(STORED_AS, theme);
  applyTheme();
  tell();
}

/** Without it the style sheet goes by the device. */
export function applyTheme(): void {
  const theme = storedTheme();
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

export function useTheme(): Theme {
  return useSyncExternalStore(subscribe, storedTheme);
}

/** What is seen now: for what draws its own colours. */
export function useScheme(): Scheme {
  return useSyncExternalStore(subscribe, scheme);
}

function scheme(): Scheme {
  const theme = storedTheme();
  if (theme !== "system") return theme;
  return dark.matches ? "dark" : "light";
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function tell(): void {
  for (const listener of listeners) listener();
}
