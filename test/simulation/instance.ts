import { createChargeService } from "../../gateway/charges/charge-service.ts";
import type { Core, CoreLog } from "../../gateway/charges/core.ts";
import type { ChargeService } from "../../gateway/charges/service.ts";
import { ClockGuard } from "../../gateway/clock-guard.ts";
import { assembleCore } from "../../gateway/core-parts.ts";
import { createFleet } from "../../gateway/health/fleet.ts";
import { OverrideWatcher } from "../../gateway/health/overrides.ts";
import { keyClaims } from "../../gateway/idempotency/key-claims.ts";
import { Identities } from "../../gateway/identities.ts";
import { createWorker, type Worker } from "../../gateway/queue/worker.ts";
import type { Provider } from "../../providers/contract/provider.ts";
import type { SimulatedDocuments } from "./documents.ts";
import type { Machine } from "./machine.ts";
import type { Bug } from "./plant.ts";
import type { Processor } from "./processor.ts";
import { SimulatedProvider } from "./provider.ts";
import type { SimulatedRedis } from "./redis.ts";
import { connect, type Server } from "./sql.ts";
import type { Wire } from "./wire.ts";
import type { World } from "./world.ts";

/** The product's own gateway on one simulated machine: everything above the seams is what runs in production. */
export interface Instance {
  readonly machine: Machine;
  readonly charges: ChargeService;
  readonly worker: Worker;
  readonly overrides: OverrideWatcher;
  readonly clockGuard: ClockGuard;
}

export interface Surroundings {
  readonly world: World;
  readonly server: Server;
  readonly wire: Wire;
  readonly redis: SimulatedRedis;
  readonly documents: SimulatedDocuments;
  readonly processors: ReadonlyMap<string, Processor>;
  readonly bug: Bug | null;
}

const SETTINGS = { livemode: false, providerTimeoutMs: 10_000, chargeBudgetMs: 25_000 };

/**
 * As gateway/app.ts puts it together, without HTTP. What polls there is called here when there is something to see.
 * `without`: its settings do not name this provider.
 */
export async function startInstance(around: Surroundings, machine: Machine, boot: number, without: string | null): Promise<Instance> {
  const { world, server, wire, redis, documents, processors, bug } = around;
  const { clock } = machine;
  const random = world.dice(`instance ${machine.name}`).random;
  const log = logOf(world, machine);
  const db = connect(server, machine, bug?.sql ?? ((statement) => statement));
  const planted = bug?.provider ?? ((provider: Provider) => provider);
  const keySuffix = bug?.keysPerBoot ? `.${boot}` : "";
  const configured = [...processors.values()].filter(({ psp }) => psp !== without);
  const providers = configured.map((processor) => planted(new SimulatedProvider({ processor, wire, machine, keySuffix })));

  const clockGuard = new ClockGuard(db, clock);
  await clockGuard.check();
  const overrides = new OverrideWatcher({ db, clock, onError: () => {} });
  await overrides.refresh();
  const fleet = createFleet({
    providers,
    clock,
    random,
    overrides,
    instance: `${machine.name}.${boot}`,
    documents: documents.client(machine),
    onBug: (error) => log.error({ err: error }, "bug"),
  });
  machine.onDeath(() => fleet.close());
  fleet.onChange((change) => world.tell(machine.name, `gate of ${change.provider}: ${change.from} -> ${change.to} (${change.reason})`));
  const identities = new Identities({ db, clock, fleet, providers, livemode: false, log });
  await identities.start();
  if (bug?.onBoot) await db.query(bug.onBoot);

  const real = assembleCore({
    db,
    clock,
    random,
    providers,
    accountOf: (id) => identities.accountOf(id),
    fleet,
    maySend: () => clockGuard.ok(),
    settings: SETTINGS,
    log,
  });
  const core: Core = bug?.core ? bug.core(real) : real;
  const claims = keyClaims({ redis: redis.client(machine), installationId: "simulation", ttlMs: SETTINGS.chargeBudgetMs, clock });
  const charges = createChargeService(core, claims, { accepting: () => true, countCharge: () => {} });
  const worker = createWorker(core, { liveRatePerS: () => 0.1 });
  return { machine, charges, worker, overrides, clockGuard };
}

function logOf(world: World, machine: Machine): CoreLog {
  const note = (level: string) => (fields: object, message: string) => {
    const error = (fields as { err?: unknown }).err;
    const ids = Object.values(fields).filter((value) => typeof value === "string");
    world.tell(machine.name, `${level}: ${message} ${ids.join(" ")}${error instanceof Error ? ` (${error.name}: ${error.message})` : ""}`);
    if (isDefect(error)) {
      world.violate("no bugs", `${message}: ${error.stack ?? error.message}`, ids as string[]);
    }
  };
  return { info: () => {}, warn: note("warn"), error: note("error") };
}

/** A defect of the program is none of the things that may go wrong here. */
export function isDefect(error: unknown): error is Error {
  return error instanceof TypeError || error instanceof ReferenceError || error instanceof RangeError;
}
