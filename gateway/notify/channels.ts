import type { Clock } from "../../providers/contract/clock.ts";
import type { NotifySettings } from "../notify-settings.ts";
import type { JobData, JobKind } from "../queue/job-kind.ts";
import type { SealedEvent } from "../store/dispatch-events.ts";
import { createPoster } from "../webhooks-out/post.ts";
import { systemResolve } from "../webhooks-out/start.ts";
import { createMailer } from "./email.ts";
import { NOTIFICATION, type Notification } from "./notification.ts";
import { postToSlack } from "./slack.ts";
import { CONDITIONS, HAPPENINGS, QUEUES } from "./topics.ts";
import { type Words, wordsOf } from "./words.ts";

/** After 15 s, 30 s, a minute, ...: for 8 hours. Then it is a dead letter, which can be replayed. */
const RETRIES = 11;
const RETRY_DELAY_S = 15;
/** Longer than every deadline of one message together. */
const EXPIRE_S = 120;

interface Message {
  readonly words: Words;
  readonly id: string;
  readonly about: string | null;
}

/** A queue for each receiver, so that one that fails holds up no other. Its jobs are made of the trail: each message once per receiver. */
export function notifyKinds(parts: {
  readonly settings: NotifySettings;
  readonly clock: Clock;
  readonly installationId: string;
  readonly livemode: boolean;
  readonly version: string;
}): JobKind[] {
  const { settings, clock, version } = parts;
  // The address is the operator's, not a caller's: a chat server in the own network is as good as any. Redirects are not followed.
  const poster = createPoster({ clock, resolve: systemResolve, allowPrivate: true, version });
  const kinds: JobKind[] = [];
  const add = (name: string, takes: Audience, send: (message: Message) => Promise<void>): void => {
    kinds.push(kindOf(`${QUEUES}${name}`, takes, (data) => send(messageOf(data, parts))));
  };
  const { slackUrl, slackFinanceUrl, email } = settings;
  if (slackUrl !== null) add("slack", "all", ({ words }) => postToSlack(poster, slackUrl, words));
  if (slackFinanceUrl !== null) add("slack_finance", "money", ({ words }) => postToSlack(poster, slackFinanceUrl, words));
  if (email !== null) {
    const mailer = createMailer(email);
    if (email.to.length > 0) add("email", "all", (message) => mailer.send({ ...message, to: email.to }));
    if (email.finance.length > 0) add("email_finance", "money", (message) => mailer.send({ ...message, to: email.finance }));
  }
  return kinds;
}

/** `money`: only what finance wants to know. */
type Audience = "all" | "money";

function kindOf(name: string, takes: Audience, send: (data: JobData) => Promise<void>): JobKind {
  return {
    name,
    feed: {
      types: [NOTIFICATION],
      toJob(event) {
        const notification = notificationOf(event);
        const topic = { ...CONDITIONS, ...HAPPENINGS }[notification.topic];
        if (!topic || (takes === "money" && !topic.money)) return null;
        return { data: { seq: event.seq.toString(), notification } };
      },
    },
    retries: RETRIES,
    retryDelayS: RETRY_DELAY_S,
    expireS: EXPIRE_S,
    pollS: 5,
    batch: 1,
    async run(jobs) {
      for (const data of jobs) await send(data);
    },
  };
}

/** Written by `writeNotifications` alone; a topic of a later version may be unknown here. */
function notificationOf(event: SealedEvent): Notification {
  return event.data as unknown as Notification;
}

function messageOf(data: JobData, { installationId, livemode }: { installationId: string; livemode: boolean }): Message {
  const notification = data.notification as Notification;
  const trouble = `${installationId}.${notification.topic}.${Date.parse(notification.since)}`;
  const words = wordsOf(notification, livemode);
  return notification.what === "lasting" || notification.what === "ended"
    ? { words, id: `${trouble}.${String(data.seq)}`, about: trouble }
    : { words, id: trouble, about: null };
}
