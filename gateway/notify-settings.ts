import { type Env, type Faults, secret, text } from "./config-readers.ts";

export interface NotifySettings {
  /** Incoming webhooks, Slack's or alike; secrets. For operations (everything), and for finance (what concerns money). */
  readonly slackUrl: string | null;
  readonly slackFinanceUrl: string | null;
  readonly email: EmailSettings | null;
}

export interface EmailSettings {
  readonly smtp: Smtp;
  /** `a@b` or `Name <a@b>`. */
  readonly from: string;
  /** Everything; and what concerns money. */
  readonly to: readonly string[];
  readonly finance: readonly string[];
}

export interface Smtp {
  readonly host: string;
  readonly port: number;
  /** From the first byte; else by STARTTLS, where the server has it. */
  readonly tls: boolean;
  /** This machine: nothing that is sent leaves it. */
  readonly local: boolean;
  readonly auth: { readonly user: string; readonly password: string } | null;
}

const MAX_RECIPIENTS = 20;
const ADDRESS = /^[^\s@<>,;:"()[\]\\]{1,64}@[a-zA-Z0-9](?:[a-zA-Z0-9.-]{0,252}[a-zA-Z0-9])?$/;
const SENDER = /^(?:[\w .'&-]{1,80} <([^<>]+)>|([^<> ]+))$/;
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;
const SUBMISSION_PORT = 587;
const SMTPS_PORT = 465;

/** Addresses of people are no secrets, but the URLs are: no fault quotes one. */
export function notifySettings(env: Env, allowHttp: boolean, faults: Faults): NotifySettings {
  return {
    slackUrl: slackUrl(env, "NOTIFY_SLACK_URL", allowHttp, faults),
    slackFinanceUrl: slackUrl(env, "NOTIFY_SLACK_FINANCE_URL", allowHttp, faults),
    email: emailSettings(env, faults),
  };
}

function slackUrl(env: Env, name: string, allowHttp: boolean, faults: Faults): string | null {
  const value = secret(env, name, faults);
  if (value === null) return null;
  const url = URL.parse(value);
  if (url?.protocol === "https:" || (allowHttp && url?.protocol === "http:")) return value;
  faults.push(`${name} is not an https URL`);
  return null;
}

function emailSettings(env: Env, faults: Faults): EmailSettings | null {
  const smtp = smtpUrl(env, "NOTIFY_SMTP_URL", faults);
  const from = sender(env, "NOTIFY_EMAIL_FROM", faults);
  const to = addresses(env, "NOTIFY_EMAIL_TO", faults);
  const finance = addresses(env, "NOTIFY_EMAIL_FINANCE_TO", faults);
  const given = {
    NOTIFY_SMTP_URL: text(env, "NOTIFY_SMTP_URL") !== null,
    NOTIFY_EMAIL_FROM: text(env, "NOTIFY_EMAIL_FROM") !== null,
    "NOTIFY_EMAIL_TO or NOTIFY_EMAIL_FINANCE_TO": text(env, "NOTIFY_EMAIL_TO") !== null || text(env, "NOTIFY_EMAIL_FINANCE_TO") !== null,
  };
  const missing = Object.entries(given).flatMap(([name, is]) => (is ? [] : [name]));
  if (missing.length === 3) return null;
  for (const name of missing) faults.push(`${name} is missing, but other settings of e-mail are set`);
  return smtp && from !== null ? { smtp, from, to, finance } : null;
}

function smtpUrl(env: Env, name: string, faults: Faults): Smtp | null {
  const value = secret(env, name, faults);
  if (value === null) return null;
  const url = URL.parse(value);
  const form = `${name} is not smtp://[user:password@]host[:port] or smtps://…`;
  if (
    !url ||
    !["smtp:", "smtps:"].includes(url.protocol) ||
    url.hostname === "" ||
    url.search !== "" ||
    url.hash !== "" ||
    url.pathname.length > 1
  ) {
    faults.push(`${form} (special characters in the password must be percent-encoded)`);
    return null;
  }
  const tls = url.protocol === "smtps:";
  const auth = authOf(url);
  if (auth === undefined) faults.push(`${name} has a user or a password that is not validly percent-encoded, or one without the other`);
  return {
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port === "" ? (tls ? SMTPS_PORT : SUBMISSION_PORT) : Number(url.port),
    tls,
    local: !tls && LOOPBACK.test(url.hostname),
    auth: auth ?? null,
  };
}

/** undefined: it is wrong. */
function authOf(url: URL): Smtp["auth"] | undefined {
  if (url.username === "" && url.password === "") return null;
  try {
    const [user, password] = [decodeURIComponent(url.username), decodeURIComponent(url.password)];
    return user === "" || password === "" ? undefined : { user, password };
  } catch {
    return undefined;
  }
}

function sender(env: Env, name: string, faults: Faults): string | null {
  const value = text(env, name);
  if (value === null) return null;
  const [, named, bare] = SENDER.exec(value) ?? [];
  if (ADDRESS.test(named ?? bare ?? "")) return value;
  faults.push(`${name} must be an address, or a name and an address: Switchyard <switchyard@example.com>`);
  return null;
}

function addresses(env: Env, name: string, faults: Faults): string[] {
  const value = text(env, name);
  if (value === null) return [];
  const all = value.split(",").map((one) => one.trim());
  if (all.length > MAX_RECIPIENTS) faults.push(`${name} names more than ${MAX_RECIPIENTS} addresses: use a list on the mail server`);
  if (!all.every((one) => ADDRESS.test(one)))
    faults.push(`${name} must be addresses with a comma between: ops@example.com, oncall@example.com`);
  return [...new Set(all)];
}
