import type { Statement } from "../../gateway/store/database.ts";
import type { Machine } from "./machine.ts";
import type { World } from "./world.ts";

interface Lease {
  readonly machine: Machine;
  no: number;
  /** True wall time; 0: given back. */
  until: number;
}

interface Claimed {
  readonly id: string;
  readonly lease_no: number;
  readonly kind?: string;
  readonly attempt_id?: string;
  readonly provider_key?: string;
}

/** Who may send for a charge (or for an operation), by what the database committed. */
export class Leases {
  readonly #world: World;
  readonly #leases = new Map<string, Lease>();
  /** The operation that sends money back under a key; or that releases what an attempt holds. */
  readonly #operations = new Map<string, string>();

  constructor(world: World) {
    this.#world = world;
  }

  accepted(machine: Machine, id: string, until: string | null): void {
    this.#leases.set(id, { machine, no: 1, until: timeOf(until) });
  }

  /** By the claim's own now: two machines' clocks may differ, and the margin between a lease's end and the last send is for that. */
  claimed(machine: Machine, { name, values }: Statement, rows: readonly object[]): void {
    const [now, until] = values as readonly Date[];
    for (const { id, lease_no, kind, attempt_id, provider_key } of rows as readonly Claimed[]) {
      const held = this.#leases.get(id);
      if (held && held.until > now!.getTime())
        this.#violate(`${machine.name} ${name} takes ${id}, which ${held.machine.name} holds under ${held.no}`, id);
      this.#leases.set(id, { machine, no: lease_no, until: until!.getTime() });
      if (provider_key !== undefined) this.#operations.set(provider_key, id);
      if (kind === "compensate" && attempt_id !== undefined) this.#operations.set(attempt_id, id);
    }
  }

  released(id: string, no: number): void {
    const held = this.#leases.get(id);
    if (held?.no === no) held.until = 0;
  }

  /** Late evidence takes the holder's number; the end stays, for what is under way. */
  outdated(id: string): void {
    const held = this.#leases.get(id);
    if (held) held.no += 1;
  }

  written(id: string, until: string | null): void {
    const held = this.#leases.get(id);
    if (held) held.until = timeOf(until);
  }

  sent(machine: Machine, operation: string, chargeId: string): void {
    this.#sent(machine, operation, chargeId);
  }

  /** Whether this machine has claimed the operation that releases what this attempt holds. */
  releases(machine: Machine, attemptId: string): boolean {
    const held = this.#leases.get(this.#operations.get(attemptId) ?? "");
    return held?.machine === machine && held.until > this.#world.wall;
  }

  /** A refund's intent is its first lease too. */
  opened(machine: Machine, rows: readonly object[]): void {
    for (const { id, lease_no, provider_key, lease_until } of rows as readonly (Claimed & { readonly lease_until: Date })[]) {
      this.#leases.set(id, { machine, no: lease_no, until: lease_until.getTime() });
      this.#operations.set(provider_key as string, id);
    }
  }

  sentBack(machine: Machine, key: string): void {
    const id = this.#operations.get(key);
    if (id !== undefined) this.#sent(machine, "refund", id);
  }

  #sent(machine: Machine, operation: string, id: string): void {
    const held = this.#leases.get(id);
    if (!held) return;
    if (held.machine !== machine)
      this.#violate(`${machine.name} sent a ${operation} for ${id}, which ${held.machine.name} claimed last`, id);
    else if (held.until <= this.#world.wall) this.#violate(`${machine.name} sent a ${operation} for ${id} after its lease`, id);
  }

  #violate(detail: string, id: string): void {
    this.#world.violate("lease", detail, [id]);
  }
}

function timeOf(until: string | null): number {
  return until === null ? 0 : Date.parse(until);
}
