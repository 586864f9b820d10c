/** What happened to a saved card; those that nothing happened to have no row. */
export interface MethodState {
  detached: boolean;
  expYear: number;
}

const EXP_YEAR = 2034;

export function untouched(): MethodState {
  return { detached: false, expYear: EXP_YEAR };
}

export function showPaymentMethod(token: string, state = untouched()): Record<string, unknown> {
  return {
    id: token,
    object: "payment_method",
    type: "card",
    card: { brand: "visa", last4: "4242", exp_month: 8, exp_year: state.expYear },
    livemode: false,
  };
}
