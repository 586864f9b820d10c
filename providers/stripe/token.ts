/** What `payment_method` holds for Stripe: an already vaulted card. */
export interface StripeToken {
  /** Needed wherever the payment method is attached to a customer, which is everywhere outside of Stripe's test cards. */
  readonly customer?: string;
  readonly payment_method: string;
}

const MAX_ID_LENGTH = 255;
const SHAPES: Record<keyof StripeToken, RegExp> = { customer: /^cus_\w+$/, payment_method: /^pm_\w+$/ };

/** Why the token cannot be used, or null. Messages never repeat the value: it might be a card number. */
export function checkStripeToken(token: unknown): { path: string; message: string } | null {
  if (typeof token !== "object" || token === null || Array.isArray(token)) return { path: "", message: "must be an object" };
  for (const field of Object.keys(token)) {
    if (!Object.hasOwn(SHAPES, field)) return { path: `/${pointer(field)}`, message: "unknown field" };
  }
  const { customer, payment_method: paymentMethod } = token as Record<string, unknown>;
  if (paymentMethod === undefined) return { path: "/payment_method", message: "is required" };
  if (!fits(paymentMethod, SHAPES.payment_method)) return { path: "/payment_method", message: "must be a Stripe id pm_..." };
  if (customer !== undefined && !fits(customer, SHAPES.customer)) return { path: "/customer", message: "must be a Stripe id cus_..." };
  return null;
}

function fits(value: unknown, shape: RegExp): boolean {
  return typeof value === "string" && value.length <= MAX_ID_LENGTH && shape.test(value);
}

/** RFC 6901 */
function pointer(field: string): string {
  return field.replaceAll("~", "~0").replaceAll("/", "~1");
}
