import { type Call, GateClosed } from "../contract/call.ts";
import { type Certificate, checkChain, type Trust } from "./certificate.ts";
import { ConnectionFailed, Transport } from "./transport.ts";

/** Only these addresses have certificates, whatever a header says: who may name another one could sign with a key of his own. */
const PATH = /^\/v1\/notifications\/certs\/[\w-]{1,128}$/;
/** PayPal's file has three or four certificates of some 2 KB. */
const MAX_FILE_BYTES = 65_536;
/** PayPal uses one certificate for months; a few at a time is plenty. */
const MAX_KEPT = 16;
const MAX_SOCKETS = 4;
/** A flood of forged deliveries that name certificates of all kinds must not become a flood of ours to PayPal. */
const MAX_FETCHES = 4;

export type Fetched =
  | { readonly kind: "certificate"; readonly certificate: Certificate }
  /** Nobody trusts it: the delivery is a forgery, or our trust is set up wrongly. */
  | { readonly kind: "refused"; readonly detail: string }
  /** It cannot be had now. */
  | { readonly kind: "unknown"; readonly detail: string };

export interface CertificateOrigins {
  readonly origins: readonly string[];
  readonly trust: Trust;
}

/** Where the certificates of an API are, and who must have issued them. A live API and a sandbox never vouch for each other (law 12). */
export function certificateOrigins(base: URL, webhookCa: string | null): CertificateOrigins {
  const [, sandbox] = /^api(?:-m)?(\.sandbox)?\.paypal\.com$/.exec(base.hostname) ?? [null, null];
  if (sandbox === null) return { origins: [base.origin], trust: { names: [...LIVE.names, ...TEST.names], ca: webhookCa } };
  return { origins: (sandbox ? TEST : LIVE).origins, trust: { names: (sandbox ? TEST : LIVE).names, ca: webhookCa } };
}

const LIVE = {
  origins: ["https://api.paypal.com", "https://api-m.paypal.com"],
  names: ["messageverificationcerts.paypal.com"],
};
const TEST = {
  origins: ["https://api.sandbox.paypal.com", "https://api-m.sandbox.paypal.com"],
  names: ["messageverificationcerts.sandbox.paypal.com"],
};

/** The certificates that PayPal signs webhooks with, fetched once each. */
export class Certificates {
  readonly #trust: Trust;
  readonly #transports: ReadonlyMap<string, Transport>;
  readonly #kept = new Map<string, Certificate>();
  /** One for all who wait for the same one. When the call that began it is given up, PayPal sends to all of them again. */
  readonly #underWay = new Map<string, Promise<Fetched>>();

  constructor({ origins, trust }: CertificateOrigins) {
    this.#trust = trust;
    this.#transports = new Map(origins.map((origin) => [origin, new Transport(new URL(origin), MAX_SOCKETS, MAX_FILE_BYTES)]));
  }

  /** The address to fetch from, or null: no certificate of ours is there. */
  address(text: string): URL | null {
    const url = URL.canParse(text) ? new URL(text) : null;
    const pinned = url && url.href === text && this.#transports.has(url.origin) && PATH.test(url.pathname);
    return pinned && url.search === "" && url.hash === "" ? url : null;
  }

  /** `url` as `address` gave it. Throws `GateClosed` when the call may not send. */
  async get(url: URL, call: Call): Promise<Fetched> {
    const kept = this.#kept.get(url.href);
    if (kept) return { kind: "certificate", certificate: kept };
    const under = this.#underWay.get(url.href);
    if (under) return under;
    if (this.#underWay.size >= MAX_FETCHES) return { kind: "unknown", detail: "too many certificates are being fetched" };
    const fetched = this.#fetch(url, call).finally(() => this.#underWay.delete(url.href));
    this.#underWay.set(url.href, fetched);
    return fetched;
  }

  close(): void {
    for (const transport of this.#transports.values()) transport.close();
  }

  async #fetch(url: URL, call: Call): Promise<Fetched> {
    const transport = this.#transports.get(url.origin) as Transport;
    const gate = { firstByte: () => call.assertMaySend(), onClose: (end: () => void) => call.onClose(end) };
    let answer: Awaited<ReturnType<Transport["send"]>>;
    try {
      answer = await transport.send({ method: "GET", url: url.href, headers: { accept: "*/*" }, body: null }, gate);
    } catch (error) {
      if (error instanceof ConnectionFailed) return { kind: "unknown", detail: `no certificate: ${error.code}` };
      if (error instanceof GateClosed) return { kind: "unknown", detail: `no certificate: ${error.message}` };
      throw error;
    }
    if (answer.statusCode === 404) return { kind: "refused", detail: "PayPal has no such certificate" };
    if (answer.statusCode !== 200) return { kind: "unknown", detail: `no certificate: HTTP ${answer.statusCode}` };
    const certificate = checkChain(answer.body, this.#trust);
    // A file that is no certificate may be an error page of something in between: it is asked for again.
    if (typeof certificate === "string")
      return { kind: /BEGIN CERTIFICATE/.test(answer.body) ? "refused" : "unknown", detail: certificate };
    this.#keep(url.href, certificate);
    return { kind: "certificate", certificate };
  }

  #keep(href: string, certificate: Certificate): void {
    this.#kept.set(href, certificate);
    if (this.#kept.size <= MAX_KEPT) return;
    const [oldest] = this.#kept.keys();
    if (oldest !== undefined) this.#kept.delete(oldest);
  }
}
