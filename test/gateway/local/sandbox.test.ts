import { expect, onTestFinished, test } from "vitest";
import { startLocalSandbox } from "../../../gateway/local/sandbox.ts";
import { sendWebhooksTo, simulatedProviders } from "../../../gateway/local/simulated-providers.ts";
import { createProviders } from "../../../gateway/registry.ts";
import { Call } from "../../../providers/contract/call.ts";
import { systemClock } from "../../../providers/contract/clock.ts";
import type { Currency } from "../../../providers/contract/money.ts";
import { openReceiver, type Receiver } from "../../providers/sandbox/webhook-receiver.ts";
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

const TOKENS: Readonly<Record<string, unknown>> = { stripe: { payment_method: "pm_card_visa" }, paypal: { vault_id: "vault-1" } };

test("the simulated processors' webhooks arrive where the gateway listens, and the adapters made of the same settings read them", async () => {
  const sandbox = await startLocalSandbox({ dataDir: await temporaryDirectory(), port: 0, log: () => {} });
  const receiver = await openReceiver();
  onTestFinished(async () => {
    receiver.close();
    await sandbox.stop();
  });
  const simulated = simulatedProviders(sandbox, []);
  await sendWebhooksTo(receiver.url, sandbox, simulated);
  for (const provider of createProviders(simulated, systemClock)) {
    onTestFinished(() => provider.close());
    const money = { amount: 4200n, currency: "usd" as Currency };
    const ids = { chargeId: `ch_${provider.id}`, attemptId: `at_${provider.id}` };
    const request = { ...ids, money, token: TOKENS[provider.id], description: null, reference: null, createdAtMs: Date.now() };
    const prepared = await provider.prepare(request, newCall());
    if (prepared.kind !== "prepared") throw new Error(`not prepared: ${prepared.kind}`);
    await provider.commit(request, prepared.object, newCall(), { replay: false });
    const { headers, body, receivedAtMs } = await arrived(receiver, `/webhooks/${provider.id}`);
    const delivery = { headers: headers as Record<string, string | undefined>, body, receivedAtMs };
    expect(await provider.readWebhook!(delivery, newCall())).toMatchObject({ kind: "event", event: { subject: ids } });
  }
});

function newCall(): Call {
  return new Call({ clock: systemClock, timeoutMs: 10_000 });
}

async function arrived(receiver: Receiver, path: string): Promise<Receiver["received"][number]> {
  for (;;) {
    const found = receiver.received.find((one) => one.path.endsWith(path));
    if (found) return found;
    await systemClock.sleep(10);
  }
}
