/**
 * What the gateway is measured against: the shortest program that charges a card on request. Express, stripe-node with its own
 * defaults, the same two calls with the same parameters; no database, no log, no checks. It forgets everything.
 */
import type { AddressInfo } from "node:net";
import express from "express";
import { Stripe } from "stripe";

const base = new URL(process.argv[2] ?? "");
const stripe = new Stripe("sk_test_sandbox", { host: base.hostname, port: Number(base.port), protocol: "http" });

const app = express();
app.use(express.json());
app.post("/v1/charges", async (req, res) => {
  const { amount, currency, reference, payment_method } = req.body;
  const key = req.get("idempotency-key") ?? "";
  // As the gateway's adapter sends them.
  const params = {
    amount,
    currency,
    customer: payment_method.stripe.customer,
    payment_method: payment_method.stripe.payment_method,
    payment_method_types: ["card"],
    capture_method: "automatic" as const,
    metadata: { charge_id: `proxy-${key}`, attempt_id: `proxy-${key}-1`, reference },
  };
  const created = await stripe.paymentIntents.create(params, { idempotencyKey: `${key}:prepare` });
  const intent = await stripe.paymentIntents.confirm(created.id, { off_session: true }, { idempotencyKey: `${key}:commit` });
  res.status(201).json({ id: intent.id, status: intent.status, amount: intent.amount, currency: intent.currency, reference });
});

const server = app.listen(0, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port));
server.keepAliveTimeout = 65_000;
process.on("disconnect", () => process.exit(0));
