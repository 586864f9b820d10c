import type { PaymentMethodId } from "../ids.ts";

/** A row of `payment_methods` with its tokens, by provider. */
export interface StoredMethod {
  readonly id: PaymentMethodId;
  readonly accountId: string;
  readonly type: string;
  readonly brand: string | null;
  readonly country: string | null;
  /** Known with `expYear`, or not at all. */
  readonly expMonth: number | null;
  readonly expYear: number | null;
  readonly metadata: Readonly<Record<string, string>>;
  /** +1 with each change that a person makes. */
  readonly version: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly deletedAt: Date | null;
  readonly tokens: readonly StoredToken[];
}

export interface StoredToken {
  readonly provider: string;
  /** Checked by that provider's `checkToken` when it was stored. Never shown, never logged. */
  readonly token: unknown;
  /** `gone`: the provider says that it can never be charged again. */
  readonly state: "active" | "gone";
  /** Why it is gone. */
  readonly reason: string | null;
  readonly updatedAt: Date;
}

/** A card is good until the end of the month that it names; its issuer's time zone is not known: UTC. */
export function isExpired({ expMonth, expYear }: Pick<StoredMethod, "expMonth" | "expYear">, now: Date): boolean {
  return expMonth !== null && expYear !== null && now.getTime() >= Date.UTC(expYear, expMonth, 1);
}

/** What may be charged now: active tokens of providers that are configured here. Of a deleted method, nothing. */
export function usableTokens(
  method: Pick<StoredMethod, "tokens" | "deletedAt">,
  providers: { has(id: string): boolean },
): Record<string, unknown> {
  const usable = method.tokens.filter(({ provider, state }) => state === "active" && providers.has(provider));
  return method.deletedAt === null ? Object.fromEntries(usable.map(({ provider, token }) => [provider, token])) : {};
}
