import type pg from "pg";
import { afterEach, expect, test } from "vitest";
import type { ProviderStatus } from "../../../gateway/health/provider-status.ts";
import { notifyKinds } from "../../../gateway/notify/channels.ts";
import { notifyTurn } from "../../../gateway/notify/watch.ts";
import { type NotifySettings, notifySettings } from "../../../gateway/notify-settings.ts";
import type { JobKind } from "../../../gateway/queue/job-kind.ts";
import { type Jobs, startJobs } from "../../../gateway/queue/jobs.ts";
import { ensureCursorAtHead } from "../../../gateway/store/dispatch-events.ts";
import { sealEvents } from "../../../gateway/store/seal-events.ts";
import { systemClock } from "../../../providers/contract/clock.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { type Chat, type MailServer, startChat, startMailServer } from "../../support/message-receivers.ts";
import { insertEvent, openTrail, type Trail } from "../trail/trail-fixture.ts";

const closers: (() => Promise<unknown>)[] = [];
const kept = <T extends { close(): Promise<unknown> }>(part: T): T => {
  closers.push(() => part.close());
  return part;
};
afterEach(async () => {
  for (const close of closers.reverse().splice(0)) await close();
});

const FLEET = { status: () => [{ provider: "p", health: "up", override: null, circuit: { alone: false } } as ProviderStatus] };

/** An installation of so many instances, whose watch looks when told, and whose jobs run. */
class Fleet {
  readonly clock = new ManualClock();
  readonly lines: string[] = [];
  trail!: Trail;
  client!: pg.Client;
  #jobs: Jobs[] = [];

  static async start(settings: NotifySettings, instances = 2): Promise<Fleet> {
    const fleet = new Fleet();
    fleet.trail = kept(await openTrail());
    fleet.client = await fleet.trail.connect();
    await ensureCursorAtHead(fleet.trail.db, "notifications");
    for (let i = 0; i < instances; i++) await fleet.add(settings);
    closers.push(() => Promise.all(fleet.#jobs.map((jobs) => jobs.stop())));
    return fleet;
  }

  async add(settings: NotifySettings): Promise<void> {
    const say = (fields: object, message: string) => void this.lines.push(`${message} ${JSON.stringify(fields)}`);
    const kinds = kindsOf(settings);
    this.#jobs.push(
      await startJobs({
        databaseUrl: this.trail.url,
        database: this.trail.db,
        clock: systemClock,
        log: { info: say, warn: say, error: say },
        // As in the product, but sooner.
        kinds: kinds.map((kind) => ({ ...kind, retryDelayS: 1, pollS: 0.5 })),
      }),
    );
  }

  /** All instances look, some minutes later. */
  async look(minutes = 1): Promise<void> {
    for (let i = 0; i < minutes * 6; i++) {
      this.clock.pass(10_000);
      const log = { info() {}, warn() {}, error() {} };
      const parts = { db: this.trail.db, clock: this.clock, fleet: FLEET, trusted: () => true, log };
      await Promise.all([notifyTurn(parts), notifyTurn(parts)]);
    }
    while ((await sealEvents(this.trail.db, new Date())).more);
  }

  async reachable(is: boolean): Promise<void> {
    await this.client.query("update fleet_reachability set reachable = $1", [is]);
  }
}

function settingsOf(env: Record<string, string>): NotifySettings {
  const faults: string[] = [];
  const settings = notifySettings(env, true, faults);
  expect(faults).toEqual([]);
  return settings;
}

function both(chat: Chat, mail: MailServer): NotifySettings {
  return settingsOf({
    NOTIFY_SLACK_URL: chat.url,
    NOTIFY_SMTP_URL: `smtp://127.0.0.1:${mail.port}`,
    NOTIFY_EMAIL_FROM: "Switchyard <switchyard@example.com>",
    NOTIFY_EMAIL_TO: "ops@example.com, oncall@example.com",
    NOTIFY_EMAIL_FINANCE_TO: "finance@example.com",
  });
}

function withPassword(mail: MailServer): Record<string, string> {
  return {
    NOTIFY_SMTP_URL: `smtp://switchyard:mail-secret@127.0.0.1:${mail.port}`,
    NOTIFY_EMAIL_FROM: "switchyard@example.com",
    NOTIFY_EMAIL_TO: "ops@example.com",
  };
}

/** The same server, as if it were another machine. */
function elsewhere(settings: NotifySettings): NotifySettings {
  const email = settings.email!;
  return { ...settings, email: { ...email, smtp: { ...email.smtp, local: false } } };
}

function kindsOf(settings: NotifySettings): JobKind[] {
  return notifyKinds({ settings, clock: systemClock, installationId: "in_1", livemode: true, version: "test" });
}

const BEGUN = {
  seq: "1",
  notification: {
    topic: "all_down",
    what: "begun",
    since: "2026-01-01T00:00:00.000Z",
    until: null,
    times: 1,
    at_risk: [],
    providers: [],
  },
};
/** To the first receiver, past the queue. */
const send = (settings: NotifySettings) => kindsOf(settings)[0]!.run([BEGUN]);

async function until(what: () => boolean, ms = 60_000): Promise<void> {
  const end = Date.now() + ms;
  while (!what()) {
    if (Date.now() > end) throw new Error(`not within ${ms} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
const settle = () => new Promise((resolve) => setTimeout(resolve, 2_500));

test("two instances send one message when it begins and one when it ends, to chat, operations and finance", async () => {
  const [chat, mail] = [kept(await startChat()), kept(await startMailServer())];
  const fleet = await Fleet.start(both(chat, mail));
  await fleet.reachable(false);
  await fleet.look();
  await until(() => chat.got.length === 1 && mail.got.length === 2);
  await fleet.reachable(true);
  await fleet.look(3);
  await until(() => chat.got.length === 2 && mail.got.length === 4);
  await settle();
  expect(chat.got).toEqual([
    expect.stringMatching(/^\*No processor can be used: charges are kept and collected later\*\nSince 2026-01-01 00:00 UTC\.\n/),
    expect.stringMatching(/^\*Processors can be used again/),
  ]);
  const receivers = mail.got.map(({ to }) => to.join(" ")).sort();
  expect(receivers).toEqual([
    "finance@example.com",
    "finance@example.com",
    "ops@example.com oncall@example.com",
    "ops@example.com oncall@example.com",
  ]);
  const [begun, ended] = mail.got.filter(({ to }) => to.includes("ops@example.com"));
  expect(begun!.headers).toMatchObject({
    from: "Switchyard <switchyard@example.com>",
    subject: "No processor can be used: charges are kept and collected later",
    "auto-submitted": "auto-generated",
  });
  expect(begun!.text).toContain("Deferred or in doubt now: nothing.");
  // Mail programs show the end below the beginning.
  expect(ended!.headers["in-reply-to"]).toBe(begun!.headers["message-id"]);
});

test("finance hears of money, and not of what is for operations alone", async () => {
  const mail = kept(await startMailServer());
  const settings = settingsOf({
    NOTIFY_SMTP_URL: `smtp://localhost:${mail.port}`,
    NOTIFY_EMAIL_FROM: "switchyard@example.com",
    NOTIFY_EMAIL_TO: "ops@example.com",
    NOTIFY_EMAIL_FINANCE_TO: "finance@example.com",
  });
  const fleet = await Fleet.start(settings, 1);
  await insertEvent(fleet.client, { type: "dead_letter.opened", data: { kind: "webhook" } });
  await insertEvent(fleet.client, { type: "charge.late_success", data: { adopted: true } });
  while ((await sealEvents(fleet.trail.db, new Date())).more);
  await fleet.look();
  await until(() => mail.got.length === 3);
  await settle();
  const told = mail.got.map(({ to, headers }) => `${to.join()}: ${headers.subject}`).sort();
  expect(told).toEqual([
    "finance@example.com: 1 payment succeeded after it had been given up",
    "ops@example.com: 1 payment succeeded after it had been given up",
    "ops@example.com: 1 thing that the machine gave up on (dead letter)",
  ]);
});

test("a receiver that refuses is tried again until it takes the message, once; the other one does not wait for it", async () => {
  const [chat, mail] = [kept(await startChat()), kept(await startMailServer())];
  chat.status = 503;
  mail.refuse = 3;
  const fleet = await Fleet.start(both(chat, mail));
  await fleet.reachable(false);
  await fleet.look();
  await until(() => mail.got.length === 2 && chat.asked >= 2);
  expect(chat.got).toEqual([]);
  chat.status = 200;
  await until(() => chat.got.length === 1);
  await settle();
  expect([chat.got.length, mail.got.length]).toEqual([1, 2]);
});

test("what nobody takes becomes a dead letter, which says why, and no secret", async () => {
  const [chat, mail] = [kept(await startChat()), kept(await startMailServer({ password: "another" }))];
  chat.status = 404;
  const settings = settingsOf({ NOTIFY_SLACK_URL: chat.url, ...withPassword(mail) });
  const failures = await Promise.all(
    kindsOf(settings).map((kind) =>
      kind.run([BEGUN]).then(
        () => "",
        (error: Error) => `${error.message} ${error.stack}`,
      ),
    ),
  );
  expect(failures.map((failure) => failure.split("\n")[0])).toEqual([
    expect.stringContaining("the message was not taken: answered 404"),
    expect.stringContaining("the mail was not taken: EAUTH 535"),
  ]);
  expect(failures.join()).not.toMatch(/secret|T000/);
});

test("no password leaves this machine without TLS: a server that offers none gets no mail", async () => {
  const mail = kept(await startMailServer({ password: "mail-secret" }));
  const settings = settingsOf(withPassword(mail));
  await expect(send(elsewhere(settings))).rejects.toThrow("the mail was not taken: ETLS");
  expect(mail.got).toEqual([]);
  await send(settings);
  expect(mail.got).toMatchObject([{ user: "switchyard", encrypted: false }]);
});

test("a server with a certificate that nobody vouches for gets no password", async () => {
  const mail = kept(await startMailServer({ password: "mail-secret", tls: true }));
  const settings = settingsOf(withPassword(mail));
  await expect(send(elsewhere(settings))).rejects.toThrow(/^the mail was not taken: (ESOCKET|ETLS)/);
  expect(mail.got).toEqual([]);
});
