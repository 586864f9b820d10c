import { generateKeyPairSync } from "node:crypto";
import { rootCertificates } from "node:tls";
import forge from "node-forge";
import { describe, expect, test } from "vitest";
import { checkChain } from "../../../providers/paypal/certificate.ts";

const NAME = "messageverificationcerts.paypal.com";
const DAY_MS = 86_400_000;
const NOW_MS = Math.floor(Date.now() / 1000) * 1000;

interface Made {
  readonly pem: string;
  readonly name: string;
  readonly key: forge.pki.rsa.PrivateKey;
}

interface Wish {
  readonly name?: string;
  readonly by?: Made;
  readonly ca?: boolean;
  readonly bits?: number;
  readonly fromMs?: number;
  readonly untilMs?: number;
}

function make({ name = NAME, by, ca = false, bits = 2048, fromMs = NOW_MS - DAY_MS, untilMs = NOW_MS + DAY_MS }: Wish): Made {
  const pair = generateKeyPairSync("rsa", {
    modulusLength: bits,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  const key = forge.pki.privateKeyFromPem(pair.privateKey);
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.publicKeyFromPem(pair.publicKey);
  certificate.serialNumber = "01";
  certificate.validity.notBefore = new Date(fromMs);
  certificate.validity.notAfter = new Date(untilMs);
  certificate.setSubject([{ name: "commonName", value: name }]);
  certificate.setIssuer([{ name: "commonName", value: by?.name ?? name }]);
  certificate.setExtensions([{ name: "basicConstraints", cA: ca, critical: true }]);
  certificate.sign(by?.key ?? key, forge.md.sha256.create());
  return { pem: forge.pki.certificateToPem(certificate), name, key };
}

const root = make({ name: "Root", ca: true, untilMs: NOW_MS + 90 * DAY_MS });
const middle = make({ name: "Middle", by: root, ca: true, fromMs: NOW_MS - 2 * DAY_MS, untilMs: NOW_MS + DAY_MS / 2 });
const leaf = make({ by: middle });
const trust = { names: [NAME], ca: root.pem };

function check(...chain: Made[]) {
  return checkChain(chain.map(({ pem }) => pem).join(""), trust);
}

describe("a chain", () => {
  test("from PayPal's leaf over an intermediate to the root is good while all of it is valid", () => {
    expect(check(leaf, middle)).toMatchObject({ fromMs: NOW_MS - DAY_MS, untilMs: NOW_MS + DAY_MS / 2 });
  });

  test("may come in any order behind the leaf, and with the root", () => {
    const low = make({ name: "Low", by: middle, ca: true });
    expect(check(make({ by: low }), root, middle, low)).toMatchObject({ key: expect.anything() });
  });

  test("may end at an intermediate that is trusted itself", () => {
    expect(checkChain(leaf.pem, { names: [NAME], ca: middle.pem })).toMatchObject({ key: expect.anything() });
  });

  test.each<[string, () => Made[], string]>([
    ["without the intermediate", () => [leaf], "no trusted authority has issued the certificate"],
    ["that is only a leaf that signed itself", () => [make({})], "no trusted authority has issued the certificate"],
    [
      "of a forger's root",
      () => {
        const forger = make({ name: "Root", ca: true });
        return [make({ by: forger }), forger];
      },
      "no trusted authority has issued the certificate",
    ],
    [
      "under a leaf that plays the authority",
      () => {
        const plain = make({ name: "Plain", by: root });
        return [make({ by: plain }), plain];
      },
      "no trusted authority has issued the certificate",
    ],
    ["of another name", () => [make({ name: "www.paypal.com", by: root })], "the certificate is of another name"],
    ["of a name that ends in PayPal's", () => [make({ name: `x${NAME}`, by: root })], "the certificate is of another name"],
    ["of a short key", () => [make({ by: root, bits: 1024 })], "the key is not RSA of 2048 bits"],
    ["too long", () => [leaf, middle, middle, middle, middle, middle, middle], "more than 6 certificates"],
    [
      "that ends in itself",
      () => [make({ name: NAME, ca: true }), make({ name: "Loop", ca: true })],
      "no trusted authority has issued the certificate",
    ],
  ])("%s is refused", (_name, chain, why) => {
    expect(check(...chain())).toBe(why);
  });

  test.each(["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"])(
    "that cannot be read is refused: %j",
    (pem) => {
      expect(checkChain(pem, trust)).toBe("no certificate that can be read");
    },
  );

  test("is good under the roots that Node trusts, and ours is not one of them", () => {
    expect(check(leaf, middle)).not.toBeTypeOf("string");
    expect(checkChain(leaf.pem + middle.pem, { names: [NAME], ca: null })).toBe("no trusted authority has issued the certificate");
    // Some root itself, as a leaf would be, is found to be issued by a trusted one; its name is not PayPal's.
    expect(checkChain(rootCertificates[0] ?? "", { names: [NAME], ca: null })).toBe("the certificate is of another name");
  });
});
