import { X509Certificate } from "node:crypto";
import { expect, it } from "vitest";
import { checkChain } from "../../../providers/paypal/certificate.ts";
import { newSigner } from "../../../providers/sandbox/paypal/certificate-authority.ts";

const NAMES = ["messageverificationcerts.sandbox.paypal.com"];

// X.509 writes a number in the fewest bytes, and a negative one has its first bit set: a reader refuses any other.
it.each([
  ["zeros", 0x00],
  ["ones", 0xff],
])("a chain can be read though chance gives only %s", (_name, byte) => {
  const { authority, chain } = newSigner((size) => Buffer.alloc(size, byte));
  expect(checkChain(chain, { names: NAMES, ca: authority })).toMatchObject({ key: { type: "public" } });
});

it("no two certificates have the same serial number", () => {
  const { authority, chain } = newSigner();
  const [leaf, root] = [new X509Certificate(chain), new X509Certificate(authority)];
  expect(leaf.serialNumber).not.toBe(root.serialNumber);
});
