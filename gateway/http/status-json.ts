import { z } from "zod";
import { CAPABILITIES, type Capability, type Level } from "../capabilities.ts";

/** For everybody: no processor, no amount, no count, no reason that only operators should see. */
export interface PublicStatus {
  readonly status: Level;
  readonly since: Date;
  /** What becomes of a new charge: it is processed, kept and collected later, or cannot be accepted. */
  readonly charges: "processed" | "kept" | "not_accepted";
  readonly capabilities: readonly { readonly id: Capability; readonly status: Level; readonly since: Date }[];
  readonly as_of: Date;
}

const LEVEL = z.enum(["operational", "degraded", "outage"]);
const TIME = z.iso.datetime();

export const STATUS_SCHEMA = z
  .object({
    status: LEVEL.describe("The worst of the capabilities"),
    since: TIME,
    charges: z.enum(["processed", "kept", "not_accepted"]).describe("What becomes of a new charge; kept: it is collected later"),
    message: z.string().describe("The same for customers, in a sentence"),
    capabilities: z.array(z.object({ id: z.enum(CAPABILITIES), name: z.string(), status: LEVEL, since: TIME, message: z.string() })),
    as_of: TIME,
  })
  .meta({ id: "PublicStatus" });

export const NAMES: Readonly<Record<Capability, string>> = {
  new_payments: "New payments",
  saved_payments: "Payments saved for later",
  refunds: "Refunds",
};

const MESSAGES: Readonly<Record<Capability, Readonly<Record<Level, string>>>> = {
  new_payments: {
    operational: "Payments work normally.",
    degraded: "Payments work. Some may take a little longer than usual.",
    outage: "Payments cannot be completed right now. What was accepted is saved and collected later: there is no need to pay it again.",
  },
  saved_payments: {
    operational: "Payments that were saved are collected as planned.",
    degraded: "Some saved payments are collected later than planned. Nothing is lost, and nothing is collected twice.",
    outage: "Saved payments are kept safe, and are collected when payments work again.",
  },
  refunds: {
    operational: "Refunds work normally.",
    degraded: "Some refunds take longer than usual.",
    outage: "Refunds are accepted, and are carried out when payments work again.",
  },
};

const NOT_ACCEPTED: Readonly<Record<Capability, string>> = {
  new_payments: "Payments cannot be accepted right now. What was confirmed before is safe. Please try again later.",
  saved_payments: "Saved payments are kept safe, and are collected later.",
  refunds: "Refunds cannot be accepted right now. Please try again later.",
};

export function messageOf(status: PublicStatus, { id, status: level }: PublicStatus["capabilities"][number]): string {
  return status.charges === "not_accepted" ? NOT_ACCEPTED[id] : MESSAGES[id][level];
}

/** All of it in a sentence. */
export function headlineOf({ status, charges }: PublicStatus): string {
  if (charges === "not_accepted") return "Payments cannot be accepted right now";
  if (charges === "kept") return "Payments are saved and collected later";
  return status === "operational" ? "Everything works normally" : "Payments work, with delays in places";
}

export function statusJson(status: PublicStatus): object {
  const capabilities = status.capabilities.map(({ id, status: level, since }) => ({
    id,
    name: NAMES[id],
    status: level,
    since,
    message: messageOf(status, { id, status: level, since }),
  }));
  return {
    status: status.status,
    since: status.since,
    charges: status.charges,
    message: headlineOf(status),
    capabilities,
    as_of: status.as_of,
  };
}
