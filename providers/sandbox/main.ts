import { startSandbox } from "./sandbox.ts";

const DEFAULT_PORT = 8081;

/** The sandbox as a process of its own. The only file of the sandbox that reads the environment. */
async function main(): Promise<void> {
  const { SANDBOX_HOST, SANDBOX_PORT, SANDBOX_STATE_FILE, SANDBOX_EXIT_WITH_PARENT } = process.env;
  const port = SANDBOX_PORT ? Number(SANDBOX_PORT) : DEFAULT_PORT;
  if (!Number.isInteger(port) || port < 0 || port > 65_533) throw new Error(`SANDBOX_PORT is 0 to 65533, not "${SANDBOX_PORT}"`);
  const sandbox = await startSandbox({
    port,
    ...(SANDBOX_HOST ? { host: SANDBOX_HOST } : {}),
    ...(SANDBOX_STATE_FILE ? { stateFile: SANDBOX_STATE_FILE } : {}),
  });
  const stop = (): void => void sandbox.close().then(() => process.exit(0));
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
  if (SANDBOX_EXIT_WITH_PARENT === "1") {
    process.stdin.resume();
    process.stdin.once("end", stop);
    process.stdin.once("error", stop);
  }
  const { controlUrl, stripeUrl, paypalUrl, paypalWebhookCa } = sandbox;
  process.stdout.write(`${JSON.stringify({ controlUrl, stripeUrl, paypalUrl, paypalWebhookCa })}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
});
