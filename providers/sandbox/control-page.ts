import { faultKinds, operations } from "./fault.ts";
import type { Sandbox } from "./sandbox-handle.ts";

/** What `GET /` says. */
export function controlPage(sandbox: Sandbox): string {
  const { controlUrl, stripeUrl, paypalUrl } = sandbox;
  return `The sandbox: simulated payment processors. No real money moves.

  stripe  ${stripeUrl}
  paypal  ${paypalUrl}

GET    /ledger?charge=ch_...   all money that moved, with totals
GET    /requests               the last requests that reached a processor
GET    /faults                 the faults that are set
PUT    /{provider}/faults      set one more: {"kind", "operation", "probability", "count", "delayMs", "code"}
DELETE /{provider}/faults      clear them all
POST   /{provider}/down        refuse all connections
POST   /{provider}/up          the same as DELETE faults
POST   /{provider}/lapse       every hold lapses now
PUT    /{provider}/renew       a saved card gets a new expiry date: {"token", "account"}
GET    /webhooks               where webhooks go, how badly, and the last deliveries
PUT    /{provider}/webhooks    send them there: {"url", "secret", "account"}; without it there are none
DELETE /{provider}/webhooks    send none
PUT    /{provider}/mood        how badly: {"duplicates", "disorderMs", "delayMs", "loss", "off"}; {} is well
POST   /reset                  forget everything but where webhooks go

kind       ${faultKinds.join(", ")}
           before: nothing was executed; after: executed, but the answer is lost
           slow: executes late, even when the client has given up; trickle: executes, then answers byte by byte
           decline: commits are declined, with "code" if given
           refuse: for "commit", connections are refused after each prepare, for "delayMs" (1500 if "count" is given,
           else until cleared); for every other operation all connections are, for "delayMs" or until cleared
operation  * (default), ${operations.join(", ")}
mood       duplicates and loss: of an event, 0 to 1; disorderMs: each delivery waits a random part of it; off: nothing is sent
           secret is what the receiver checks the signature with: Stripe's signing secret, PayPal's webhook id

curl -X POST ${controlUrl}/stripe/down
curl -X PUT ${controlUrl}/paypal/faults -d '{"kind":"hang_after","operation":"commit","count":1}'
curl ${controlUrl}/ledger
`;
}
