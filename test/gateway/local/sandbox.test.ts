import { expect, onTestFinished, test } from "vitest";
import { startLocalSandbox } from "../../../gateway/local/sandbox.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

test("the sandbox is a process of its own that answers on three addresses, and stops", async () => {
  const sandbox = await startLocalSandbox({ dataDir: await temporaryDirectory(), port: 0, log: () => {} });
  onTestFinished(() => sandbox.stop());
  const { controlUrl, stripeUrl, paypalUrl } = sandbox;
  for (const url of [controlUrl, stripeUrl, paypalUrl]) expect((await fetch(url)).status).toBeLessThan(500);
  await sandbox.stop();
  await expect(fetch(controlUrl)).rejects.toThrow();
});

test("a taken port is reported, not waited for", async () => {
  const first = await startLocalSandbox({ dataDir: await temporaryDirectory(), port: 0, log: () => {} });
  onTestFinished(() => first.stop());
  const port = Number(new URL(first.controlUrl).port);
  await expect(startLocalSandbox({ dataDir: await temporaryDirectory(), port, log: () => {} })).rejects.toThrow(/did not start/);
});
