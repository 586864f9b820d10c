import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Replica } from "../../routing/replica.ts";

interface Event {
  readonly at: number;
  readonly name: string;
}
type State = readonly string[];
const fold = (state: State, { name }: Event): State => [...state, name];
const newReplica = () => new Replica<State, Event>([], fold);

/** One document, by compare-and-set. */
class Store {
  version = 0;
  state: State = [];

  write({ expected, state }: { expected: number; state: State }): boolean {
    if (expected !== this.version) return false;
    this.version += 1;
    this.state = state;
    return true;
  }
}

describe("a replica", () => {
  it("counts its own events at once, and those of others on top of which they come when it hears of them", () => {
    const replica = newReplica();
    replica.add({ at: 1, name: "mine" });
    expect(replica.view).toEqual(["mine"]);
    replica.adopt(1, ["theirs"]);
    expect(replica.view).toEqual(["theirs", "mine"]);
    expect(replica.base).toEqual(["theirs"]);
    expect(replica.dirty).toBe(true);
  });

  it("keeps what happened while its offer was under way", () => {
    const replica = newReplica();
    replica.add({ at: 1, name: "first" });
    const offer = replica.offer();
    replica.add({ at: 2, name: "second" });
    replica.accepted(1, offer.state);
    expect(replica.view).toEqual(["first", "second"]);
    expect(replica.offer()).toEqual({ expected: 1, state: ["first", "second"] });
  });

  it("believes on what it will not tell any more", () => {
    const replica = newReplica();
    for (const at of [1, 2, 3]) replica.add({ at, name: String(at) });
    replica.settle(3);
    expect([replica.base, replica.view, replica.dirty]).toEqual([["1", "2"], ["1", "2", "3"], true]);
    replica.settle(Number.POSITIVE_INFINITY);
    expect([replica.view, replica.dirty]).toEqual([["1", "2", "3"], false]);
  });

  it("offers itself anew to a store that knows nothing of it", () => {
    const replica = newReplica();
    replica.add({ at: 1, name: "mine" });
    replica.accepted(7, replica.offer().state);
    replica.detach();
    expect(replica.offer()).toEqual({ expected: 0, state: ["mine"] });
  });
});

type Step =
  | { readonly kind: "add" | "offer" | "send" | "hear" | "read"; readonly who: number }
  /** The write is made, or not, and nobody hears of it; the same offer is sent again. */
  | { readonly kind: "lose"; readonly who: number; readonly made: boolean };

const WHO = 3;
const who = fc.nat(WHO - 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("add" as const), who }) },
  fc.record({ kind: fc.constantFrom("offer" as const, "send" as const, "hear" as const, "read" as const), who }),
  fc.record({ kind: fc.constant("lose" as const), who, made: fc.boolean() }),
);

/** One instance: its replica, and its exchange under way. */
class Peer {
  readonly replica = newReplica();
  offer: { expected: number; state: State } | null = null;
  /** What the store said; null: nothing yet. */
  answer: { made: boolean; version: number; state: State } | null = null;
  /** Written, and the answer was lost. */
  lost = false;

  send(store: Store): void {
    if (!this.offer || this.answer) return;
    const made = store.write(this.offer);
    this.answer = { made: made || this.#isPartOf(store), version: store.version, state: store.state };
  }

  hear(): void {
    if (!this.offer || !this.answer) return;
    const { made, version, state } = this.answer;
    if (made) this.replica.accepted(version, state);
    else this.replica.adopt(version, state);
    this.offer = null;
    this.answer = null;
    this.lost = false;
  }

  /** What the store's list of last writes tells in production: ours may lie below what others wrote on top. */
  #isPartOf({ state }: Store): boolean {
    return this.lost && this.offer!.state.every((name, i) => state[i] === name);
  }
}

it("loses no event and doubles none, however adding, offering, losing answers and reading interleave", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const store = new Store();
      const peers = Array.from({ length: WHO }, () => new Peer());
      const added: string[] = [];
      const take = (peer: Peer, { kind, ...rest }: Step): void => {
        switch (kind) {
          case "add": {
            const name = `${rest.who}.${added.length}`;
            added.push(name);
            peer.replica.add({ at: added.length, name });
            return;
          }
          case "offer":
            if (!peer.offer && peer.replica.dirty) peer.offer = peer.replica.offer();
            return;
          case "send":
            peer.send(store);
            return;
          case "hear":
            peer.hear();
            return;
          case "read":
            if (!peer.offer && peer.replica.version !== store.version) peer.replica.adopt(store.version, store.state);
            return;
          case "lose":
            if (!peer.offer || peer.answer || !("made" in rest) || !rest.made) return;
            peer.lost = store.write(peer.offer) || peer.lost;
        }
      };
      for (const one of steps) take(peers[one.who]!, one);
      // Everybody tells what is left, and reads.
      for (let round = 0; round < 3 * WHO; round++)
        for (const [who, peer] of peers.entries())
          for (const kind of ["send", "hear", "offer", "send", "hear"] as const) take(peer, { kind, who });
      for (const [who, peer] of peers.entries()) take(peer, { kind: "read", who });

      expect([...store.state].sort()).toEqual([...added].sort());
      for (const { replica } of peers) expect([replica.view, replica.base, replica.dirty]).toEqual([store.state, store.state, false]);
      // Each instance's own events keep their order.
      for (let who = 0; who < WHO; who++) {
        const own = (names: readonly string[]) => names.filter((name) => name.startsWith(`${who}.`));
        expect(own(store.state)).toEqual(own(added));
      }
    }),
    { numRuns: 500 },
  );
});
