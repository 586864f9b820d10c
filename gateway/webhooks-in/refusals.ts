import type { Clock } from "../../providers/contract/clock.ts";
import type { WebhookRefusal } from "../../providers/contract/webhook.ts";
import { maskCardNumbers } from "../card-numbers.ts";
import type { BackgroundLog } from "../keep-going.ts";
import { appendEvent, systemEvent } from "../store/append-event.ts";
import type { Database } from "../store/database.ts";

/** Anybody may send what is refused: per provider and reason the trail hears of the first at once, and of the others once in this time. */
const WINDOW_MS = 60_000;
/** Characters of an adapter's explanation; it may quote what a stranger sent. */
const MAX_DETAIL = 200;

export interface Refusals {
  /** Resolves when the trail has it, where it is told of this one. Never rejects. */
  note(provider: string, reason: WebhookRefusal, detail: string): Promise<void>;
  /** Tells what was counted and not told yet. */
  stop(): Promise<void>;
}

interface Window {
  readonly provider: string;
  readonly reason: WebhookRefusal;
  untold: number;
  end: () => void;
}

/** The bounded audit of refused webhooks: however many come, a few events in each minute, and every one of them counted in one. */
export function createRefusals(parts: {
  readonly db: Pick<Database, "query">;
  readonly clock: Clock;
  readonly log: BackgroundLog;
}): Refusals {
  const { db, clock, log } = parts;
  const windows = new Map<string, Window>();

  async function tell(window: Window): Promise<void> {
    const count = window.untold;
    window.untold = 0;
    const { provider, reason } = window;
    const event = systemEvent(new Date(clock.now()), "webhook.refused", provider, { reason, count });
    try {
      await appendEvent(db, { ...event, actor: "system:webhook" });
    } catch (err) {
      // They stay to be told; twice, if the connection was lost after the commit.
      window.untold += count;
      log.warn({ err, provider, reason, count }, "refused webhooks could not be audited");
    }
  }

  function open(window: Window): void {
    window.end = clock.after(WINDOW_MS, () => {
      if (window.untold === 0) windows.delete(`${window.provider} ${window.reason}`);
      else {
        open(window);
        void tell(window);
      }
    });
  }

  return {
    async note(provider, reason, detail) {
      const key = `${provider} ${reason}`;
      const running = windows.get(key);
      if (running) {
        running.untold += 1;
        return;
      }
      const window: Window = { provider, reason, untold: 1, end: () => {} };
      windows.set(key, window);
      open(window);
      log.warn({ provider, reason, detail: maskCardNumbers(detail.slice(0, MAX_DETAIL)) }, "a webhook was refused");
      await tell(window);
    },
    async stop() {
      const all = [...windows.values()];
      windows.clear();
      for (const window of all) window.end();
      await Promise.all(all.filter(({ untold }) => untold > 0).map(tell));
    },
  };
}
