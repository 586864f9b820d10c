import type { Tell } from "./condition.ts";
import type { Sum } from "./digest.ts";
import type { Condition, HappeningTopic } from "./topics.ts";

/** The event of the trail that every message is made of. */
export const NOTIFICATION = "notification.made";

/** Charges of one currency. */
export interface Risk {
  readonly status: "deferred" | "in_doubt";
  readonly currency: string;
  readonly count: number;
  /** Minor units, decimal. */
  readonly amount: string;
  /** RFC 3339: when the oldest of them was accepted. */
  readonly oldest: string;
}

/** What people are told, in totals; times are RFC 3339. */
export type Notification =
  | {
      readonly topic: Condition;
      readonly what: Tell;
      readonly since: string;
      /** When it was over; null: it is not. */
      readonly until: string | null;
      /** How often it began, as far as it is one trouble. */
      readonly times: number;
      readonly at_risk: readonly Risk[];
      /** Those that take nothing. */
      readonly providers: readonly string[];
    }
  | {
      readonly topic: HappeningTopic;
      readonly what: "happened";
      readonly since: string;
      readonly happened: Readonly<Record<string, Sum>>;
    };
