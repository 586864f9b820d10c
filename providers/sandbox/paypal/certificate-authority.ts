import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import forge from "node-forge";

const LIFE_YEARS = 10;
const NAME = "messageverificationcerts.sandbox.paypal.com";

/** What the sandbox signs webhooks with: an authority of its own, and the certificate that it issued. */
export interface Signer {
  /** PEM: whoever trusts it can check the signatures. */
  readonly authority: string;
  /** PEM, as it is served: the leaf, then its authority. */
  readonly chain: string;
  /** Of the address where the chain is served. */
  readonly id: string;
  /** RSA-SHA256, base64. */
  readonly sign: (text: string) => string;
}

/** Takes some 200 ms: two RSA keys. */
export function newSigner(random: (size: number) => Buffer = randomBytes): Signer {
  const authority = issue({ name: "Sandbox Root CA", authority: null, random });
  const leaf = issue({ name: NAME, authority, random });
  return {
    authority: authority.pem,
    chain: leaf.pem + authority.pem,
    id: `CERT-${random(4).toString("hex")}-${random(4).toString("hex")}`,
    sign: (text) => sign("RSA-SHA256", Buffer.from(text), leaf.key).toString("base64"),
  };
}

interface Issued {
  readonly pem: string;
  readonly key: KeyObject;
  readonly certificate: forge.pki.Certificate;
  readonly privateKey: forge.pki.rsa.PrivateKey;
}

/** Without an authority it signs itself, and may issue others. */
function issue({ name, authority, random }: { name: string; authority: Issued | null; random: (size: number) => Buffer }): Issued {
  const pair = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  const privateKey = forge.pki.privateKeyFromPem(pair.privateKey);
  const certificate = forge.pki.createCertificate();
  const subject = [
    { name: "commonName", value: name },
    { name: "organizationName", value: "Switchyard sandbox" },
  ];
  certificate.publicKey = forge.pki.publicKeyFromPem(pair.publicKey);
  // Positive, and in the fewest bytes, whatever chance gives: OpenSSL reads no other.
  certificate.serialNumber = `01${random(12).toString("hex")}`;
  // An hour ago: clocks differ.
  certificate.validity.notBefore = new Date(Date.now() - 3_600_000);
  certificate.validity.notAfter = new Date(Date.now() + LIFE_YEARS * 365 * 86_400_000);
  certificate.setSubject(subject);
  certificate.setIssuer(authority ? authority.certificate.subject.attributes : subject);
  certificate.setExtensions(
    authority
      ? [
          { name: "subjectAltName", altNames: [{ type: 2, value: name }] },
          { name: "keyUsage", digitalSignature: true, critical: true },
        ]
      : [
          { name: "basicConstraints", cA: true, critical: true },
          { name: "keyUsage", keyCertSign: true, critical: true },
        ],
  );
  certificate.sign(authority ? authority.privateKey : privateKey, forge.md.sha256.create());
  return { pem: forge.pki.certificateToPem(certificate), key: createPrivateKey(pair.privateKey), certificate, privateKey };
}
