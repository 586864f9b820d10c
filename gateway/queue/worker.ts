import type { Core } from "../charges/core.ts";
import { lookAtClosed } from "../charges/late.ts";
import { leaseEnd } from "../charges/lease.ts";
import { takeOperationTurn } from "../charges/operation-turn.ts";
import { takeTurn } from "../charges/turn.ts";
import { type Claim, claimDeferred, claimDue, claimExpired, type Usable } from "../store/claim-charges.ts";
import { takeAttemptsToLookAt } from "../store/closed-attempts.ts";
import { DatabaseAmbiguous, DatabaseUnavailable } from "../store/database.ts";
import { claimOperations } from "../store/operations.ts";
import { type DrainTally, drainGrant } from "./drain.ts";

/** Turns at once per worker: each is mostly waiting for a provider. */
const MAX_TURNS = 32;
/** Of these, how many a backlog may use: live traffic, doubts and crashes go ahead. */
const MAX_DRAINING = 16;
/** An idle worker looks for due charges this often; also how late a due charge is at most. */
const IDLE_MS = 500;
/** After a pass that found something, the next comes at once, but not so fast as to hammer the database. */
const BUSY_MS = 50;
/** After the database failed. */
const TROUBLE_MS = 1_000;

export interface Worker {
  /** One pass: claims what is due and begins its turns; how many it began. The loop calls it, and so may a simulator. */
  pass(): Promise<number>;
  start(): void;
  /** Claims nothing more and waits for the turns under way. */
  stop(): Promise<void>;
  /** Resolves when no turn is under way. */
  idle(): Promise<void>;
}

/** Due work on charges, claimed from the charges themselves: any number of workers on any number of nodes. */
export function createWorker(core: Core, options: { liveRatePerS: () => number }): Worker {
  const turns = new Set<Promise<void>>();
  const tally: DrainTally = { calls: 0, faults: 0 };
  const stopping = new AbortController();
  let draining = 0;
  let loop: Promise<void> = Promise.resolve();

  const at = () => ({ now: new Date(core.clock.now()), leaseUntil: leaseEnd(core.clock, core.settings) });
  const free = () => MAX_TURNS - turns.size;

  function begin(what: object, turn: () => Promise<unknown>): void {
    const running: Promise<void> = turn()
      .then(
        () => {},
        (error: unknown) => core.log.error({ ...what, err: error }, "a turn failed; its lease ends by itself"),
      )
      .finally(() => turns.delete(running));
    turns.add(running);
  }

  function beginAll(claims: readonly Claim[], leaseUntil: Date): number {
    for (const claim of claims) begin({ charge: claim.id }, () => takeTurn(core, claim, leaseUntil));
    return claims.length;
  }

  function usable(): Usable[] {
    return core.fleet.available().map((provider) => {
      const currencies = core.providers.get(provider)?.capabilities.currencies;
      return { provider, currencies: currencies ? [...currencies] : null };
    });
  }

  async function drain(): Promise<number> {
    const grant = Math.min(await drainGrant(core, tally, options.liveRatePerS()), MAX_DRAINING - draining, free());
    if (grant <= 0) return 0;
    const { now, leaseUntil } = at();
    const claims = await claimDeferred(core.db, { now, leaseUntil, limit: grant, usable: usable() });
    for (const claim of claims) {
      draining += 1;
      begin({ charge: claim.id }, async () => {
        try {
          const result = await takeTurn(core, claim, leaseUntil);
          if (result?.asked) tally.calls += 1;
          if (result?.fault) tally.faults += 1;
        } finally {
          draining -= 1;
        }
      });
    }
    return claims.length;
  }

  async function pass(): Promise<number> {
    if (!core.maySend() || free() <= 0) return 0;
    const { now, leaseUntil } = at();
    let begun = beginAll(await claimDue(core.db, { now, leaseUntil, limit: free() }), leaseUntil);
    if (free() > 0) begun += beginAll(await claimExpired(core.db, { now, leaseUntil, limit: free() }), leaseUntil);
    if (free() > 0) {
      const closed = await takeAttemptsToLookAt(core.db, { now, until: leaseUntil, limit: free() });
      for (const attempt of closed) begin({ attempt: attempt.id }, () => lookAtClosed(core, attempt));
      begun += closed.length;
    }
    if (free() > 0) {
      const operations = await claimOperations(core.db, { now, leaseUntil, limit: free() });
      for (const operation of operations) begin({ operation: operation.id }, () => takeOperationTurn(core, operation, leaseUntil));
      begun += operations.length;
    }
    // Doubts are resolved before anything is drained.
    if (free() > MAX_TURNS / 2 && draining < MAX_DRAINING) begun += await drain();
    return begun;
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      let waitMs = TROUBLE_MS;
      try {
        waitMs = (await pass()) > 0 ? BUSY_MS : IDLE_MS;
      } catch (error) {
        if (error instanceof DatabaseUnavailable || error instanceof DatabaseAmbiguous) {
          core.log.warn({ error: error.message }, "the worker waits for the database");
        } else core.log.error({ err: error }, "a worker's pass failed");
      }
      await core.clock.sleep(waitMs, stopping.signal);
    }
  }

  async function idle(): Promise<void> {
    while (turns.size > 0) await Promise.all(turns);
  }

  return {
    pass,
    idle,
    start() {
      loop = run();
    },
    async stop() {
      stopping.abort();
      await loop;
      await idle();
    },
  };
}
