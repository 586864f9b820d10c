import type { IncomingHttpHeaders } from "node:http";
import type { Operation, ProviderName } from "./fault.ts";
import type { Ledger } from "./ledger.ts";
import type { ObjectIds } from "./object-id.ts";
import type { Tables } from "./table.ts";
import type { Delivery, WebhookEvent } from "./webhooks.ts";

/** One request as it came over the wire. `path` is without the query. */
export interface WireRequest {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The operation ran to its end (a decline is such an end): what the real processor would keep for the key. */
  readonly executed: boolean;
}

/** A fake processor. It executes synchronously: faults, and only faults, take time. */
export interface Processor {
  readonly provider: ProviderName;
  open(request: WireRequest): Opened;
  /** The processor's own 429: not executed, not stored. */
  rateLimited(): Answer;
  /** Forgets what is not in tables. */
  reset(): void;
  /** The headers of one delivery of a webhook. Absent: it sends none. */
  sign?(delivery: Delivery): Readonly<Record<string, string>>;
  /** PEM of the authority that vouches for the signatures. Absent: they need none. */
  readonly webhookAuthority?: string;
  /** Every hold that is open lapses now, as if its time were over. Absent: it has no holds. */
  lapseHolds?(): void;
  /** The saved instrument has new data, as card networks tell it; null: of the account that most keys belong to. */
  renewInstrument?(token: string, account: string | null): void;
}

/** One request that reached the processor and is not executed yet. */
export interface Opened {
  /** `other`: pages for the payer and unknown addresses. */
  readonly operation: Operation | "other";
  readonly idempotencyKey: string | null;
  /** Answers that execute nothing: bad credentials, unknown address, a replay, a key in use. */
  early(): Answer | null;
  /** From here to `leave` the key is in use by this request. */
  enter(): void;
  leave(): void;
  /** `decline`: the fault's code, to be declined with instead of charging. */
  execute(decline: string | null): Answer;
  /** The processor's own 500, kept for the key where the real one keeps it. */
  fail(): Answer;
}

/** What both processors work with. */
export interface World {
  readonly tables: Tables;
  readonly ledger: Ledger;
  readonly ids: ObjectIds;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** After this many milliseconds the next lookup settles what is pending. */
  readonly settleAfterMs: number;
  /** The processor's own address, for links. */
  readonly url: () => string;
  /** Tells the account's webhook endpoint, if there is one; `make` is called at once or never. Never blocks, never throws. */
  readonly emit: (account: string, make: () => WebhookEvent) => void;
  /** Does `work` after that many milliseconds, unless the sandbox has ended by then. What it changes is kept like any other change. */
  readonly later: (ms: number, work: () => void) => void;
}
