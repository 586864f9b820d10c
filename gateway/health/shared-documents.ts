/**
 * Small JSON documents that all instances of an installation share: what each knows about the health of providers. They make
 * decisions better and nothing else (law 6): they may vanish or be old at any moment, and the gateway goes on with its own knowledge.
 *
 * A write whose answer was lost may have been made, or be made later. Send it again with the same `expected`: it is either
 * written now or refused, and the document that comes with the refusal has our own value if it had been written. So a value has to
 * name its writer and differ from all that this writer wrote before.
 */
export interface SharedDocuments {
  /**
   * One round trip: writes those whose version is still the expected one, and tells what changed since. Rejects when the store is
   * away or takes too long (the writes may be made all the same), and when the request is beyond the limits (a bug: it always will be).
   */
  exchange(request: Exchange): Promise<Exchanged>;
  /** Another instance wrote something urgent: exchange now. Best effort; never told of our own writes. */
  onUrgent(listener: () => void): void;
  /** No listener is called any more, and every exchange rejects. */
  close(): void;
}

/** A moment in the history of one store. Opaque: hand it back as it came. */
export interface Position {
  /** Changes when the store was emptied, or its data moved to another server process (restart, failover). */
  readonly epoch: string;
  readonly version: number;
}

export interface Exchange {
  /** Up to where this instance has read; null: nothing yet. */
  readonly since: Position | null;
  /** Each name once. */
  readonly writes: readonly DocumentWrite[];
  /** Tell the other instances to exchange at once, if any write succeeded. */
  readonly urgent: boolean;
}

export interface DocumentWrite {
  readonly name: string;
  /** 0: it does not exist. */
  readonly expected: number;
  readonly value: string;
}

export interface SharedDocument {
  readonly name: string;
  /** Grows over all documents of a store; a safe integer. */
  readonly version: number;
  readonly value: string;
}

export interface Exchanged {
  readonly position: Position;
  /** The store's clock, milliseconds since 1970. */
  readonly now: number;
  /** Names of writes that were made, with their new version. */
  readonly written: readonly { readonly name: string; readonly version: number }[];
  /**
   * What changed since (without our own writes of this exchange), and the present state of every refused write (version 0, value ""
   * when it is gone). After `more`, what is already known may come again.
   */
  readonly documents: readonly SharedDocument[];
  /** The store was emptied, replaced or went back in time: `documents` is everything that it has, if need be over several exchanges. */
  readonly reset: boolean;
  /** Did `documents` reach its limit? Then exchange again. */
  readonly more: boolean;
}
