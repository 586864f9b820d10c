/** npm run example: docs/examples/billing-core.ts, with the client that it imports. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { buildClient } from "./build-client.ts";

const EXAMPLE = fileURLToPath(new URL("../../docs/examples/billing-core.ts", import.meta.url));

await buildClient();
process.exitCode = spawnSync(process.execPath, [EXAMPLE], { stdio: "inherit" }).status ?? 1;
