import { createTransport } from "nodemailer";
import type { EmailSettings } from "../notify-settings.ts";
import type { Words } from "./words.ts";

/** Of each step; the job that sends is taken for lost after two minutes. */
const CONNECT_MS = 10_000;
const SILENCE_MS = 20_000;

export interface Mail {
  readonly to: readonly string[];
  readonly words: Words;
  /** The same at each try, so that a mail that was taken twice is shown once. */
  readonly id: string;
  /** The first mail of the same trouble, to be shown together with it. */
  readonly about: string | null;
}

/** A mail that no server took. It says what the server answered, and no address or password. */
export class MailFailed extends Error {
  override readonly name = "MailFailed";
}

/** One connection per mail: there are few. Without TLS no password is sent, but to this machine itself. */
export function createMailer({ smtp, from }: EmailSettings): { send(mail: Mail): Promise<void> } {
  const transport = createTransport({
    host: smtp.host,
    port: smtp.port,
    secure: smtp.tls,
    requireTLS: !smtp.tls && smtp.auth !== null && !smtp.local,
    ignoreTLS: smtp.local,
    ...(smtp.auth ? { auth: { user: smtp.auth.user, pass: smtp.auth.password } } : {}),
    connectionTimeout: CONNECT_MS,
    greetingTimeout: CONNECT_MS,
    dnsTimeout: CONNECT_MS,
    socketTimeout: SILENCE_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const domain = from.slice(from.lastIndexOf("@") + 1).replace(/>$/, "");
  const messageId = (id: string) => `<${id}@${domain}>`;
  return {
    async send({ to, words, id, about }) {
      try {
        await transport.sendMail({
          from,
          to: [...to],
          subject: words.title,
          text: `${words.title}\n\n${words.lines.join("\n\n")}\n`,
          messageId: messageId(id),
          ...(about === null ? {} : { inReplyTo: messageId(about), references: [messageId(about)] }),
          headers: { "Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All" },
        });
      } catch (error) {
        throw new MailFailed(`the mail was not taken: ${reasonOf(error)}`);
      }
    },
  };
}

/** The library's messages quote what was sent and answered. */
function reasonOf(error: unknown): string {
  const { code, responseCode } = (error ?? {}) as { code?: unknown; responseCode?: unknown };
  const words = [typeof code === "string" ? code : "unexpected", ...(typeof responseCode === "number" ? [responseCode] : [])];
  return words.join(" ").slice(0, 60);
}
