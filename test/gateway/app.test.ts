import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import pg from "pg";
import { expect, onTestFinished, test } from "vitest";
import { startGateway } from "../../gateway/app.ts";
import { parseConfig } from "../../gateway/config.ts";
import { createLogger } from "../../gateway/log.ts";
import { systemClock } from "../../providers/contract/clock.ts";
import { createTestDatabase } from "../support/database.ts";

test("a gateway whose port is taken leaves before it takes up any work", async () => {
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  onTestFinished(() => void other.close());
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  const parsed = parseConfig({ PORT: String((other.address() as AddressInfo).port), SANDBOX: "on", SANDBOX_PORT: "0" });
  if (!parsed.ok) throw new Error(parsed.faults.join("; "));
  const starting = startGateway({
    config: parsed.config,
    databaseUrl: database.url,
    replicaUrl: null,
    redisUrl: null,
    providers: [],
    sandbox: null,
    readyMadeKeys: {},
    clock: systemClock,
    random: Math.random,
    log: createLogger({ level: "silent" }),
    version: "test",
  });
  await expect(starting).rejects.toThrow("EADDRINUSE");
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  const { rows } = await client.query("select consumer from dispatch_cursors");
  const { rows: schemas } = await client.query("select 1 from pg_namespace where nspname = 'pgboss'");
  await client.end();
  expect({ consumers: rows, jobs: schemas.length }).toEqual({ consumers: [], jobs: 0 });
});
