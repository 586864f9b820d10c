import type { Database } from "../store/database.ts";
import { dispatchEvents, type SealedEvent } from "../store/dispatch-events.ts";
import { readChargeLabels } from "../store/public-events.ts";
import { DELIVERY_MAX_AGE_MS, insertDeliveries, type NewDelivery } from "../store/webhook-deliveries.ts";
import { listListening } from "../store/webhook-endpoints.ts";
import { eventId, isPublic, PUBLIC_TYPES, subjectOf, toPublicEvent, wants } from "./public-events.ts";

export const CONSUMER = "webhooks";

/**
 * Makes deliveries of the next sealed events, each event once for each endpoint that wants it: they are written in the transaction that
 * moves the cursor. Answers whether there is more.
 */
export function dispatchDeliveries(db: Database, options: { livemode: boolean; now: () => number }): Promise<boolean> {
  return dispatchEvents(db, CONSUMER, PUBLIC_TYPES, async (query, sealed) => {
    const endpoints = await listListening(query);
    const wanted = sealed.flatMap((event) => {
      // `like` takes the underscore of a type for any character.
      if (!isPublic(event.type)) return [];
      const takers = endpoints.filter(
        (one) => one.account_id === event.account_id && event.seq > one.from_seq && wants(one.events, event.type),
      );
      return takers.length === 0 ? [] : [{ event, takers }];
    });
    if (wanted.length === 0) return;
    const labels = await readChargeLabels(query, [...new Set(wanted.flatMap(({ event }) => event.charge_id ?? []))]);
    const deliveries = wanted.flatMap(({ event, takers }) => {
      const body = JSON.stringify(toPublicEvent(event, labels.get(event.charge_id ?? ""), options.livemode));
      return takers.map(({ id }) => deliveryOf(event, id, body));
    });
    const now = new Date(options.now());
    await insertDeliveries(query, deliveries, { now, expiresAt: new Date(now.getTime() + DELIVERY_MAX_AGE_MS) });
  });
}

function deliveryOf(event: SealedEvent, endpointId: string, body: string): NewDelivery {
  const id = eventId(event.seq);
  return { id: deliveryId(id, endpointId), endpoint_id: endpointId, event_id: id, type: event.type, subject: subjectOf(event), body };
}

/** The `webhook-id`: one per event and endpoint. Without a full stop, which divides what is signed. */
export function deliveryId(event: string, endpointId: string): string {
  return `${event}_${endpointId}`;
}
