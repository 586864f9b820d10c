import type { Fault, ProviderName } from "./fault.ts";
import type { Movement } from "./ledger.ts";
import type { RequestRecord } from "./request-log.ts";

/** Simulated processors behind real HTTP servers, with a switch for every way in which real ones fail. */
export interface Sandbox {
  readonly controlUrl: string;
  readonly stripeUrl: string;
  readonly paypalUrl: string;
  /** Adds a fault; the first one set that strikes a request wins. Throws a RangeError that says what is wrong with it. */
  setFault(provider: ProviderName, fault: Fault): void;
  /** Also opens the listener again, and ends what hangs (its connection breaks). */
  clearFaults(provider?: ProviderName): void;
  /** Resolves when the listeners that `clearFaults` opens accept connections. */
  listening(): Promise<void>;
  faults(provider: ProviderName): Fault[];
  /** All money that moved, in order. */
  ledger(): Movement[];
  /** The last 20,000 requests that reached a server, oldest first. */
  requests(): RequestRecord[];
  /** Forgets objects, keys, ledger, requests and faults. */
  reset(): void;
  close(): Promise<void>;
}
