import { createFleet, type Fleet } from "../../../gateway/health/fleet.ts";
import type { ProviderChange } from "../../../gateway/health/provider-change.ts";
import type { SharedDocuments } from "../../../gateway/health/shared-documents.ts";
import type { RoutingRules } from "../../../routing/rules.ts";
import { ManualClock, seeded } from "../../support/manual-clock.ts";
import { MemoryStore } from "../../support/memory-documents.ts";
import { isFault, QUERY, type Result } from "./small-fleet.ts";

export interface Instance {
  readonly name: string;
  readonly fleet: Fleet;
  readonly documents: SharedDocuments;
  readonly changes: ProviderChange[];
  readonly records: ProviderChange[];
}

const CAPABILITIES = { fence: true, prepareKeyAgeMs: 1, commitKeyAgeMs: 1, operationKeyAgeMs: 1, holdMs: 1, currencies: null };

/** Instances of one installation, with providers `a` and `b`, on one clock and one store. */
export class SeveralFleets {
  readonly clock = new ManualClock();
  readonly store = new MemoryStore(this.clock);
  readonly bugs: unknown[] = [];
  readonly instances: Instance[] = [];

  constructor(count: number) {
    for (let i = 0; i < count; i++) this.add();
  }

  add(rules: RoutingRules = {}): Instance {
    const name = `gw-${this.instances.length + 1}`;
    const documents = this.store.client();
    const fleet = createFleet({
      providers: [
        { id: "a", capabilities: CAPABILITIES },
        { id: "b", capabilities: CAPABILITIES },
      ],
      clock: this.clock,
      random: seeded(this.instances.length + 1),
      overrides: { current: () => new Map(), modeOf: () => null },
      instance: name,
      documents,
      rules: () => ({ version: 0, rules }),
      onBug: (bug) => this.bugs.push(bug),
    });
    const changes: ProviderChange[] = [];
    fleet.onChange((change) => changes.push(change));
    const records: ProviderChange[] = [];
    fleet.onRecord((change) => records.push(change));
    for (const id of ["a", "b"]) fleet.markVerified(id);
    fleet.start();
    const instance = { name, fleet, documents, changes, records };
    this.instances.push(instance);
    return instance;
  }

  /** Time in small steps, so that exchanges which are promises go on in between. */
  async pass(ms: number): Promise<void> {
    const end = this.clock.monotonic() + ms;
    while (this.clock.monotonic() < end) {
      this.clock.pass(Math.min(1, end - this.clock.monotonic()));
      for (let i = 0; i < 12; i++) await Promise.resolve();
    }
  }

  async attempt({ fleet }: Instance, provider: string, result: Result): Promise<void> {
    const ticket = fleet.circuit(provider).admit();
    if (!ticket.admitted) throw new Error(ticket.reason);
    await ticket.run(async () => result, isFault);
    ticket.release();
  }

  circuit({ fleet }: Instance, provider = "a") {
    return fleet.status().find((status) => status.provider === provider)!.circuit;
  }

  states(provider = "a"): string[] {
    return this.instances.map((instance) => this.circuit(instance, provider).state);
  }

  order({ fleet }: Instance): readonly string[] {
    return fleet.choose(QUERY).order;
  }
}
