import { z } from "zod";
import type { Database } from "../store/database.ts";
import { listSealedEvents, readChargeLabels } from "../store/public-events.ts";
import { PATTERNS, PUBLIC_TYPES, toPublicEvent, wants } from "../webhooks-out/public-events.ts";
import { pageQuery } from "./list-page.ts";
import { type Route, route } from "./route.ts";

const seqText = z
  .string()
  .regex(/^\d{1,18}$/, "must be a number of the trail, 0 for its beginning")
  .transform(BigInt);

const eventSchema = z
  .object({
    type: z.enum(PUBLIC_TYPES as [string, ...string[]]),
    timestamp: z.iso.datetime().meta({ description: "When it happened" }),
    data: z
      .looseObject({
        id: z.string(),
        seq: z.int().meta({ description: "Its number in the trail" }),
        livemode: z.boolean(),
        charge: z.string().nullable(),
        reference: z.string().nullable().meta({ description: "The charge's" }),
        metadata: z.record(z.string(), z.string()).meta({ description: "The charge's" }),
        status: z.string().nullable().meta({ description: "What the charge became by it" }),
        amount: z.int().nullable().meta({ description: "In the currency's smallest unit" }),
        currency: z.string().nullable(),
        provider: z.string().nullable(),
      })
      .meta({ description: "And what the type adds" }),
  })
  .meta({ id: "Event", description: "As webhooks carry it, byte for byte the same JSON value." });

/** The pull alternative to webhooks. From the primary: a page must not miss what its `head` counts. */
export function eventRoutes({ db, livemode }: { readonly db: Database; readonly livemode: boolean }): Route[] {
  return [
    route({
      method: "get",
      path: "/v1/events",
      roles: ["billing"],
      summary: "Events, in the order of the trail",
      description:
        "Oldest first. Keep `next_cursor` and send it as `after`, also when the page was empty: a page may hold fewer than `limit` while " +
        "`has_more` is true. Events are numbered (sealed) within about a second: one that is missing up to `head` did not happen before it; what is not sealed yet comes later.",
      query: z.strictObject({
        limit: pageQuery.limit,
        after: seqText.default(0n).meta({ description: "The `next_cursor` of the page before; default: from the beginning" }),
        type: z
          .enum(PATTERNS as [string, ...string[]], { error: "must be an event, all of a group like refund.*, or *" })
          .default("*")
          .meta({ description: "An event, all of a group like `refund.*`, or `*`" }),
      }),
      responses: {
        200: {
          description: "A page",
          schema: z.object({
            object: z.literal("list"),
            data: z.array(eventSchema),
            has_more: z.boolean(),
            next_cursor: z.string(),
            head: z.int().meta({ description: "The last number of the trail when this page was read" }),
          }),
        },
      },
      problems: [],
      async handler({ principal, query }) {
        const types = PUBLIC_TYPES.filter((type) => wants([query.type], type));
        const page = await listSealedEvents(db, { accountId: principal.accountId, types, after: query.after, limit: query.limit });
        const labels = await readChargeLabels(
          (statement) => db.query(statement),
          [...new Set(page.events.flatMap((one) => one.charge_id ?? []))],
        );
        const data = page.events.map((event) => toPublicEvent(event, labels.get(event.charge_id ?? ""), livemode));
        return {
          status: 200,
          body: { object: "list", data, has_more: page.more, next_cursor: page.next.toString(), head: page.head },
        };
      },
    }),
  ];
}
