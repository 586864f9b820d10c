import { openControl } from "./control.ts";
import { type ProviderName, providerNames } from "./fault.ts";
import { Journal } from "./journal.ts";
import { Ledger } from "./ledger.ts";
import { Listener } from "./listener.ts";
import { ObjectIds } from "./object-id.ts";
import { PaypalProcessor } from "./paypal/paypal-processor.ts";
import type { Processor, World } from "./processor.ts";
import { seededRandom } from "./random.ts";
import { RequestLog } from "./request-log.ts";
import type { Sandbox } from "./sandbox-handle.ts";
import { Site } from "./site.ts";
import { StripeProcessor } from "./stripe/stripe-processor.ts";
import { Tables } from "./table.ts";

export interface SandboxOptions {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** 0 (default): any free ports. Else the control server's; Stripe gets the next one, PayPal the one after. */
  readonly port?: number;
  /** Where the state survives restarts; without it, nowhere. */
  readonly stateFile?: string;
  /** Of the faults' randomness; default random. */
  readonly seed?: number;
  /** Milliseconds since 1970; default the system's clock. */
  readonly now?: () => number;
  /** Milliseconds after which the next lookup settles what is pending; default 2000. */
  readonly settleAfterMs?: number;
  /** Milliseconds before each retry of a webhook; default as in webhooks.ts. */
  readonly webhookRetryAfterMs?: readonly number[];
}

export type { Sandbox } from "./sandbox-handle.ts";

const SETTLE_AFTER_MS = 2_000;

/** Starts the servers. Rejects when a port is taken or the state file is damaged. */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const { host = "127.0.0.1", port = 0, seed = Math.floor(Math.random() * 2 ** 32), now = Date.now } = options;
  const journal = options.stateFile === undefined ? null : new Journal(options.stateFile);
  const tables = new Tables(journal);
  const world = { tables, ledger: new Ledger(tables), ids: new ObjectIds(), now, settleAfterMs: options.settleAfterMs ?? SETTLE_AFTER_MS };
  const log = new RequestLog();
  const random = seededRandom(seed);
  const executed = (): void => journal?.flush(() => tables.rows());
  const site = (make: (world: World) => Processor): Site => {
    const { webhookRetryAfterMs } = options;
    const shared = { listener: new Listener(host), log, now, executed, random };
    return new Site({ make, world, ...shared, ...(webhookRetryAfterMs ? { webhookRetryAfterMs } : {}) });
  };
  const sites: Record<ProviderName, Site> = {
    stripe: site((theirs) => new StripeProcessor(theirs)),
    paypal: site((theirs) => new PaypalProcessor(theirs)),
  };
  await journal?.load((...line) => tables.restore(...line));
  journal?.rewrite(tables.rows());
  world.ledger.restored();

  const control = new Listener(host);
  const sandbox = compose({ sites, control, tables, ledger: world.ledger, log, journal });
  try {
    await openControl(sandbox, control, port);
    for (const [index, name] of providerNames.entries()) await sites[name].open(port === 0 ? 0 : port + 1 + index);
  } catch (error) {
    await sandbox.close();
    throw error;
  }
  return sandbox;
}

interface Parts {
  readonly sites: Readonly<Record<ProviderName, Site>>;
  readonly control: Listener;
  readonly tables: Tables;
  readonly ledger: Ledger;
  readonly log: RequestLog;
  readonly journal: Journal | null;
}

function compose({ sites, control, tables, ledger, log, journal }: Parts): Sandbox {
  const all = providerNames.map((name) => sites[name]);
  return {
    get controlUrl() {
      return control.url;
    },
    get stripeUrl() {
      return sites.stripe.listener.url;
    },
    get paypalUrl() {
      return sites.paypal.listener.url;
    },
    get paypalWebhookCa() {
      return sites.paypal.processor.webhookAuthority ?? "";
    },
    setFault: (provider, fault) => sites[provider].setFault(fault),
    clearFaults(provider) {
      for (const site of provider ? [sites[provider]] : all) site.clearFaults();
    },
    async listening() {
      for (const site of all) await site.listener.reopened();
    },
    faults: (provider) => sites[provider].faults.list(),
    ledger: () => ledger.all(),
    requests: () => log.all(),
    setWebhookEndpoint: (provider, endpoint) => sites[provider].setEndpoint(endpoint),
    clearWebhookEndpoints: (provider) => sites[provider].webhooks.clearEndpoints(),
    webhookEndpoints: (provider) => sites[provider].webhooks.endpoints(),
    setWebhookMood: (provider, mood) => sites[provider].setMood(mood),
    webhookMood: (provider) => sites[provider].webhooks.mood,
    webhookDeliveries: (provider) => sites[provider].webhooks.records(),
    async webhooksSent() {
      for (const site of all) await site.webhooks.idle();
    },
    lapseHolds: (provider) => sites[provider].lapseHolds(),
    renewInstrument: (provider, token, account) => sites[provider].renewInstrument(token, account ?? null),
    reset() {
      for (const site of all) site.reset();
      tables.clear();
      log.clear();
      journal?.rewrite(tables.rows());
    },
    async close() {
      for (const site of all) site.close();
      control.close();
      journal?.flush(() => tables.rows());
      journal?.close();
    },
  };
}
