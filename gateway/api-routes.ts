import { randomBytes } from "node:crypto";
import { feesOf } from "../routing/money-terms.ts";
import { type ProviderDefaults, withDefaults } from "../routing/rules.ts";
import type { Core } from "./charges/core.ts";
import type { ChargeService } from "./charges/service.ts";
import type { OverrideWatcher } from "./health/overrides.ts";
import type { RulesWatcher } from "./health/rules-watcher.ts";
import { auditRoutes } from "./http/audit-routes.ts";
import { chargeReadRoutes } from "./http/charge-read-routes.ts";
import { chargeRoutes } from "./http/charge-routes.ts";
import { deadLetterRoutes } from "./http/dead-letter-routes.ts";
import { disputeRoutes } from "./http/dispute-routes.ts";
import { eventRoutes } from "./http/event-routes.ts";
import { keyRoutes } from "./http/key-routes.ts";
import { paymentMethodRoutes } from "./http/payment-method-routes.ts";
import { providerWebhookRoutes } from "./http/provider-webhook-routes.ts";
import { providersRoutes } from "./http/providers-routes.ts";
import { reconciliationRoutes } from "./http/reconciliation-routes.ts";
import { refundRoutes } from "./http/refund-routes.ts";
import type { Route } from "./http/route.ts";
import { routingRoutes } from "./http/routing-routes.ts";
import { routingViewRoutes } from "./http/routing-view-routes.ts";
import { statsRoutes } from "./http/stats-routes.ts";
import { webhookDeliveryRoutes } from "./http/webhook-delivery-routes.ts";
import { webhookEndpointRoutes } from "./http/webhook-endpoint-routes.ts";
import type { Database } from "./store/database.ts";
import type { Receiver } from "./webhooks-in/receiver.ts";
import { systemResolve } from "./webhooks-out/start.ts";

/** The whole interface, /v1 and the processors' webhooks, each route on what it needs. */
export function apiRoutes(parts: {
  core: Core;
  charges: ChargeService;
  /** May be the replica. */
  reports: Database;
  overrides: OverrideWatcher;
  rules: RulesWatcher;
  defaults: ProviderDefaults;
  receiver: Receiver;
  webhookAllowPrivate: boolean;
  hasAdminKey: boolean;
  /** A key that was revoked here stops at once. */
  forgetKey: (keyId: string) => void;
}): Route[] {
  const { core, charges, reports, overrides, rules, defaults, receiver, webhookAllowPrivate, hasAdminKey, forgetKey } = parts;
  const { db, clock, newId, providers, fleet } = core;
  const { livemode } = core.settings;
  const ids = [...providers.keys()];
  return [
    ...chargeRoutes({ db, charges, providers, clock }),
    ...chargeReadRoutes({ db }),
    ...refundRoutes({ db, charges }),
    ...disputeRoutes({ db }),
    ...providerWebhookRoutes({ receiver, clock }),
    ...paymentMethodRoutes({ db, providers, clock, newId }),
    ...providersRoutes({ fleet, overrides, clock }),
    ...routingRoutes({ db, fleet, rules, providers, clock }),
    ...statsRoutes({
      reports,
      clock,
      feesOf: (provider, currency) => feesOf(withDefaults(rules.current().rules, defaults), provider, currency),
    }),
    ...routingViewRoutes({ db, reports, providers: ids, fleet, clock }),
    ...deadLetterRoutes({ db, charges }),
    ...reconciliationRoutes({ db, clock, newId, providers: ids }),
    ...auditRoutes({ db }),
    ...eventRoutes({ db, livemode }),
    ...webhookEndpointRoutes({ db, clock, newId, randomBytes, resolve: systemResolve, allowPrivate: webhookAllowPrivate }),
    ...webhookDeliveryRoutes({ db, clock, newId, livemode }),
    ...keyRoutes({ db, clock, newId, randomBytes, livemode, authenticator: { forget: forgetKey }, hasAdminKey }),
  ];
}
