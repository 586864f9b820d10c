import type { IncomingMessage, ServerResponse } from "node:http";
import { controlPage } from "./control-page.ts";
import { type Fault, type ProviderName, parseFault, providerNames } from "./fault.ts";
import type { Movement } from "./ledger.ts";
import type { Listener } from "./listener.ts";
import type { Sandbox } from "./sandbox-handle.ts";

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
    case "POST /reset":
      sandbox.reset();
      await sandbox.listening();
      return { status: 200, body: { reset: true } };
    default:
      return { status: 404, body: { error: `no such address: ${req.method} ${url.pathname}; GET / tells what there is` } };
  }
}

async function providerReply(sandbox: Sandbox, provider: ProviderName, address: string, req: IncomingMessage): Promise<Reply> {
  switch (address) {
    case "PUT faults": {
      const fault = parseBody(await readBody(req));
      if (typeof fault === "string") return { status: 400, body: { error: fault } };
      return added(sandbox, provider, fault);
    }
    case "POST down":
      return added(sandbox, provider, { kind: "refuse" });
    case "DELETE faults":
    case "POST up":
      sandbox.clearFaults(provider);
      await sandbox.listening();
      break;
    default:
      return { status: 404, body: { error: "use PUT or DELETE faults, POST down, POST up" } };
  }
  return { status: 200, body: { [provider]: sandbox.faults(provider) } };
}

function added(sandbox: Sandbox, provider: ProviderName, fault: Fault): Reply {
  try {
    sandbox.setFault(provider, fault);
  } catch (error) {
    if (error instanceof RangeError) return { status: 400, body: { error: error.message } };
    throw error;
  }
  return { status: 200, body: { [provider]: sandbox.faults(provider) } };
}

function parseBody(text: string): Fault | string {
  try {
    return parseFault(JSON.parse(text));
  } catch {
    return "the body is not JSON";
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
