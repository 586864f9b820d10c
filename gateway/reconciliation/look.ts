import { Call } from "../../providers/contract/call.ts";
import type { Currency } from "../../providers/contract/money.ts";
import { type Finding, isFault, type Outcome, type Unknown } from "../../providers/contract/outcome.ts";
import { requestOf } from "../charges/attempt.ts";
import type { Attempt, Charge } from "../charges/charge.ts";
import type { OwnOperation } from "../store/reconciliation-suspects.ts";
import type { Parts } from "./parts.ts";

/** Single payments that one run looks up: about an hour of a provider's answers. What is beyond it stays unverified. */
const MAX_LOOKS = 5_000;
/** So many questions in a row without an answer: the provider is not asked again in this run. */
const GIVE_UP_AFTER = 10;

/** Asks a provider about one payment or refund: the last word before anything is called missing. Bounded per run. */
export class Looks {
  readonly #parts: Parts;
  readonly #unanswered = new Map<string, number>();
  #left = MAX_LOOKS;
  count = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  payment(charge: Charge, attempt: Attempt): Promise<Finding> {
    const request = requestOf(charge, attempt);
    return this.#ask<Finding>(attempt.provider, attempt.providerAccount, async (provider, call) => {
      const { finding } = await provider.lookup({ request, object: attempt.object, replayPrepare: false }, call);
      return finding;
    });
  }

  refund(operation: OwnOperation): Promise<Outcome> {
    return this.#ask<Outcome>(operation.provider, operation.provider_account, async (provider, call) => {
      if (!provider.lookupRefund) return unknown("this processor cannot be asked about a refund");
      const request = {
        chargeId: operation.charge_id,
        attemptId: operation.attempt_id,
        key: operation.provider_key,
        reference: operation.reference,
        object: operation.object ?? operation.reference,
        money: { amount: operation.amount, currency: operation.currency as Currency },
      };
      return provider.lookupRefund(request, operation.provider_reference, call);
    });
  }

  async #ask<T extends Finding | Outcome>(
    id: string,
    account: string,
    send: (provider: NonNullable<ReturnType<Parts["providers"]["get"]>>, call: Call) => Promise<T | Unknown>,
  ): Promise<T | Unknown> {
    const { providers, accountOf, clock, settings, ask } = this.#parts;
    const provider = providers.get(id);
    if (!provider || accountOf(id) !== account) return unknown("its account is not configured");
    const silent = this.#unanswered.get(id) ?? 0;
    if (this.#left <= 0) return unknown("too many to look up in one run");
    if (silent >= GIVE_UP_AFTER) return unknown("the provider does not answer");
    this.#left -= 1;
    this.count += 1;
    const call = new Call({ clock, timeoutMs: settings.providerTimeoutMs });
    const answer = await ask(id, () => send(provider, call), isFault);
    const result = answer.admitted ? answer.result : unknown(answer.reason);
    this.#unanswered.set(id, result.kind === "unknown" && isSilence(result) ? silent + 1 : 0);
    return result;
  }
}

/** Not found is an answer. */
function isSilence({ cause }: Unknown): boolean {
  return cause === "timeout" || cause === "connection_lost" || cause === "server_error" || cause === "not_asked";
}

function unknown(detail: string): Unknown {
  return { kind: "unknown", cause: "not_asked", detail };
}
