import { money } from "./words.ts";

/** An amount in minor units, as people write it. */
export function Money({ amount, currency }: { amount: number; currency: string }) {
  return <span className="money">{money(amount, currency)}</span>;
}

/** Amounts of several currencies, one below the other: they are never added. */
export function Moneys({ amounts }: { amounts: readonly { readonly amount: number; readonly currency: string }[] }) {
  if (amounts.length === 0) return <span className="quiet">–</span>;
  return (
    <span className="moneys">
      {amounts.map(({ amount, currency }) => (
        <Money key={currency} amount={amount} currency={currency} />
      ))}
    </span>
  );
}
