import { expect, test } from "vitest";
import type { EventSubject, ProviderEvent, WebhookDelivery, WebhookReading } from "../../providers/contract/webhook.ts";
import type { WebhookMood } from "../../providers/sandbox/webhook-settings.ts";
import { type ContractWorld, type Credentials, money } from "./contract-world.ts";
import type { WebhookFixture } from "./provider-fixture.ts";

/** For a delivery that a busy machine takes late. */
const MARGIN_MS = 60_000;
const TAMPERED_BYTES = 24;

/** What may be believed of a delivery. */
export function webhookTests(world: ContractWorld, { windowMs, saysMode }: WebhookFixture): void {
  const read = (delivery: WebhookDelivery, credentials: Credentials = "right"): Promise<WebhookReading> =>
    (credentials === "right" ? world.provider : world.create(credentials)).readWebhook!(delivery, world.call());

  async function delivered(happen: () => Promise<unknown>, mood: WebhookMood = {}): Promise<readonly WebhookDelivery[]> {
    world.mailbox!.open(mood);
    await happen();
    const deliveries = await world.mailbox!.deliveries();
    expect(deliveries.length).toBeGreaterThan(0);
    return deliveries;
  }

  async function eventsOf(deliveries: readonly WebhookDelivery[]): Promise<ProviderEvent[]> {
    const readings = await Promise.all(deliveries.map((delivery) => read(delivery)));
    return readings.map((reading) => {
      if (reading.kind !== "event") throw new Error(`not an event: ${JSON.stringify(reading)}`);
      return reading.event;
    });
  }

  async function subjects(happen: () => Promise<unknown>): Promise<EventSubject[]> {
    return (await eventsOf(await delivered(happen))).map(({ subject }) => subject);
  }

  const onePayment = async (): Promise<WebhookDelivery> => (await delivered(() => world.paid()))[0]!;

  test.each([
    ["a payment", false],
    ["a hold", true],
  ] as const)("%s is told with what it is known by, our ids and its money", async (_name, manual) => {
    const request = world.request(manual ? { capture: "manual" } : {});
    let reference = "";
    const told = await subjects(async () => {
      reference = (await world.paid(request)).approved.reference;
    });
    const payments = told.filter((subject) => subject.kind === "payment");
    for (const payment of payments) expect([request.attemptId, null]).toContain(payment.attemptId);
    const known = payments.filter((payment) => payment.reference === reference && payment.attemptId === request.attemptId);
    expect(known.map((payment) => payment.money)).toContainEqual({ amount: 4200n, currency: "usd" });
  });

  test("a decline tells of no money", async () => {
    const { token } = world.fixture.declines[0]!;
    const request = world.request({ token });
    world.mailbox!.open();
    await world.commit(request, await world.prepared(request));
    for (const { subject } of await eventsOf(await world.mailbox!.deliveries())) expect("money" in subject && subject.money).toBeFalsy();
  });

  test("a refund is told with its payment, and with our key or none", async () => {
    const paid = await world.paid();
    const refund = world.operation(paid, { money: money(1200) });
    let reference = "";
    const told = await subjects(async () => {
      const outcome = await world.provider.refund(refund, world.call());
      if (outcome.kind === "approved") reference = outcome.reference;
    });
    const refunds = told.filter((subject) => subject.kind === "refund");
    expect(refunds.length).toBeGreaterThan(0);
    for (const { key, ...subject } of refunds) {
      expect([refund.key, null]).toContain(key);
      expect(subject).toMatchObject({ refund: reference, payment: paid.approved.reference, money: { amount: 1200n, currency: "usd" } });
    }
  });

  if (world.fixture.manualCapture)
    test("a hold that is captured in part, or released, is no refund", async () => {
      const told = await subjects(async () => {
        const paid = await world.held();
        await world.provider.capture(world.operation(paid, { money: money(4000) }), world.call());
        await world.provider.cancel((await world.held()).object, world.call());
      });
      expect(told.filter(({ kind }) => kind === "refund")).toEqual([]);
      expect(told.filter(({ kind }) => kind === "payment").length).toBeGreaterThan(0);
    });

  const { disputed } = world.fixture.tokens;
  if (disputed !== undefined)
    test("a dispute is told with the payment that it is about", async () => {
      let reference = "";
      const told = await subjects(async () => {
        reference = (await world.paid(world.request({ token: disputed }))).approved.reference;
      });
      const disputes = told.filter(({ kind }) => kind === "dispute");
      expect(disputes.length).toBeGreaterThan(0);
      for (const dispute of disputes)
        expect(dispute).toMatchObject({ payment: reference, status: "open", money: { amount: 4200n, currency: "usd" } });
    });

  test("the same event has the same id each time that it comes", async () => {
    const events = await eventsOf(await delivered(() => world.paid(), { duplicates: 1 }));
    const ids = events.map(({ id }) => id);
    expect(ids).toHaveLength(new Set(ids).size * 2);
  });

  test("one byte changed anywhere is refused for its signature", async () => {
    const delivery = await onePayment();
    const { length } = delivery.body;
    for (let nth = 0; nth < TAMPERED_BYTES; nth += 1) {
      const body = Buffer.from(delivery.body);
      const at = Math.floor((nth * (length - 1)) / (TAMPERED_BYTES - 1));
      body.writeUInt8(body.readUInt8(at) ^ 1, at);
      expect(await read({ ...delivery, body }), `byte ${at}`).toMatchObject({ kind: "refused", reason: "signature" });
    }
  });

  test("without its headers, or with another body, it is refused for its signature", async () => {
    const delivery = await onePayment();
    const refused = { kind: "refused", reason: "signature" };
    expect(await read({ ...delivery, headers: {} })).toMatchObject(refused);
    for (const body of ["", "{", "{}"]) expect(await read({ ...delivery, body: Buffer.from(body) })).toMatchObject(refused);
  });

  test("it is good for its time, and then too old", async () => {
    const delivery = await onePayment();
    const late = (ms: number) => read({ ...delivery, receivedAtMs: delivery.receivedAtMs + ms });
    expect(await late(windowMs - MARGIN_MS)).toMatchObject({ kind: "event" });
    expect(await late(windowMs + MARGIN_MS)).toMatchObject({ kind: "refused", reason: "too_old" });
  });

  test("what was signed for somebody else is refused for its signature", async () => {
    expect(await read(await onePayment(), "other_secret")).toMatchObject({ kind: "refused", reason: "signature" });
  });

  if (saysMode)
    test("what is of the other mode is another account's", async () => {
      expect(await read(await onePayment(), "other_mode")).toMatchObject({ kind: "refused", reason: "other_account" });
    });
}
