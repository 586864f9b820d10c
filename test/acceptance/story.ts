import type { Movement } from "../../providers/sandbox/ledger.ts";
import type { RequestRecord } from "../../providers/sandbox/request-log.ts";
import type { Asked, ChargeJson, EventJson } from "./client.ts";

/** What everybody knows of the charges. */
export interface Records {
  readonly asked: readonly Asked[];
  readonly ledger: readonly Movement[];
  readonly requests: readonly RequestRecord[];
  readonly logs: string;
}

/** A charge's row, what its callers heard, its trail, its money, its requests, and what the gateways logged of it. */
export function storyOf({ events, ...charge }: ChargeJson & { readonly events: readonly EventJson[] }, records: Records): string {
  const attempts = charge.attempts.map(({ id }) => id);
  const movements = records.ledger.filter(({ chargeId }) => chargeId === charge.id);
  const objects = movements.map(({ object }) => object);
  const requests = records.requests.filter(
    ({ idempotencyKey, path }) =>
      attempts.some((id) => idempotencyKey?.startsWith(id)) || objects.some((object) => object !== "" && path.includes(object)),
  );
  const lines = [
    toText(charge),
    ...records.asked
      .filter(({ charge: { id } }) => id === charge.id)
      .map(({ key, heard, charge: told }) => `caller   ${key} heard ${toText([...heard, told.status])}`),
    ...events.map((event) => `event    ${toText(event)}`),
    ...movements.map((movement) => `ledger   ${toText(movement)}`),
    ...requests.map(
      ({ provider, operation, path, executed, at }) =>
        `request  ${provider} ${operation} ${path} executed=${executed} ${new Date(at).toISOString()}`,
    ),
    ...records.logs
      .split("\n")
      .filter((line) => line.includes(charge.id))
      .map((line) => `log      ${line}`),
  ];
  return lines.map((line) => `    ${line}`).join("\n");
}

export function toText(value: unknown): string {
  return JSON.stringify(value, (_, inner) => (typeof inner === "bigint" ? Number(inner) : inner));
}
