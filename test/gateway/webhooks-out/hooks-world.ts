import { randomBytes } from "node:crypto";
import type pg from "pg";
import { idSource } from "../../../gateway/ids.ts";
import type { Database } from "../../../gateway/store/database.ts";
import { reopenDeadLetter } from "../../../gateway/store/dead-letters.ts";
import { ensureCursor } from "../../../gateway/store/dispatch-events.ts";
import { insertEndpoint } from "../../../gateway/store/webhook-endpoints.ts";
import { type Courier, type CourierParts, createCourier } from "../../../gateway/webhooks-out/courier.ts";
import { CONSUMER, dispatchDeliveries } from "../../../gateway/webhooks-out/dispatch.ts";
import { createPoster } from "../../../gateway/webhooks-out/post.ts";
import { secretText } from "../../../gateway/webhooks-out/signature.ts";
import { ManualClock, seeded } from "../../support/manual-clock.ts";
import { type EventFields, insertEvent, openTrail, type Trail } from "../trail/trail-fixture.ts";
import { type Receiver, startReceiver } from "./receiver.ts";

export const ACCOUNT = "acct_default";

/** A delivery's row, as the tests look at it. */
export interface Row {
  readonly id: string;
  readonly endpoint_id: string;
  readonly type: string;
  readonly state: string;
  readonly tries: number;
  readonly next_try_at: Date | null;
  readonly last_status: number | null;
  readonly last_error: string | null;
  readonly last_answer: string | null;
}

/** A trail, virtual time, real receivers, and one sender. */
export class HooksWorld {
  readonly clock = new ManualClock();
  readonly trail: Trail;
  readonly client: pg.Client;
  readonly courier: Courier;
  readonly receivers: Receiver[] = [];
  readonly counted: string[] = [];
  readonly log: object[] = [];
  readonly newId = idSource(this.clock, seeded(7));

  private constructor(trail: Trail, client: pg.Client) {
    this.trail = trail;
    this.client = client;
    this.courier = this.another();
  }

  static async open(): Promise<HooksWorld> {
    const trail = await openTrail();
    await ensureCursor(trail.db, CONSUMER);
    return new HooksWorld(trail, await trail.connect());
  }

  get db(): Database {
    return this.trail.db;
  }

  get now(): Date {
    return new Date(this.clock.now());
  }

  /** One more instance's sender. */
  another(more: Partial<CourierParts> = {}): Courier {
    const { clock } = this;
    const resolve = async () => [{ address: "127.0.0.1", family: 4 }];
    const note = (fields: object) => void this.log.push(fields);
    return createCourier({
      db: this.db,
      clock,
      random: seeded(1),
      poster: createPoster({ clock, resolve, allowPrivate: true, version: "test" }),
      newId: this.newId,
      log: { info: note, warn: note, error: note },
      count: (result) => void this.counted.push(result),
      ...more,
    });
  }

  async receiver(): Promise<Receiver> {
    const receiver = await startReceiver();
    this.receivers.push(receiver);
    return receiver;
  }

  /** Answers its id and its secret. */
  async endpoint(url: string, events: readonly string[] = ["*"]): Promise<{ id: string; secret: string }> {
    const secret = randomBytes(32);
    const made = { id: this.newId("we"), url, events, description: null, secret, max: 100 };
    const endpoint = await insertEndpoint(this.db, { accountId: ACCOUNT, actor: "key:test", now: this.now }, made);
    return { id: endpoint!.id, secret: secretText(secret) };
  }

  /** Writes an event, of now. */
  event(type: string, more: EventFields = {}): Promise<bigint> {
    return insertEvent(this.client, { at: this.now, type, ...more });
  }

  /** Seals, and makes deliveries of what is sealed. */
  async dispatch(): Promise<void> {
    await this.trail.sealAll();
    while (await dispatchDeliveries(this.db, { livemode: false, now: () => this.clock.now() }));
  }

  /** Everything that is due now, to the end. */
  async send(courier = this.courier): Promise<void> {
    while ((await courier.pass()) > 0) await courier.idle();
  }

  async run(): Promise<void> {
    await this.dispatch();
    await this.send();
  }

  /** Lets time pass in steps, sending what comes due. */
  async pass(totalMs: number, stepMs = 60_000): Promise<void> {
    for (let passed = 0; passed < totalMs; passed += stepMs) {
      this.clock.pass(Math.min(stepMs, totalMs - passed));
      await this.send();
    }
  }

  rows(endpointId?: string): Promise<Row[]> {
    return this.db.query<Row>({
      name: "test_deliveries",
      text: "select * from webhook_deliveries where $1::text is null or endpoint_id = $1 order by no",
      values: [endpointId ?? null],
    });
  }

  letters(): Promise<{ id: string; state: string; reason: string; data: Record<string, unknown> }[]> {
    return this.db.query({
      name: "test_letters",
      text: "select * from dead_letters where kind = 'webhook' order by created_at, data ->> 'delivery'",
    });
  }

  async replay(letterId: string): Promise<void> {
    await reopenDeadLetter(this.db, { accountId: ACCOUNT, id: letterId, actor: "key:ops", now: this.now });
  }

  events(type: string): Promise<{ type: string; actor: string; data: Record<string, unknown> }[]> {
    return this.db.query({ name: "test_events", text: "select type, actor, data from events where type = $1 order by id", values: [type] });
  }

  async close(): Promise<void> {
    await this.courier.stop();
    await Promise.all(this.receivers.map((receiver) => receiver.close()));
    await this.trail.close();
  }
}
