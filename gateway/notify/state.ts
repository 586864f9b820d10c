import type { Capability, Level } from "../capabilities.ts";
import type { ConditionState } from "./condition.ts";
import type { DigestState } from "./digest.ts";
import type { Condition, HappeningTopic } from "./topics.ts";

/** What the whole fleet of instances remembers of what people were told; times are milliseconds since 1970. */
export interface NotifyState {
  readonly conditions: Readonly<Partial<Record<Condition, ConditionState>>>;
  readonly happenings: Readonly<Partial<Record<HappeningTopic, DigestState>>>;
  /** What the public page says, and since when. */
  readonly page: Readonly<Partial<Record<Capability, { readonly level: Level; readonly since: number }>>>;
}

export function stateOf(kept: Partial<NotifyState>): NotifyState {
  return { conditions: kept.conditions ?? {}, happenings: kept.happenings ?? {}, page: kept.page ?? {} };
}
