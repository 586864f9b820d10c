import { stepKey } from "../../providers/contract/provider.ts";
import type { Coverage } from "./coverage.ts";
import type { LateEvidence } from "./late-evidence.ts";
import type { Ledger, Movement } from "./ledger.ts";
import type { Processor } from "./processor.ts";
import type { World } from "./world.ts";

/** An attempt as it was committed. */
export interface Intent {
  readonly chargeId: string;
  readonly attemptId: string;
  readonly provider: string;
  readonly amount: string;
  /** It only authorizes. */
  readonly manual: boolean;
  readonly objects: Set<string>;
}

interface Parts {
  readonly world: World;
  readonly ledger: Ledger;
  readonly coverage: Coverage;
  readonly processors: ReadonlyMap<string, Processor>;
  readonly late: LateEvidence;
  readonly intents: ReadonlyMap<string, Intent>;
  /** The last status of each charge that the database committed. */
  readonly status: ReadonlyMap<string, string>;
}

/** Failover needs proof (law 3), and no charge is paid twice at any moment: by the books, and by what is on its way. */
export class Proof {
  readonly #parts: Parts;
  /** Commit steps that left and have not arrived, by object. */
  readonly #underWay = new Map<string, number>();
  readonly #authorizeFirst = new Set<string>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  authorizesFirst(chargeId: string): void {
    this.#authorizeFirst.add(chargeId);
  }

  departed(object: string): void {
    this.#underWay.set(object, (this.#underWay.get(object) ?? 0) + 1);
  }

  arrived(object: string): void {
    this.#underWay.set(object, (this.#underWay.get(object) ?? 0) - 1);
  }

  /** As the next attempt is committed, no earlier one has moved money, and none can any more. */
  provenUnpaid(chargeId: string): void {
    const { world, ledger, late, intents } = this.#parts;
    const earlier = [...intents.values()].filter((one) => one.chargeId === chargeId);
    for (const { attemptId } of earlier) {
      if (late.has(attemptId) && !late.isOrphan(attemptId))
        world.violate("law 8", `another attempt was begun although ${attemptId} is known to be paid late`, [chargeId]);
    }
    if (ledger.isBetrayed(chargeId)) return;
    for (const one of earlier) {
      const { captures, refunds } = ledger.ofAttempt(one.attemptId);
      if (captures > refunds) world.violate("law 3", `another attempt was begun although ${one.attemptId} is paid`, [chargeId]);
      // An authorization in doubt moves no money.
      if (one.manual && this.#authorizeFirst.has(chargeId)) continue;
      if (this.#isOnItsWay(one))
        world.violate("law 3", `another attempt was begun although a commit of ${one.attemptId} is on its way`, [chargeId]);
    }
  }

  captured({ chargeId, attemptId }: Movement): void {
    const { world, ledger, coverage, intents, status } = this.#parts;
    const held = ledger.heldByCharge(chargeId);
    const total = [...held.values()].reduce((sum, amount) => sum + amount, 0n);
    const intent = intents.get(attemptId);
    if (ledger.isBetrayed(chargeId)) coverage.count("betrayals");
    else if (held.size > 1 || (intent && total > BigInt(intent.amount)))
      world.violate("never twice", `${chargeId} is paid ${held.size} times, ${total} in all`, [chargeId]);
    if (["failed", "canceled"].includes(status.get(chargeId) ?? "")) coverage.count("late successes");
  }

  /** A commit that could pay it, and would not be answered from the key's memory. */
  #isOnItsWay({ attemptId, provider, objects }: Intent): boolean {
    const processor = this.#parts.processors.get(provider);
    if (!processor || processor.remembers(stepKey(attemptId, "commit"))) return false;
    return [...objects].some((object) => processor.couldPay(object) && (this.#underWay.get(object) ?? 0) > 0);
  }
}
