import type { Poster } from "../webhooks-out/post.ts";
import type { Words } from "./words.ts";

/** A message that the receiver did not take. It never says the address, which is a secret. */
export class SlackFailed extends Error {
  override readonly name = "SlackFailed";
}

/** Incoming webhooks as Slack has them, and Mattermost, Rocket.Chat, Discord (`/slack`): `text` is all that every one of them knows. */
export async function postToSlack(poster: Poster, url: string, words: Words): Promise<void> {
  const text = [`*${escaped(words.title)}*`, ...words.lines.map(escaped)].join("\n");
  const posted = await poster.post({ url, body: JSON.stringify({ text }), headers: {} });
  if (posted.kind === "failed") throw new SlackFailed(`the message was not taken: ${posted.reason}`);
  if (posted.status < 200 || posted.status > 299) throw new SlackFailed(`the message was not taken: answered ${posted.status}`);
}

/** The three characters that Slack reads as more than text. */
function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
