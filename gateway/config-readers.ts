/** Readers of one setting each. A fault is pushed, a usable default returned, so that the next setting is read as well. */
export type Env = Readonly<Record<string, string | undefined>>;
export type Faults = string[];

/** What a human may paste around a value: an empty or blank setting is an unset one (compose files write `KEY=`). */
export function text(env: Env, name: string): string | null {
  const value = env[name]?.trim();
  return value === undefined || value === "" ? null : value;
}

/** Visible ASCII only: a secret with a space or a line break in it was pasted wrongly, and would break an HTTP header. */
export function secret(env: Env, name: string, faults: Faults): string | null {
  return secretOf(text(env, name), name, faults);
}

/** As `secret`, of a value that was read already. */
export function secretOf(value: string | null, name: string, faults: Faults): string | null {
  if (value === null) return null;
  if (!/^[\x21-\x7e]+$/.test(value)) faults.push(`${name} contains a space, a line break or a character outside ASCII`);
  return value;
}

export function integer(env: Env, name: string, fallback: number, min: number, max: number, faults: Faults): number {
  const value = text(env, name);
  if (value === null) return fallback;
  const number = Number(value);
  if (/^\d{1,15}$/.test(value) && number >= min && number <= max) return number;
  faults.push(`${name} must be a whole number from ${min} to ${max}, not ${quote(value)}`);
  return fallback;
}

/** The first option is the default. */
export function oneOf<const T extends string>(env: Env, name: string, options: readonly [T, ...T[]], faults: Faults): T {
  const value = text(env, name);
  if (value === null) return options[0];
  const found = options.find((option) => option === value.toLowerCase());
  if (found === undefined) faults.push(`${name} must be one of ${options.join(", ")}, not ${quote(value)}`);
  return found ?? options[0];
}

export function mode(env: Env, name: string, fallback: boolean, faults: Faults): boolean {
  const value = text(env, name)?.toLowerCase();
  if (value === undefined) return fallback;
  if (value === "on" || value === "off") return value === "on";
  faults.push(`${name} must be on or off, not ${quote(value)}`);
  return fallback;
}

/** http or https, without credentials, query or fragment; the trailing slash goes, so that paths can be appended. */
export function webUrlOf(value: string | null, name: string, faults: Faults): string | null {
  if (value === null) return null;
  const url = URL.parse(value);
  if (!url || (url.protocol !== "https:" && url.protocol !== "http:")) faults.push(`${name} is not an http or https URL`);
  else if (url.username || url.password) faults.push(`${name} must not contain a user or a password`);
  else if (url.search || url.hash) faults.push(`${name} must not contain a query or a fragment`);
  else return url.href.replace(/\/+$/, "");
  return null;
}

export function postgresUrl(env: Env, name: string, faults: Faults): string | null {
  const value = text(env, name);
  if (value === null) return null;
  const url = URL.parse(value);
  if (url && (url.protocol === "postgres:" || url.protocol === "postgresql:")) return value;
  faults.push(`${name} is not a postgres:// URL (special characters in the password must be percent-encoded)`);
  return null;
}

const REDIS_FORM = /^rediss?(\+(sentinel|cluster))?:\/\/(?:[^@/?#]*@)?([^@/?#]+)(?:\/([^?#]*))?(?:\?[^#]*)?$/;

/**
 * redis://[user:password@]host[:port][/db] (rediss: TLS);
 * redis+sentinel://[user:password@]host:port,host:port/name-of-the-master; redis+cluster://[user:password@]host:port,host:port.
 */
export function redisUrl(env: Env, name: string, faults: Faults): string | null {
  const value = text(env, name);
  if (value === null) return null;
  const match = REDIS_FORM.exec(value);
  const hosts = match?.[3]?.split(",") ?? [];
  if (!match || hosts.some((host) => URL.parse(`redis://${host}`) === null || host === ""))
    faults.push(`${name} is not a redis://, rediss://, redis+sentinel:// or redis+cluster:// URL (passwords must be percent-encoded)`);
  else if (!match[1] && hosts.length > 1) faults.push(`${name} names several hosts: say redis+cluster:// or redis+sentinel://`);
  else if (match[2] === "sentinel" && !match[4]) faults.push(`${name} must end with the name of the sentinels' master: /mymaster`);
  else return value;
  return null;
}

/** Long values are cut: whatever was pasted here by mistake does not end up in a log in full. */
function quote(value: string): string {
  return JSON.stringify(value.length > 24 ? `${value.slice(0, 24)}…` : value);
}
