import type { Ran, Ticket } from "../../../gateway/health/circuit.ts";
import { createFleet } from "../../../gateway/health/fleet.ts";
import type { Currency } from "../../../providers/contract/money.ts";
import type { Segment } from "../../../routing/approval.ts";
import { type Answer, type NamedPolicy, NOBODY, type Policy, type PolicyWorld } from "./policy.ts";
import { SEGMENT_SHARES } from "./world.ts";

const COUNTRIES = ["US", "BR", "DE", "IN", "GB"];
export const SEGMENTS: readonly Segment[] = SEGMENT_SHARES.map((_, i) => ({
  country: COUNTRIES[i]!,
  type: "card",
  currency: "usd",
  brand: "visa",
}));
const CAPABILITIES = { fence: true, prepareKeyAgeMs: 1, commitKeyAgeMs: 1, operationKeyAgeMs: 1, currencies: null };

/** The product itself: its fleet, with gates, opossum and choice, on the run's clock. */
export const switchyard: NamedPolicy = {
  name: "Switchyard",
  make: (world) =>
    new FleetPolicy(
      world,
      Array.from({ length: world.providers }, (_, i) => i),
    ),
};

/** The same, configured in an order that says nothing: what its prior is worth when the operator does not know. */
export const switchyardShuffled: NamedPolicy = {
  name: "Switchyard, order shuffled",
  make: (world) => new FleetPolicy(world, shuffled(world)),
};

interface Sent {
  readonly ticket: Ticket;
  readonly ran: Promise<Ran<{ kind: Answer }>>;
  end(result: { kind: Answer }): void;
}

class FleetPolicy implements Policy {
  readonly #fleet;
  readonly #query;
  readonly #sent = new Map<number, Sent>();

  constructor({ clock, random }: PolicyWorld, configured: readonly number[]) {
    const providers = configured.map((provider) => ({ id: String(provider), capabilities: CAPABILITIES }));
    const overrides = { current: () => new Map(), modeOf: () => null };
    const onBug = (bug: unknown): void => {
      throw bug;
    };
    this.#fleet = createFleet({ providers, clock, random, overrides, instance: "bench", documents: null, onBug });
    for (const { id } of providers) this.#fleet.markVerified(id);
    this.#fleet.start();
    this.#query = { providers: providers.map(({ id }) => id), excluded: [], money: { amount: 4200n, currency: "usd" as Currency } };
  }

  choose({ number, segment }: { number: number; segment: number }): number {
    const { order } = this.#fleet.choose({ ...this.#query, segment: SEGMENTS[segment]! });
    const [first] = order;
    if (first === undefined) return NOBODY;
    const ticket = this.#fleet.circuit(first).admit();
    if (!ticket.admitted) throw new Error(`chosen and refused: ${ticket.reason}`);
    const { promise, resolve } = Promise.withResolvers<{ kind: Answer }>();
    this.#sent.set(number, { ticket, ran: ticket.run(() => promise, isFault), end: resolve });
    return Number(first);
  }

  async answered({ number, segment }: { number: number; segment: number }, provider: number, answer: Answer): Promise<void> {
    const { ticket, ran, end } = this.#sent.get(number)!;
    this.#sent.delete(number);
    end({ kind: answer });
    await ran;
    ticket.release();
    if (answer !== "fault") this.#fleet.recordApproval(String(provider), SEGMENTS[segment]!, answer === "approved");
  }

  close(): void {
    this.#fleet.close();
  }
}

function isFault({ kind }: { kind: Answer }): boolean {
  return kind === "fault";
}

/** Fisher and Yates. */
function shuffled({ providers, random }: PolicyWorld): number[] {
  const order = Array.from({ length: providers }, (_, i) => i);
  for (let i = providers - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}
