import type { ClockGuard } from "./clock-guard.ts";
import type { Fleet } from "./health/fleet.ts";
import type { Readiness } from "./http/system-routes.ts";
import type { RedisClient } from "./redis.ts";
import type { Database } from "./store/database.ts";
import { databaseNow } from "./store/installation.ts";

/** Ready means: a charge sent here is accepted durably. A missing provider defers charges and a missing Redis slows them: neither counts. */
export async function readinessOf(parts: {
  db: Database;
  fleet: Fleet;
  clockGuard: ClockGuard;
  redis: RedisClient | null;
  stopping: () => boolean;
}): Promise<Readiness> {
  const database = await databaseNow(parts.db).then(
    () => null,
    (error: Error) => error.message,
  );
  const clockOk = parts.clockGuard.ok();
  const checks = [
    { name: "database", ok: database === null, detail: database },
    { name: "clock", ok: clockOk, detail: clockOk ? null : `${parts.clockGuard.skewMs} ms off the database's clock` },
    { name: "running", ok: !parts.stopping(), detail: parts.stopping() ? "this instance is being stopped" : null },
  ];
  const ready = checks.every(({ ok }) => ok);
  const redis = parts.redis === null ? "none" : parts.redis.status;
  const available = parts.fleet.available();
  return {
    ready,
    checks: [
      ...checks,
      { name: "redis", ok: true, detail: redis },
      { name: "providers", ok: true, detail: available.length > 0 ? available.join(", ") : "none: charges are deferred" },
    ],
  };
}
