import { BlockList, isIP } from "node:net";

/** Answers every address of a name; throws as `node:dns` does. */
export type Resolve = (hostname: string) => Promise<readonly { readonly address: string; readonly family: number }[]>;

/** IANA's special purpose registry for IPv4, and the addresses at which clouds serve metadata to whoever asks from inside. */
const FORBIDDEN_V4 = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/4",
  "240.0.0.0/4",
  "168.63.129.16/32",
];
/** Of what is global unicast: Teredo and other assignments of protocols, 6to4 (both embed an IPv4 address), documentation. */
const FORBIDDEN_V6 = ["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"];

const forbidden = new BlockList();
for (const subnet of FORBIDDEN_V4) forbidden.addSubnet(...parts(subnet), "ipv4");
for (const subnet of FORBIDDEN_V6) forbidden.addSubnet(...parts(subnet), "ipv6");
/** Everything else of IPv6 is loopback, unspecified, mapped, link-local, unique local, multicast or not assigned. */
const globalUnicast = new BlockList();
globalUnicast.addSubnet("2000::", 3, "ipv6");
/** A network without IPv4 reaches public IPv4 hosts by these (RFC 6052): the last 32 bits say which. */
const nat64 = new BlockList();
nat64.addSubnet("64:ff9b::", 96, "ipv6");

function parts(subnet: string): [string, number] {
  const [net, bits] = subnet.split("/");
  return [net as string, Number(bits)];
}

/** Whether it is an address of the public internet: not of this machine, its networks, or anything that only looks public. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !forbidden.check(address, "ipv4");
  if (family !== 6 || address.includes("%")) return false;
  if (nat64.check(address, "ipv6")) return !forbidden.check(lastFour(address), "ipv4");
  return globalUnicast.check(address, "ipv6") && !forbidden.check(address, "ipv6");
}

/** The IPv4 address in the last 32 bits. URL writes every spelling of an address in one way: hexadecimal groups. */
function lastFour(address: string): string {
  const groups = new URL(`http://[${address}]/`).hostname.slice(1, -1).split("::");
  const tail = (groups.at(-1) ?? "").split(":").filter((group) => group !== "");
  const [high = 0, low = 0] = [...["0", "0"], ...tail].slice(-2).map((group) => Number.parseInt(group, 16));
  return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}

export type Checked =
  | { readonly ok: true; readonly addresses: readonly { readonly address: string; readonly family: number }[] }
  | { readonly ok: false; readonly reason: "unknown_host" | "address_not_allowed" };

/**
 * The addresses behind a URL's host, all of them allowed. One forbidden among them refuses all: which one a connection takes is chance.
 * Whoever connects must connect to these, and check again each time: a name's answer changes.
 */
export async function checkHost(hostname: string, options: { resolve: Resolve; allowPrivate: boolean }): Promise<Checked> {
  const host = hostname.replace(/^\[|\]$/g, "");
  const family = isIP(host);
  let addresses: Awaited<ReturnType<Resolve>>;
  try {
    addresses = family === 0 ? await options.resolve(host) : [{ address: host, family }];
  } catch {
    return { ok: false, reason: "unknown_host" };
  }
  if (addresses.length === 0) return { ok: false, reason: "unknown_host" };
  // Which address it was is not told: it would show our own network's names to whoever registers them.
  const allowed = options.allowPrivate || addresses.every(({ address }) => isPublicAddress(address));
  return allowed ? { ok: true, addresses } : { ok: false, reason: "address_not_allowed" };
}
