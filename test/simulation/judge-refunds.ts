import { type Evidence, heldByAttempt } from "./judge.ts";

interface Row {
  readonly id: string;
  readonly charge_id: string;
  readonly attempt_id: string;
  readonly kind: string;
  readonly state: string;
  readonly amount: string;
  readonly provider_reference: string | null;
  readonly letters: number;
}

/** Each refund against the processors' books: what succeeded went back once, with its amount; of what failed nothing did. */
export async function judgeRefunds(evidence: Pick<Evidence, "query" | "violate" | "isExcused" | "books">): Promise<void> {
  const rows = await evidence.query<Row>({
    name: "simulation_refunds",
    text: `select o.id, o.charge_id, o.attempt_id, o.kind, o.state, o.amount::text as amount, o.provider_reference,
      (select count(*)::int from dead_letters d where d.charge_id = o.charge_id and d.state = 'open') as letters
      from operations o where o.kind in ('refund', 'compensate') and o.captured order by o.id`,
  });
  const refunds = evidence.books.filter(({ type }) => type === "refund");
  const known = new Set<string>();
  // Two processors may call their refunds alike: an attempt is at one of them.
  const nameOf = (attempt: string, reference: string | null): string => `${attempt} ${reference}`;
  for (const { id, charge_id, attempt_id, kind, state, amount, provider_reference, letters } of rows) {
    const name = nameOf(attempt_id, provider_reference);
    const paid = refunds.find(({ attemptId, reference }) => nameOf(attemptId, reference) === name);
    if (paid) known.add(name);
    const violate = (detail: string) => evidence.violate("refunds", `the ${kind} ${id} of ${charge_id} ${detail}`, [charge_id, id]);
    if (state === "succeeded" && !paid) violate("has succeeded, and nothing went back");
    else if (state === "succeeded" && paid?.amount !== BigInt(amount)) violate(`gave back ${paid?.amount} and not ${amount}`);
    else if (state === "failed" && paid && letters === 0) violate(`has failed, and ${paid.amount} went back`);
  }
  // What went back without anybody's knowing: of a charge that waits for a person it may be what they have to find.
  const open = new Set(
    rows.filter(({ state, letters }) => (state !== "succeeded" && state !== "failed") || letters > 0).map((row) => row.charge_id),
  );
  for (const { reference, attemptId, chargeId, amount } of refunds) {
    if (known.has(nameOf(attemptId, reference)) || open.has(chargeId) || evidence.isExcused?.(chargeId)) continue;
    evidence.violate("refunds", `${amount} of ${chargeId} went back as ${reference}, and no refund knows of it`, [chargeId]);
  }
  for (const [attemptId, net] of heldByAttempt(evidence.books)) {
    if (net < 0n) evidence.violate("refunds", `more went back than was taken for ${attemptId}`, [attemptId]);
  }
}
