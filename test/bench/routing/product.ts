import type { Ran, Ticket } from "../../../gateway/health/circuit.ts";
import { createFleet, type Fleet } from "../../../gateway/health/fleet.ts";
import type { SharedDocuments } from "../../../gateway/health/shared-documents.ts";
import type { Currency } from "../../../providers/contract/money.ts";
import type { Segment } from "../../../routing/approval.ts";
import { MemoryStore } from "../../support/memory-documents.ts";
import { type Answer, type Charge, type Gates, type NamedPolicy, NOBODY, type Policy, type PolicyWorld } from "./policy.ts";
import { INSTANCES, SEGMENT_SHARES } from "./world.ts";

const COUNTRIES = ["US", "BR", "DE", "IN", "GB"];
export const SEGMENTS: readonly Segment[] = SEGMENT_SHARES.map((_, i) => ({
  country: COUNTRIES[i]!,
  type: "card",
  currency: "usd",
  brand: "visa",
}));
const CAPABILITIES = { fence: true, prepareKeyAgeMs: 1, commitKeyAgeMs: 1, operationKeyAgeMs: 1, holdMs: 1, currencies: null };
/** To the store, one way. Redis in the same region answers in less than twice that. */
const STORE_LATENCY_MS = 1;
/** Instances are not started in the same moment. */
const START_WITHIN_MS = 1_000;

/** The product itself: its fleet, with gates, opossum and choice, on the run's clock. */
export const switchyard: NamedPolicy = {
  name: "Switchyard",
  make: (world) => new FleetPolicy(world, { configured: inOrder(world), instances: 1, shared: false }),
};

/** The same, configured in an order that says nothing: what its prior is worth when the operator does not know. */
export const switchyardShuffled: NamedPolicy = {
  name: "Switchyard, order shuffled",
  make: (world) => new FleetPolicy(world, { configured: shuffled(world), instances: 1, shared: false }),
};

/** Several instances: each sees only its own charges, and what the others tell through the store. */
export const switchyardShared: NamedPolicy = {
  name: `${INSTANCES} instances with a store`,
  background: true,
  make: (world) => new FleetPolicy(world, { configured: inOrder(world), instances: INSTANCES, shared: true }),
};

/** Each sees only its own charges, and nothing else. */
export const switchyardLocal: NamedPolicy = {
  name: `${INSTANCES} instances without a store`,
  make: (world) => new FleetPolicy(world, { configured: inOrder(world), instances: INSTANCES, shared: false }),
};

interface Sent {
  readonly fleet: Fleet;
  readonly ticket: Ticket;
  readonly ran: Promise<Ran<{ kind: Answer }>>;
  end(result: { kind: Answer }): void;
}

class FleetPolicy implements Policy {
  readonly #fleets: readonly Fleet[];
  readonly #query;
  readonly #sent = new Map<number, Sent>();
  /** By provider, generation and, where it is one instance's alone, instance. */
  readonly #opened = { fleet: new Set<string>(), alone: new Set<string>() };
  readonly #closedAt: number[] = [];

  constructor(
    world: PolicyWorld,
    { configured, instances, shared }: { configured: readonly number[]; instances: number; shared: boolean },
  ) {
    const { clock, random } = world;
    const clients = shared ? clientsOf(world, instances) : [];
    this.#fleets = Array.from({ length: instances }, (_, i) => this.#newFleet(world, configured, i, clients[i] ?? null));
    for (const [i, fleet] of this.#fleets.entries()) {
      for (const provider of configured) fleet.markVerified(String(provider));
      if (i === 0) fleet.start();
      else clock.after(START_WITHIN_MS * random(), () => fleet.start());
    }
    this.#query = { providers: configured.map(String), excluded: [], money: { amount: 4200n, currency: "usd" as Currency } };
  }

  choose({ number, segment, instance }: Charge): number {
    const fleet = this.#fleets[instance % this.#fleets.length]!;
    const { order } = fleet.choose({ ...this.#query, segment: SEGMENTS[segment]! });
    const [first] = order;
    if (first === undefined) return NOBODY;
    const ticket = fleet.circuit(first).admit();
    if (!ticket.admitted) throw new Error(`chosen and refused: ${ticket.reason}`);
    const { promise, resolve } = Promise.withResolvers<{ kind: Answer }>();
    this.#sent.set(number, { fleet, ticket, ran: ticket.run(() => promise, isFault), end: resolve });
    return Number(first);
  }

  async answered({ number, segment }: Charge, provider: number, answer: Answer): Promise<void> {
    const { fleet, ticket, ran, end } = this.#sent.get(number)!;
    this.#sent.delete(number);
    end({ kind: answer });
    await ran;
    ticket.release();
    if (answer !== "fault") fleet.recordApproval(String(provider), SEGMENTS[segment]!, answer === "approved");
  }

  gates(): Gates {
    return { openings: this.#opened.fleet.size, openingsAlone: this.#opened.alone.size, closedAt: this.#closedAt };
  }

  close(): void {
    for (const fleet of this.#fleets) fleet.close();
  }

  #newFleet({ clock, random }: PolicyWorld, configured: readonly number[], i: number, documents: SharedDocuments | null): Fleet {
    const fleet = createFleet({
      providers: configured.map((provider) => ({ id: String(provider), capabilities: CAPABILITIES })),
      clock,
      random,
      overrides: { current: () => new Map(), modeOf: () => null },
      instance: `bench-${i}`,
      documents,
      onBug: (bug) => {
        throw bug;
      },
    });
    fleet.onChange(({ provider, from, to, generation, alone }) => {
      if (to === "closed" && provider === "0") this.#closedAt.push(clock.monotonic());
      if (from !== "closed" || to !== "open") return;
      const opening = `${provider} ${generation}`;
      const forAll = documents === null ? this.#fleets.length === 1 : !alone;
      if (forAll) this.#opened.fleet.add(opening);
      else this.#opened.alone.add(`${opening} ${i}`);
    });
    return fleet;
  }
}

/** Of one store, with what the world has in mind for it. */
function clientsOf({ clock, store: { away, emptiedAt } }: PolicyWorld, count: number): SharedDocuments[] {
  const store = new MemoryStore(clock, STORE_LATENCY_MS);
  const clients = Array.from({ length: count }, () => store.client());
  if (away) {
    clock.after(away.from, () => store.cutOff(...clients));
    clock.after(away.to, () => store.reconnect(...clients));
  }
  if (emptiedAt !== null) clock.after(emptiedAt, () => store.empty());
  return clients;
}

function isFault({ kind }: { kind: Answer }): boolean {
  return kind === "fault";
}

function inOrder({ providers }: PolicyWorld): number[] {
  return Array.from({ length: providers }, (_, i) => i);
}

/** Fisher and Yates. */
function shuffled(world: PolicyWorld): number[] {
  const order = inOrder(world);
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(world.random() * (i + 1));
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}
