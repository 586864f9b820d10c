import { readFile } from "node:fs/promises";
import { expect, expectTypeOf, it } from "vitest";
import type { z } from "zod";
import { wireSource } from "../../../gateway/cli/wire-source.ts";
import type { Page } from "../../../gateway/client/pages.ts";
import type {
  Charge,
  ChargeRequest,
  ChargeWithEvents,
  NewWebhookEndpoint,
  PaymentMethod,
  Refund,
  WebhookEndpoint,
} from "../../../gateway/client/wire.ts";
import type { chargeSchema, chargeWithEventsSchema } from "../../../gateway/http/charge-json.ts";
import type { chargeRequestSchema } from "../../../gateway/http/charge-request.ts";
import type { pageSchema } from "../../../gateway/http/list-page.ts";
import type { storedMethodSchema } from "../../../gateway/http/payment-method-json.ts";
import type { refundSchema } from "../../../gateway/http/refund-json.ts";
import type { endpointSchema, NewEndpoint } from "../../../gateway/http/webhook-endpoint-schema.ts";

it("the client's types are those of the schemas: `npm run client` would write the same file", async () => {
  const file = new URL("../../../gateway/client/wire.ts", import.meta.url);
  expect(await readFile(file, "utf8")).toBe(wireSource());
});

it("and to the compiler what the schemas let through fits them", () => {
  expectTypeOf<z.output<typeof chargeSchema>>().toExtend<Charge>();
  expectTypeOf<z.output<typeof chargeWithEventsSchema>>().toExtend<ChargeWithEvents>();
  expectTypeOf<z.output<typeof refundSchema>>().toExtend<Refund>();
  expectTypeOf<z.output<typeof storedMethodSchema>>().toExtend<PaymentMethod>();
  expectTypeOf<z.output<typeof endpointSchema>>().toExtend<WebhookEndpoint>();
  expectTypeOf<z.output<ReturnType<typeof pageSchema>>["next_cursor"]>().toExtend<Page<Charge>["next_cursor"]>();
  expectTypeOf<keyof ChargeRequest>().toEqualTypeOf<keyof z.input<ReturnType<typeof chargeRequestSchema>>>();
  expectTypeOf<keyof NewWebhookEndpoint>().toEqualTypeOf<keyof z.input<typeof NewEndpoint>>();
  expectTypeOf<keyof Charge>().toEqualTypeOf<keyof z.output<typeof chargeSchema>>();
});
