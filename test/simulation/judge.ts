import type { ChargeRow } from "../../gateway/store/read-charges.ts";
import { CHARGE_COLUMNS } from "../../gateway/store/read-charges.ts";
import type { Callers, Wish } from "./callers.ts";
import type { Ledger } from "./ledger.ts";
import type { Store } from "./store.ts";
import type { World } from "./world.ts";

const FINAL = new Set(["succeeded", "failed", "canceled"]);

interface EventRow {
  readonly charge_id: string;
  readonly type: string;
  readonly from_status: string | null;
  readonly to_status: string | null;
}

type Judged = ChargeRow & { readonly letters: number; readonly operations_open: number };

/** After the storm, and the time that the product promises to need: the laws against the processors' books and the callers' memory. */
export async function judge(parts: { world: World; store: Store; ledger: Ledger; callers: Callers }): Promise<void> {
  const { world, store, ledger, callers } = parts;
  const charges = await store.query<Judged>({
    name: "simulation_charges",
    text: `select ${CHARGE_COLUMNS},
      (select count(*)::int from dead_letters d where d.charge_id = c.id and d.state = 'open') as letters,
      (select count(*)::int from operations o where o.charge_id = c.id and o.state = 'pending') as operations_open
      from charges c order by c.id`,
  });
  const events = await store.query<EventRow>({
    name: "simulation_events",
    text: "select charge_id, type, from_status, to_status from events where charge_id is not null order by id",
  });
  const byId = new Map(charges.map((charge) => [charge.id, charge]));
  const violate = (law: string, detail: string, charge: { id: string }): void => world.violate(law, detail, [charge.id]);

  for (const charge of charges) {
    judgeMoney(charge, ledger, violate);
    judgeEnd(charge, violate);
    judgeEvents(charge, events, violate);
    if (charge.attempts.filter((attempt) => attempt.live).length > 1) violate("law 1", `${charge.id} has several live attempts`, charge);
  }
  for (const movement of ledger.movements) {
    if (!byId.has(movement.chargeId))
      world.violate("law 2", `money moved for ${movement.chargeId}, which does not exist`, [movement.chargeId]);
  }
  for (const wish of callers.wishes) judgeWish(world, wish, charges, byId);
}

type Violate = (law: string, detail: string, charge: { id: string }) => void;

function judgeMoney(charge: Judged, ledger: Ledger, violate: Violate): void {
  if (ledger.isBetrayedUnseen(charge.id)) return;
  const held = [...ledger.heldByCharge(charge.id)];
  const total = held.reduce((sum, [, amount]) => sum + amount, 0n);
  if (held.length > 1 || total > charge.amount)
    violate("never twice", `${charge.id} is paid ${held.length} times, ${total} in all`, charge);
  const [paid] = held;
  if (charge.status === "succeeded") {
    if (!paid || total !== charge.amount) {
      violate("never lost", `${charge.id} is succeeded, and the books hold ${total} of ${charge.amount}`, charge);
      return;
    }
    const capture = ledger.ofCharge(charge.id).find(({ attemptId, type }) => attemptId === paid[0] && type === "capture");
    if (capture?.psp !== charge.provider)
      violate("never lost", `${charge.id} is said to be paid at ${charge.provider}, and is at ${capture?.psp}`, charge);
    if (capture?.reference !== charge.provider_reference) {
      violate("never lost", `${charge.id} is said to be ${charge.provider_reference}, and is ${capture?.reference}`, charge);
    }
    if (charge.amount_captured !== total)
      violate("never lost", `${charge.id} says ${charge.amount_captured} was captured, and ${total} was`, charge);
  } else if (FINAL.has(charge.status) && total !== 0n && charge.letters === 0) {
    violate("never lost", `${charge.id} is ${charge.status}, and ${total} was taken at a processor`, charge);
  }
}

/** Law 9, at the promised moment: what is not at its end yet is before a person. */
export async function judgeLiveness(world: World, store: Store): Promise<void> {
  const open = await store.query<{ id: string; status: string }>({
    name: "simulation_open",
    text: `select id, status from charges c where status not in ('succeeded', 'failed', 'canceled')
      and not exists (select from dead_letters d where d.charge_id = c.id and d.state = 'open') order by id`,
  });
  for (const { id, status } of open) world.violate("law 9", `${id} is still ${status} when its time is over`, [id]);
}

/** Law 9. */
function judgeEnd(charge: Judged, violate: Violate): void {
  if (FINAL.has(charge.status) || charge.letters > 0) return;
  violate(
    "law 9",
    `${charge.id} is still ${charge.status}, next action ${charge.next_action_at?.toISOString() ?? "never"}, and nobody was told`,
    charge,
  );
}

/** Law 10: the trail tells every change, and tells them in a row. */
function judgeEvents(charge: Judged, events: readonly EventRow[], violate: Violate): void {
  let status: string | null = null;
  for (const event of events) {
    if (event.charge_id !== charge.id || event.to_status === null) continue;
    if (event.from_status !== status) {
      violate("law 10", `${charge.id}: the trail goes from ${status} to ${event.to_status}, said to be from ${event.from_status}`, charge);
      return;
    }
    status = event.to_status;
  }
  if (status !== charge.status) violate("law 10", `${charge.id} is ${charge.status}, and the trail ends with ${status}`, charge);
}

/** Law 6 and 7: what callers were told. */
function judgeWish(world: World, wish: Wish, charges: readonly Judged[], byId: ReadonlyMap<string, Judged>): void {
  const own = charges.filter((charge) => charge.metadata.wish === wish.key);
  if (own.length > 1)
    world.violate(
      "law 6",
      `${wish.key} has ${own.length} charges: ${own.map(({ id }) => id).join(", ")}`,
      own.map(({ id }) => id),
    );
  for (const { charge: told } of wish.told) {
    const now = byId.get(told.id);
    const about = [told.id, wish.key];
    if (!now) {
      world.violate("law 7", `${wish.key} was told of ${told.id}, which does not exist`, about);
      continue;
    }
    if (
      told.status === "succeeded" &&
      (now.status !== "succeeded" || now.provider !== told.provider || now.provider_reference !== told.providerReference)
    ) {
      world.violate(
        "law 7",
        `${wish.key} was told succeeded by ${told.provider} ${told.providerReference}, and is ${now.status} by ${now.provider} ${now.provider_reference}`,
        about,
      );
    }
    // Only a late success may still change these, and that is judged by the books.
    if ((told.status === "failed" || told.status === "canceled") && now.status !== told.status && now.status !== "succeeded") {
      world.violate("law 8", `${wish.key} was told ${told.status}, and is ${now.status}`, about);
    }
  }
}
