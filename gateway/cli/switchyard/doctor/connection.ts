/** `host:port/name` of an address: never its user or password. */
export function whereOf(url: string): string {
  const rest = /^[a-z+]+:\/\/(?:[^?]*@)?([^?]*)/i.exec(url)?.[1] ?? "";
  return rest.replace(/\/$/, "") || "the address";
}

/** Why something could not be reached, without the address's secrets. */
export function reasonOf(error: unknown): string {
  const one = error instanceof AggregateError ? (error.errors[0] as unknown) : error;
  if (!(one instanceof Error)) return String(one);
  return (one.message || codeOf(one) || one.name).replace(/\.+$/, "");
}

function codeOf(error: unknown): string {
  const one = error instanceof AggregateError ? (error.errors[0] as unknown) : error;
  return one instanceof Error && "code" in one ? String(one.code) : "";
}

/** What helps against the usual reasons. `setting` holds the address, `what` is the server's name. */
export function connectionMend(error: unknown, setting: string, what: string): string {
  const text = `${codeOf(error)} ${reasonOf(error)}`;
  if (/ECONNREFUSED/.test(text)) return `Nothing listens there: start ${what}, or correct host and port in ${setting}.`;
  if (/ENOTFOUND|EAI_AGAIN/.test(text)) return `The host name is not known here: correct it in ${setting}, or look at this machine's DNS.`;
  if (/28P01|28000|WRONGPASS|NOAUTH|password/i.test(text)) return `User or password are refused: correct them in ${setting}.`;
  if (/3D000/.test(text)) return `There is no such database: create it, or correct its name in ${setting}.`;
  if (/53300|too many (clients|connections)/i.test(text))
    return "It has no connection left: raise max_connections, or stop what holds them.";
  if (/timeout|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH/i.test(text)) return `No answer: look at firewall and routes to the host in ${setting}.`;
  if (/certificate|SSL|TLS/i.test(text))
    return `The encryption is not agreed upon: look at the scheme, sslmode and certificates in ${setting}.`;
  return `Look at ${setting}, and at the log of ${what}.`;
}
