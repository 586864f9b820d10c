import { type Gateway, startGateway } from "../../../gateway/app.ts";
import { parseConfig } from "../../../gateway/config.ts";
import { simulatedProviders } from "../../../gateway/local/simulated-providers.ts";
import { createLogger } from "../../../gateway/log.ts";
import { createProviders } from "../../../gateway/registry.ts";
import { systemClock } from "../../../providers/contract/clock.ts";
import { type Sandbox, startSandbox } from "../../../providers/sandbox/sandbox.ts";
import { createTestDatabase } from "../../support/database.ts";

/** One whole gateway with its simulated processors, and somebody who signed in. */
export interface ConsoleGateway {
  readonly url: string;
  readonly databaseUrl: string;
  readonly sandbox: Sandbox;
  readonly gateway: Gateway;
  close(): Promise<void>;
}

const KEYS = { billing: "sy_test_billing", finance: "sy_test_finance", ops: "sy_test_ops" };

export async function startConsoleGateway(): Promise<ConsoleGateway> {
  const [database, sandbox] = await Promise.all([createTestDatabase(), startSandbox()]);
  const parsed = parseConfig({ PORT: "0", SANDBOX: "on" });
  if (!parsed.ok) throw new Error(parsed.faults.join("; "));
  const { controlUrl, stripeUrl, paypalUrl } = sandbox;
  const simulated = simulatedProviders({ stripeUrl, paypalUrl, paypalWebhookCa: "" }, []);
  const gateway = await startGateway({
    config: { ...parsed.config, providers: simulated },
    databaseUrl: database.url,
    replicaUrl: null,
    redisUrl: null,
    providers: createProviders(simulated, systemClock),
    sandbox: { controlUrl, processors: new Map(simulated.map(({ id, adapter }) => [id, adapter])) },
    readyMadeKeys: KEYS,
    clock: systemClock,
    random: Math.random,
    log: createLogger({ level: "silent" }),
    version: "test",
  });
  return {
    url: `http://127.0.0.1:${gateway.port}`,
    databaseUrl: database.url,
    sandbox,
    gateway,
    async close() {
      await gateway.stop();
      await sandbox.close();
      await database.drop();
    },
  };
}

// biome-ignore lint/suspicious/noExplicitAny: an answer's JSON is what the test says it is
type Json = any;

export interface Visitor {
  readonly cookie: string;
  readonly csrf: string;
  ask(method: string, path: string, body?: object): Promise<{ status: number; body: Json }>;
}

export async function signIn(url: string, role: keyof typeof KEYS): Promise<Visitor> {
  const answer = await fetch(`${url}/console/session`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ key: KEYS[role] }),
  });
  const { csrf } = (await answer.json()) as { csrf: string };
  const cookie = (answer.headers.get("set-cookie") ?? "").split(";")[0] as string;
  return {
    cookie,
    csrf,
    async ask(method, path, body) {
      const headers = { Cookie: cookie, "X-CSRF-Token": csrf, ...(body ? { "Content-Type": "application/json" } : {}) };
      const got = await fetch(`${url}${path}`, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) });
      const text = await got.text();
      return { status: got.status, body: text === "" ? {} : JSON.parse(text) };
    },
  };
}

export interface Stream {
  readonly status: number;
  /** Waits for an event that concerns `topic`. */
  next(topic: string): Promise<void>;
  /** What came so far. */
  readonly events: readonly { readonly event: string; readonly data: { topics?: string[]; seq?: number } }[];
  /** Resolves when the server ended it. */
  readonly ended: Promise<void>;
  close(): void;
}

export async function openStream(url: string, cookie: string): Promise<Stream> {
  const abort = new AbortController();
  const answer = await fetch(`${url}/console/stream`, { headers: { Cookie: cookie }, signal: abort.signal });
  const events: Stream["events"][number][] = [];
  const waiting = new Set<() => void>();
  const read = async (): Promise<void> => {
    let text = "";
    for await (const part of answer.body!.pipeThrough(new TextDecoderStream())) {
      text += part;
      for (let end = text.indexOf("\n\n"); end !== -1; end = text.indexOf("\n\n")) {
        const fields = new Map(
          text
            .slice(0, end)
            .split("\n")
            .map((line) => line.split(/: (.*)/s) as [string, string]),
        );
        text = text.slice(end + 2);
        if (fields.has("event")) {
          events.push({ event: fields.get("event") as string, data: JSON.parse(fields.get("data") ?? "{}") });
        }
        for (const wake of waiting) wake();
      }
    }
  };
  const ended = answer.status === 200 ? read().catch(() => {}) : Promise.resolve();
  let from = 0;
  return {
    status: answer.status,
    events,
    ended,
    async next(topic) {
      for (;;) {
        const at = events.findIndex(({ data }, n) => n >= from && data.topics?.includes(topic));
        if (at !== -1) {
          from = at + 1;
          return;
        }
        await new Promise<void>((resolve) => {
          const wake = (): void => {
            waiting.delete(wake);
            resolve();
          };
          waiting.add(wake);
        });
      }
    },
    close: () => abort.abort(),
  };
}
