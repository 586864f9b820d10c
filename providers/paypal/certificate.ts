import { type KeyObject, X509Certificate } from "node:crypto";
import { rootCertificates } from "node:tls";

/** Leaf, intermediates, root; PayPal's has three or four. */
const MAX_CHAIN = 6;
const MIN_RSA_BITS = 2_048;
const PEM = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;

/** Who may vouch for PayPal's signatures. */
export interface Trust {
  /** Of these names one must be the leaf's. */
  readonly names: readonly string[];
  /** PEM; null: the roots that Node trusts. */
  readonly ca: string | null;
}

/** A certificate whose chain was checked. Its key is good for signatures that arrive between the two times (milliseconds since 1970). */
export interface Certificate {
  readonly key: KeyObject;
  readonly fromMs: number;
  readonly untilMs: number;
}

/**
 * Checks a PEM file, leaf first: each certificate signed by the next one that is an authority, up to one that is trusted,
 * the leaf PayPal's own, with an RSA key that is long enough. Dates are the caller's to check. A string says what is wrong.
 */
export function checkChain(pem: string, trust: Trust): Certificate | string {
  const chain = parse(pem, MAX_CHAIN + 1);
  const [leaf, ...others] = chain ?? [];
  if (!chain || !leaf) return "no certificate that can be read";
  if (chain.length > MAX_CHAIN) return `more than ${MAX_CHAIN} certificates`;
  if (!trust.names.some((name) => leaf.checkHost(name) !== undefined)) return "the certificate is of another name";
  const key = leaf.publicKey;
  if (key.asymmetricKeyType !== "rsa" || (key.asymmetricKeyDetails?.modulusLength ?? 0) < MIN_RSA_BITS)
    return "the key is not RSA of 2048 bits";
  const trusted = trust.ca === null ? publicRoots() : bySubject(parse(trust.ca, Number.POSITIVE_INFINITY) ?? []);
  const path = pathOf(leaf, others, trusted);
  if (!path) return "no trusted authority has issued the certificate";
  return {
    key,
    fromMs: Math.max(...path.map(({ validFrom }) => Date.parse(validFrom))),
    untilMs: Math.min(...path.map(({ validTo }) => Date.parse(validTo))),
  };
}

type Authorities = ReadonlyMap<string, readonly X509Certificate[]>;

/** From the leaf to the first trusted certificate; null: there is no such way. */
function pathOf(leaf: X509Certificate, others: readonly X509Certificate[], trusted: Authorities): X509Certificate[] | null {
  const path = [leaf];
  while (path.length <= MAX_CHAIN) {
    const last = path.at(-1) as X509Certificate;
    const root = trusted.get(last.issuer)?.find((candidate) => issued(candidate, last));
    if (root) return [...path, root];
    const next = others.find((candidate) => !path.includes(candidate) && issued(candidate, last));
    if (!next) return null;
    path.push(next);
  }
  return null;
}

function issued(authority: X509Certificate, certificate: X509Certificate): boolean {
  return authority.ca && certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
}

let roots: Authorities | null = null;

/** Parsed when first needed: there are some 150. */
function publicRoots(): Authorities {
  roots ??= bySubject(rootCertificates.map((pem) => new X509Certificate(pem)));
  return roots;
}

function bySubject(certificates: readonly X509Certificate[]): Authorities {
  return Map.groupBy(certificates, ({ subject }) => subject);
}

function parse(pem: string, max: number): X509Certificate[] | null {
  try {
    return (pem.match(PEM) ?? []).slice(0, max).map((one) => new X509Certificate(one));
  } catch {
    return null;
  }
}
