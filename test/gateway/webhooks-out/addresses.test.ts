import { describe, expect, test } from "vitest";
import { checkHost, isPublicAddress, type Resolve } from "../../../gateway/webhooks-out/addresses.ts";
import { urlFault } from "../../../gateway/webhooks-out/endpoint-url.ts";

const PRIVATE = [
  "127.0.0.1",
  "127.255.255.254",
  "0.0.0.0",
  "10.0.0.1",
  "172.16.0.1",
  "172.31.255.255",
  "192.168.1.1",
  "100.64.0.1",
  "100.127.255.255",
  "169.254.169.254",
  "100.100.100.200",
  "168.63.129.16",
  "192.0.0.192",
  "192.0.2.1",
  "198.18.0.1",
  "198.51.100.7",
  "203.0.113.9",
  "192.88.99.1",
  "224.0.0.1",
  "239.255.255.255",
  "240.0.0.1",
  "255.255.255.255",
  "::",
  "::1",
  "0:0:0:0:0:0:0:1",
  "::ffff:127.0.0.1",
  "::ffff:8.8.8.8",
  "::ffff:0:127.0.0.1",
  "::127.0.0.1",
  "::8.8.8.8",
  "64:ff9b::127.0.0.1",
  "64:ff9b::a00:1",
  "64:ff9b::a9fe:a9fe",
  "64:ff9b::",
  "64:ff9b:1::808:808",
  "fe80::1",
  "fe80::1%eth0",
  "febf::1",
  "fec0::1",
  "fc00::1",
  "fd00:ec2::254",
  "fdff:ffff::1",
  "ff02::1",
  "2001::1",
  "2001:0:4136:e378:8000:63bf:3fff:fdd2",
  "2001:db8::1",
  "2002:7f00:1::",
  "2002:808:808::1",
  "3fff::1",
  "100::1",
  "5f00::1",
  "4000::1",
  "not an address",
  "",
];

const PUBLIC = [
  "8.8.8.8",
  "1.1.1.1",
  "172.15.255.255",
  "172.32.0.1",
  "100.63.255.255",
  "100.128.0.1",
  "169.253.1.1",
  "192.167.1.1",
  "223.255.255.254",
  "2606:4700:4700::1111",
  "2a00:1450:4001:81b::200e",
  "64:ff9b::808:808",
  "64:ff9b:0:0:0:0:808:808",
  "64:ff9b::8.8.4.4",
];

test.each(PRIVATE)("%s is not an address of the public internet", (address) => expect(isPublicAddress(address)).toBe(false));
test.each(PUBLIC)("%s is", (address) => expect(isPublicAddress(address)).toBe(true));

const answers =
  (...addresses: string[]): Resolve =>
  async () =>
    addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));

const strict = (resolve: Resolve = answers("8.8.8.8")) => ({ resolve, allowPrivate: false });

describe("a host", () => {
  test("is refused when one of its addresses is", async () => {
    expect(await checkHost("a.example", strict(answers("8.8.8.8", "::ffff:10.0.0.1")))).toEqual({
      ok: false,
      reason: "address_not_allowed",
    });
    expect(await checkHost("a.example", strict(answers("8.8.8.8", "2606:4700::1")))).toMatchObject({ ok: true });
    expect(await checkHost("a.example", strict(answers()))).toEqual({ ok: false, reason: "unknown_host" });
    const failing = () => Promise.reject(Object.assign(new Error(), { code: "ENOTFOUND" }));
    expect(await checkHost("a.example", strict(failing))).toEqual({ ok: false, reason: "unknown_host" });
  });

  test("may be private where that is allowed", async () => {
    const addresses = [{ address: "10.0.0.1", family: 4 }];
    expect(await checkHost("a.example", { resolve: answers("10.0.0.1"), allowPrivate: true })).toEqual({ ok: true, addresses });
  });
});

describe("the URL of an endpoint", () => {
  test.each([
    "https://127.0.0.1/",
    "https://127.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://0177.0.0.1/",
    "https://017700000001/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[0:0:0:0:0:ffff:127.0.0.1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[fd00:ec2::254]/",
    "https://169.254.169.254/latest/meta-data",
    "https://１２７.0.0.1/",
    "https://127。0。0。1/",
    "https://0/",
    "https://10.0.0.1:8443/",
  ])("%s is refused, whatever DNS says", async (url) => {
    expect(await urlFault(url, strict())).toBe("must lead to the public internet: its address is private, reserved or this machine's");
  });

  test.each([
    ["http://hooks.example.com/", "must begin with https://"],
    ["ftp://hooks.example.com/", "must begin with https://"],
    ["https://user@hooks.example.com/", "must not contain a user or a password"],
    ["https://:secret@hooks.example.com/", "must not contain a user or a password"],
    ["https://hooks.example.com/#part", "must not contain a fragment"],
    ["hooks.example.com", "must be a URL"],
    [`https://hooks.example.com/${"x".repeat(2_000)}`, "must have at most 2000 characters"],
  ])("%s is refused: %s", async (url, fault) => expect(await urlFault(url, strict())).toBe(fault));

  test("is taken with any port and query, and also before its name exists", async () => {
    expect(await urlFault("https://hooks.example.com:8443/a?b=c", strict())).toBeNull();
    expect(await urlFault("https://hooks.example.com/", strict(answers()))).toBeNull();
    expect(await urlFault("https://hooks.example.com/", strict(answers("192.168.0.1")))).toMatch(/public internet/);
    expect(await urlFault("http://localhost:3000/", { resolve: answers("127.0.0.1"), allowPrivate: true })).toBeNull();
  });
});
