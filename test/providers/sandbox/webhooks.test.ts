import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { seededRandom } from "../../../providers/sandbox/random.ts";
import type { WebhookEndpoint } from "../../../providers/sandbox/webhook-settings.ts";
import { type WebhookEvent, WebhookSender } from "../../../providers/sandbox/webhooks.ts";
import { openReceiver, type Receiver, typesOf } from "./webhook-receiver.ts";

const LONG_MS = 60_000;

let receiver: Receiver;
let sender: WebhookSender;

beforeEach(async () => {
  receiver = await openReceiver();
  sender = senderWith([]);
});
afterEach(() => {
  sender.close();
  receiver.close();
});

function senderWith(retryAfterMs: number[]): WebhookSender {
  const sign = ({ event, secret }: { event: WebhookEvent; secret: string }) => ({ "x-signature": `${event.id} for ${secret}` });
  return new WebhookSender({ sign, random: seededRandom(7), retryAfterMs });
}

const event = (type: string): WebhookEvent => ({ id: `evt_${type}`, type, body: JSON.stringify({ type }) });
const endpoint = (more: Partial<WebhookEndpoint> = {}): WebhookEndpoint => ({ url: receiver.url, secret: "whsec_1", ...more });
const names = Array.from({ length: 20 }, (_, i) => `event_${i}`);

function emitAll(): void {
  for (const name of names) sender.emit("acct_1", () => event(name));
}

describe("the webhooks of a simulated processor", () => {
  it("are not even made while nobody wants them", async () => {
    sender.emit("acct_1", () => {
      throw new Error("made for nobody");
    });
    await sender.idle();
    expect(receiver.received).toEqual([]);
  });

  it("arrive signed, each once, with the bytes of the event", async () => {
    sender.setEndpoint(endpoint());
    sender.emit("acct_1", () => event("paid"));
    await sender.idle();
    expect(receiver.received).toMatchObject([{ headers: { "x-signature": "evt_paid for whsec_1" } }]);
    expect(receiver.received[0]!.body.toString()).toBe('{"type":"paid"}');
    expect(sender.records()).toMatchObject([{ id: "evt_paid", type: "paid", attempt: 1, status: 200 }]);
  });

  it("are sent again until somebody takes them, and no more often than the schedule says", async () => {
    sender = senderWith([1, 1]);
    sender.setEndpoint(endpoint());
    receiver.status = 503;
    sender.emit("acct_1", () => event("paid"));
    await sender.idle();
    expect(sender.records().map(({ attempt, status }) => [attempt, status])).toEqual([
      [1, 503],
      [2, 503],
      [3, 503],
    ]);
    receiver.status = 204;
    sender.emit("acct_1", () => event("refunded"));
    await sender.idle();
    expect(sender.records().at(-1)).toMatchObject({ type: "refunded", attempt: 1, status: 204 });
  });

  it("are sent again when nobody answers the door", async () => {
    sender = senderWith([1]);
    sender.setEndpoint(endpoint({ url: "http://127.0.0.1:1/" }));
    sender.emit("acct_1", () => event("paid"));
    await sender.idle();
    expect(sender.records().map(({ status }) => status)).toEqual([null, null]);
  });

  it("go to the endpoint of their account, and to the common one without", async () => {
    const theirs = await openReceiver();
    sender.setEndpoint(endpoint());
    sender.setEndpoint(endpoint({ url: theirs.url, account: "acct_2" }));
    sender.emit("acct_1", () => event("common"));
    sender.emit("acct_2", () => event("own"));
    await sender.idle();
    theirs.close();
    expect(typesOf(receiver)).toEqual(["common"]);
    expect(typesOf(theirs)).toEqual(["own"]);
  });

  it("come twice in a mood for duplicates", async () => {
    sender.setEndpoint(endpoint());
    sender.setMood({ duplicates: 1 });
    sender.emit("acct_1", () => event("paid"));
    await sender.idle();
    expect(typesOf(receiver)).toEqual(["paid", "paid"]);
  });

  it("come shuffled in a mood for disorder, and all of them", async () => {
    sender.setEndpoint(endpoint());
    sender.setMood({ disorderMs: 100 });
    emitAll();
    await sender.idle();
    expect(typesOf(receiver)).not.toEqual(names);
    expect(typesOf(receiver).sort()).toEqual([...names].sort());
  });

  it("are lost in part or all, and while they are off they are lost for good", async () => {
    sender.setEndpoint(endpoint());
    sender.setMood({ loss: 0.5 });
    emitAll();
    await sender.idle();
    expect(receiver.received.length).toBeGreaterThan(0);
    expect(receiver.received.length).toBeLessThan(names.length);
    receiver.received.length = 0;
    sender.setMood({ off: true });
    emitAll();
    sender.setMood({});
    await sender.idle();
    expect(receiver.received).toEqual([]);
  });

  it("wait in a mood for delay, until they are dropped", async () => {
    sender.setEndpoint(endpoint());
    sender.setMood({ delayMs: LONG_MS });
    emitAll();
    sender.clearEndpoints();
    await sender.idle();
    expect(receiver.received).toEqual([]);
  });

  it("end with the sandbox, also what a receiver never answers", async () => {
    sender = senderWith([1]);
    sender.setEndpoint(endpoint());
    receiver.status = null;
    sender.emit("acct_1", () => event("paid"));
    while (receiver.received.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    sender.close();
    await sender.idle();
    expect(sender.records()).toEqual([]);
    emitAll();
    await sender.idle();
    expect(receiver.received).toHaveLength(1);
  });
});
