import { resolve } from "node:path";
import { type Config, parseConfig } from "../../../config.ts";
import { localPostgresUrl } from "../../../local/postgres.ts";
import { localRedisUrl } from "../../../local/redis.ts";
import { sandboxUrls, simulatedProviders } from "../../../local/simulated-providers.ts";
import type { Session } from "../session.ts";
import { type Check, fault, ok, skipped, warning } from "./check.ts";
import { examineDataDir } from "./data-dir.ts";
import { type Belongings, examineDatabase, examineReplica } from "./database.ts";
import { examineGateway } from "./gateway.ts";
import { examineProviders } from "./providers.ts";
import { examineRedis } from "./redis.ts";

/** Everything that keeps a gateway with these settings from working, and the gateway that runs. Reads only. */
export async function examine(session: Session, say: (what: string) => void): Promise<Check[]> {
  const parsed = parseConfig(session.surroundings.env);
  const checks: Check[] = [];
  say("settings");
  if (parsed.ok) {
    checks.push(ok("settings", "they are valid"));
    checks.push(...parsed.config.notes.map((note) => warning("settings.note", note, "docs/settings.md says what it means.")));
    checks.push(...(await examineParts(session, parsed.config, say)));
  } else {
    checks.push(
      ...parsed.faults.map((found) => fault("settings", found, "Correct it where the gateway gets its environment: docs/settings.md.")),
    );
    checks.push(skipped("parts", "database, Redis and processors were not looked at: the settings come first"));
  }
  say("the gateway");
  return [...checks, ...(await examineGateway(session))];
}

async function examineParts(session: Session, config: Config, say: (what: string) => void): Promise<Check[]> {
  const { clock, root } = session.surroundings;
  const dataDir = resolve(root, config.dataDir);
  const isLocal = config.databaseUrl === null;
  const checks = isLocal ? await examineDataDir(dataDir, session.surroundings) : [];
  say("the database");
  const url = config.databaseUrl ?? (await localPostgresUrl(dataDir));
  let belongings: Belongings | null = null;
  if (url === null) checks.push(skipped("database", `none was ever started in ${dataDir}: \`npm start\` makes one`));
  else {
    const found = await examineDatabase(url, config, clock);
    checks.push(...(isLocal ? found.checks.map(ofLocalStart) : found.checks));
    belongings = found.belongings;
  }
  if (config.databaseReplicaUrl !== null) checks.push(await examineReplica(config.databaseReplicaUrl, clock));
  say("Redis");
  const redisUrl = config.redisUrl ?? (isLocal ? await localRedisUrl(dataDir) : null);
  checks.push(...(await examineRedis(redisUrl, config.redisUrl === null ? "DATA_DIR" : "REDIS_URL")));
  say("the processors");
  const simulated = config.sandbox ? simulatedProviders(sandboxUrls(config.sandbox.port), config.providers) : [];
  return [...checks, ...(await examineProviders([...config.providers, ...simulated], belongings, clock))];
}

/** The embedded database runs while a gateway does. */
function ofLocalStart(check: Check): Check {
  if (check.id !== "database" || check.state !== "fault") return check;
  return { ...check, mend: "It runs while a local gateway does: `npm start`. What it says about itself is in DATA_DIR/postgres.log." };
}
