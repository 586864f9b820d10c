/**
 * npm run client [-- --out DIR]: writes gateway/client/wire.ts anew from the schemas, and emits the package `switchyard` with its only
 * entry `switchyard/client`, to be installed where a billing core runs. With --out it only emits, and there.
 */
import { writeFile } from "node:fs/promises";
import { relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { readIfThere } from "../local/data-dir.ts";
import { buildClient, CLIENT_PACKAGE } from "./build-client.ts";
import { wireSource } from "./wire-source.ts";

const WIRE = fileURLToPath(new URL("../client/wire.ts", import.meta.url));

const { out } = parseArgs({ options: { out: { type: "string" } } }).values;
if (out === undefined) {
  const source = wireSource();
  if ((await readIfThere(WIRE)) !== source) {
    await writeFile(WIRE, source);
    console.log(`${relative(process.cwd(), WIRE)} is written anew`);
  }
}
const into = out === undefined ? CLIENT_PACKAGE : resolve(out);
const made = await buildClient(into);
console.log(`switchyard/client ${made ? "is made" : "is up to date"}: npm install ${into}`);
