import type { IncomingMessage, ServerResponse } from "node:http";
import { controlPage } from "./control-page.ts";
import { type Fault, type ProviderName, providerNames } from "./fault.ts";
import type { Movement } from "./ledger.ts";
import type { Listener } from "./listener.ts";
import type { Sandbox } from "./sandbox-handle.ts";
import type { WebhookEndpoint, WebhookMood } from "./webhook-settings.ts";

const MAX_BODY_BYTES = 64 * 1024;

interface Reply {
  readonly status: number;
  readonly body: unknown;
}

/** The switchboard of the sandbox, for curl. */
export function openControl(sandbox: Sandbox, listener: Listener, port: number): Promise<void> {
  const handle = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const { status, body } = await reply(sandbox, req);
    const text = typeof body === "string";
    res.writeHead(status, { "content-type": text ? "text/plain; charset=utf-8" : "application/json" });
    res.end(text ? body : `${JSON.stringify(body, integers, 2)}\n`);
  };
  return listener.open((req, res) => void handle(req, res).catch(() => res.destroy()), port);
}

async function reply(sandbox: Sandbox, req: IncomingMessage): Promise<Reply> {
  const url = new URL(`http://sandbox${req.url ?? "/"}`);
  const [, first = "", second, more] = url.pathname.split("/");
  const provider = providerNames.find((name) => name === first);
  if (more === undefined && provider && second) return providerReply(sandbox, provider, `${req.method} ${second}`, req);
  switch (`${req.method} ${url.pathname}`) {
    case "GET /":
      return { status: 200, body: controlPage(sandbox) };
    case "GET /ledger":
      return { status: 200, body: ledgerReport(sandbox.ledger(), url.searchParams.get("charge")) };
    case "GET /requests":
      return { status: 200, body: { requests: sandbox.requests() } };
    case "GET /faults":
      return { status: 200, body: Object.fromEntries(providerNames.map((name) => [name, sandbox.faults(name)])) };
    case "GET /webhooks":
      return { status: 200, body: Object.fromEntries(providerNames.map((name) => [name, webhooksOf(sandbox, name)])) };
    case "POST /reset":
      sandbox.reset();
      await sandbox.listening();
      return { status: 200, body: { reset: true } };
    default:
      return { status: 404, body: { error: `no such address: ${req.method} ${url.pathname}; GET / tells what there is` } };
  }
}

async function providerReply(sandbox: Sandbox, provider: ProviderName, address: string, req: IncomingMessage): Promise<Reply> {
  const body = address.startsWith("PUT ") ? parsed(await readBody(req)) : undefined;
  if (body === NOT_JSON) return { status: 400, body: { error: "the body is not JSON" } };
  const change = changes[address];
  if (!change) return { status: 404, body: { error: `use ${Object.keys(changes).join(", ")}` } };
  try {
    const shown = change(sandbox, provider, body);
    await sandbox.listening();
    return { status: 200, body: { [provider]: shown } };
  } catch (error) {
    if (error instanceof RangeError) return { status: 400, body: { error: error.message } };
    throw error;
  }
}

type Change = (sandbox: Sandbox, provider: ProviderName, body: unknown) => unknown;

/** What can be done to one processor, and what is shown of it afterwards. The handle checks the bodies. */
const changes: Readonly<Record<string, Change>> = {
  "PUT faults": (sandbox, provider, body) => {
    sandbox.setFault(provider, body as Fault);
    return sandbox.faults(provider);
  },
  "DELETE faults": up,
  "POST down": (sandbox, provider) => {
    sandbox.setFault(provider, { kind: "refuse" });
    return sandbox.faults(provider);
  },
  "POST up": up,
  "PUT webhooks": (sandbox, provider, body) => {
    sandbox.setWebhookEndpoint(provider, body as WebhookEndpoint);
    return webhooksOf(sandbox, provider);
  },
  "DELETE webhooks": (sandbox, provider) => {
    sandbox.clearWebhookEndpoints(provider);
    return webhooksOf(sandbox, provider);
  },
  "PUT mood": (sandbox, provider, body) => {
    sandbox.setWebhookMood(provider, body as WebhookMood);
    return webhooksOf(sandbox, provider);
  },
  "PUT renew": (sandbox, provider, body) => {
    const { token, account } = (body ?? {}) as { token?: unknown; account?: unknown };
    if (typeof token !== "string" || (account !== undefined && typeof account !== "string")) {
      throw new RangeError('use {"token": "pm_...", "account": "acct_..."}; the account may be left out');
    }
    sandbox.renewInstrument(provider, token, account);
    return { renewed: token };
  },
  "POST lapse": (sandbox, provider) => {
    sandbox.lapseHolds(provider);
    return { lapsed: true };
  },
};

function up(sandbox: Sandbox, provider: ProviderName): unknown {
  sandbox.clearFaults(provider);
  return sandbox.faults(provider);
}

const SHOWN_DELIVERIES = 100;

/** Without the secrets. */
function webhooksOf(sandbox: Sandbox, provider: ProviderName): unknown {
  return {
    endpoints: sandbox.webhookEndpoints(provider).map(({ secret: _, ...endpoint }) => endpoint),
    mood: sandbox.webhookMood(provider),
    deliveries: sandbox.webhookDeliveries(provider).slice(-SHOWN_DELIVERIES),
  };
}

const NOT_JSON = Symbol("not JSON");

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return NOT_JSON;
  }
}

async function readBody(req: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of req as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) throw new Error("body too large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** Movements and, per processor and currency, their sums. `net` is what customers paid: captures less refunds. */
export function ledgerReport(ledger: readonly Movement[], charge: string | null): Record<string, unknown> {
  const movements = charge === null ? ledger : ledger.filter((movement) => movement.chargeId === charge);
  const totals: Record<string, Record<string, Record<string, bigint>>> = {};
  for (const { provider, currency, type, amount } of movements) {
    totals[provider] ??= {};
    totals[provider][currency] ??= { authorize: 0n, capture: 0n, refund: 0n, void: 0n, net: 0n };
    const sums = totals[provider][currency];
    sums[type]! += amount;
    if (type === "capture") sums.net! += amount;
    if (type === "refund") sums.net! -= amount;
  }
  return { totals, movements };
}

/** Amounts are far below 2^53: plain JSON integers. */
function integers(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? Number(value) : value;
}
