import type { Result } from "./run-seed.ts";
import { EPOCH_MS } from "./timeline.ts";

/** What happened around the charge that the violation is about: who, when, what each believed. */
export function storyOf({ seed, violation, world, digest }: Result, everything = false): string {
  if (!violation) return `seed ${seed}: nothing was violated (${digest})`;
  const about = new Set(violation.about);
  // A wish knows its charge, a charge its attempts, an attempt its objects: follow the names as they appear.
  for (const { text } of world.story) {
    if (![...about].some((name) => hasWord(text, name))) continue;
    for (const [name] of text.matchAll(/\b(?:ch|at|op|dl)_[0-9a-z]{26}\b|\b(?:pi|order)_\d+\b/g)) if (related(text, name)) about.add(name);
  }
  const names = [...about];
  const always = /CRASHED|PAUSED|SUSPENDED|is up|clock|calm|^operator|gate of/;
  const lines = world.story.filter(
    ({ who, text }) => everything || who === "weather" || who === "judge" || always.test(text) || names.some((name) => hasWord(text, name)),
  );
  return [`seed ${seed}: ${violation.message}`, ...lines.map(({ at, who, text }) => `${clockTime(at)}  ${who.padEnd(13)} ${text}`)].join(
    "\n",
  );
}

function hasWord(text: string, name: string): boolean {
  return name !== "" && text.includes(name);
}

/** Lines about several charges at once (a claim of many) bind nothing. */
function related(text: string, _name: string): boolean {
  return !/ claim_| take_/.test(text);
}

function clockTime(at: number): string {
  const date = new Date(EPOCH_MS + at).toISOString();
  return `${date.slice(8, 10)}d ${date.slice(11, 23)}`;
}
