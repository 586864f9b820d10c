import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { SMTPServer } from "smtp-server";

export interface Chat {
  readonly url: string;
  /** The texts of the messages that were taken. */
  readonly got: string[];
  /** How the next ones are answered; a message that is refused is not taken. */
  status: number;
  /** Requests so far, taken or not. */
  asked: number;
  close(): Promise<void>;
}

/** What takes incoming webhooks, over real HTTP. */
export async function startChat(): Promise<Chat> {
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const piece of request) body += piece;
    chat.asked += 1;
    if (chat.status < 300) chat.got.push((JSON.parse(body) as { text: string }).text);
    response.writeHead(chat.status).end(chat.status < 300 ? "ok" : "invalid_token");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const chat: Chat = {
    url: `http://127.0.0.1:${port}/services/T000/B000/chat-secret`,
    got: [],
    status: 200,
    asked: 0,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return chat;
}

export interface Letter {
  readonly from: string;
  readonly to: readonly string[];
  readonly user: string | null;
  readonly encrypted: boolean;
  /** By their names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

export interface MailServer {
  readonly port: number;
  readonly got: Letter[];
  /** Mails that the server will refuse for now (451) before it takes one. */
  refuse: number;
  /** Connections so far. */
  connections: number;
  close(): Promise<void>;
}

/** A real SMTP server. `password`: it wants to know who sends; `tls`: it offers STARTTLS with a certificate that nobody knows. */
export async function startMailServer(options: { password?: string; tls?: boolean } = {}): Promise<MailServer> {
  const server = new SMTPServer({
    authOptional: options.password === undefined,
    disabledCommands: [...(options.tls ? [] : ["STARTTLS"]), ...(options.password === undefined ? ["AUTH"] : [])],
    allowInsecureAuth: true,
    onConnect(_session, done) {
      mail.connections += 1;
      done();
    },
    onAuth({ username, password }, _session, done) {
      if (password === options.password) done(null, { user: username ?? "" });
      else done(Object.assign(new Error(`wrong password ${password}`), { responseCode: 535 }));
    },
    onData(stream, session, done) {
      let raw = "";
      stream.setEncoding("utf8");
      stream.on("data", (piece: string) => (raw += piece));
      stream.on("end", () => {
        if (mail.refuse > 0) {
          mail.refuse -= 1;
          return done(Object.assign(new Error("try again later"), { responseCode: 451 }));
        }
        const { mailFrom, rcptTo } = session.envelope;
        mail.got.push({
          from: mailFrom ? mailFrom.address : "",
          to: rcptTo.map(({ address }) => address),
          user: typeof session.user === "string" ? session.user : null,
          encrypted: session.secure,
          ...parsed(raw),
        });
        done();
      });
    },
  });
  server.on("error", () => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const mail: MailServer = {
    port: (server.server.address() as AddressInfo).port,
    got: [],
    refuse: 0,
    connections: 0,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
  return mail;
}

function parsed(raw: string): Pick<Letter, "headers" | "text"> {
  const [head = "", ...rest] = raw.split("\r\n\r\n");
  const lines = head.replaceAll(/\r\n\s+/g, " ").split("\r\n");
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 1).trim()]),
  );
  const body = rest.join("\n\n").replaceAll("\r\n", "\n");
  const quoted = headers["content-transfer-encoding"] === "quoted-printable";
  return {
    headers,
    text: quoted
      ? body.replaceAll(/=\n/g, "").replaceAll(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)))
      : body,
  };
}
