import { randomUUID } from "node:crypto";
import type { Database } from "../../gateway/store/database.ts";
import { recordEvent } from "../../gateway/store/provider-events.ts";

/** A provider's webhook about a refund, as the inbox takes it: by the provider's id of it, or our key. Whether it is one of ours. */
export async function hintRefund(db: Database, by: { provider: string; refund: string; key: string | null; now: Date }): Promise<boolean> {
  const { refund, key } = by;
  const { known } = await recordEvent(db, {
    provider: by.provider,
    event: {
      id: `evt_${randomUUID()}`,
      type: "refund.updated",
      createdAtMs: by.now.getTime(),
      subject: { kind: "refund", refund, payment: null, key, money: null },
    },
    receivedAt: by.now,
    lookAt: by.now,
    newId: (prefix) => `${prefix}_unused`,
  });
  return known;
}
