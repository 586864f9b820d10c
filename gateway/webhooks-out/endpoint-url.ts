import { checkHost, type Resolve } from "./addresses.ts";

const MAX_URL_CHARS = 2_000;

/** What is wrong with an endpoint's URL, for whoever registers it; null: nothing. The address is checked again at each delivery. */
export async function urlFault(text: string, options: { resolve: Resolve; allowPrivate: boolean }): Promise<string | null> {
  if (text.length > MAX_URL_CHARS) return `must have at most ${MAX_URL_CHARS} characters`;
  const url = URL.parse(text);
  if (!url) return "must be a URL";
  if (url.protocol !== "https:" && !(url.protocol === "http:" && options.allowPrivate)) return "must begin with https://";
  if (url.username !== "" || url.password !== "") return "must not contain a user or a password";
  if (url.hash !== "") return "must not contain a fragment";
  const checked = await checkHost(url.hostname, options);
  // A name that does not exist yet may exist when the first event comes.
  if (checked.ok || checked.reason === "unknown_host") return null;
  return "must lead to the public internet: its address is private, reserved or this machine's";
}
