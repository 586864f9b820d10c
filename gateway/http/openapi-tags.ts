/** The chapters of the interface, in the order in which a reader wants them; a route belongs to the first whose path is the beginning of its own. */
export const TAGS = [
  { name: "Charges", paths: ["/v1/charges"], description: "Collect an amount once, through whichever processor is healthy." },
  { name: "Refunds", paths: ["/v1/refunds"], description: "Give captured money back, once, by the processor that took it." },
  { name: "Payment methods", paths: ["/v1/payment-methods"], description: "One instrument, with its token at each processor." },
  { name: "Disputes", paths: ["/v1/disputes"], description: "As the processors' webhooks tell them; they are answered at the processor." },
  {
    name: "Webhooks to you",
    paths: ["/v1/webhook-endpoints", "/v1/events"],
    description: "What happened, sent to you signed and in order per charge; and the same events to pull.",
  },
  { name: "Providers", paths: ["/v1/providers"], description: "The processors' health, and an operator's decisions about them." },
  { name: "Routing", paths: ["/v1/routing"], description: "What the business decides, what was decided and why, and what it came to." },
  { name: "Operations", paths: ["/v1/dead-letters"], description: "What the machine gave up on, and waits for a person." },
  { name: "Reconciliation", paths: ["/v1/reconciliation"], description: "The processors' records against ours." },
  { name: "Audit", paths: ["/v1/audit"], description: "Who did what, in a chain that shows any change." },
  { name: "Keys", paths: ["/v1/keys"], description: "API keys and their roles." },
  { name: "Webhooks from processors", paths: ["/webhooks"], description: "Where Stripe and PayPal send theirs." },
  {
    name: "System",
    paths: ["/healthz", "/readyz", "/status", "/metrics", "/openapi.json", "/docs"],
    description: "For load balancers, Prometheus, the public, and readers of this; without a key.",
  },
] as const;

/** null: the path belongs to no chapter; a test asks for one. */
export function tagOf(path: string): string | null {
  return TAGS.find(({ paths }) => paths.some((start) => path === start || path.startsWith(`${start}/`)))?.name ?? null;
}
