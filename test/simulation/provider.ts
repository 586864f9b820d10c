import type { Call } from "../../providers/contract/call.ts";
import type { Finding, Outcome, Prepared } from "../../providers/contract/outcome.ts";
import {
  type AttemptRequest,
  type Capabilities,
  type Identity,
  type LookupQuery,
  type OperationRequest,
  type Provider,
  stepKey,
} from "../../providers/contract/provider.ts";
import { CAPABILITIES } from "./capabilities.ts";
import { asOutcome, capturedOf, findingOf, settledOf } from "./findings.ts";
import { holdOf } from "./holds.ts";
import type { Machine } from "./machine.ts";
import { bug, doubtful, ended, hidden, intentOf, outcomeOf, refundFailed, refundOf, unknown } from "./outcomes.ts";
import type { Card, ErrorCode, PaymentStatus, Reply } from "./payment.ts";
import type { Processor } from "./processor.ts";
import type { Psp } from "./weather.ts";
import type { Answer, Request, Wire } from "./wire.ts";

export interface Token {
  readonly card: Card;
}

/** The adapter below the seam: the same judgments as the real ones make, on the simulated wire. */
export class SimulatedProvider implements Provider {
  readonly id: string;
  readonly kind: string;
  readonly capabilities: Capabilities;
  readonly #psp: Psp;
  readonly #processor: Processor;
  readonly #wire: Wire;
  readonly #machine: Machine;
  readonly #keySuffix: string;

  /** `keySuffix` is a planted bug: the real keys are the same for ever. */
  constructor(parts: { processor: Processor; wire: Wire; machine: Machine; keySuffix: string }) {
    this.id = parts.processor.psp;
    this.kind = parts.processor.psp;
    this.capabilities = CAPABILITIES[parts.processor.psp];
    this.#psp = parts.processor.psp;
    this.#processor = parts.processor;
    this.#wire = parts.wire;
    this.#machine = parts.machine;
    this.#keySuffix = parts.keySuffix;
  }

  checkToken(): null {
    return null;
  }

  tokenReference(token: unknown): string {
    return JSON.stringify(token);
  }

  close(): void {}

  identify(call: Call): Promise<Identity | { kind: "unknown"; detail: string }> {
    const ask = this.#ask(call, {
      operation: "identify",
      about: "",
      counted: false,
      intent: null,
      object: null,
      execute: (_, reply) => reply({ kind: "error", code: "not_found" }),
    });
    const account = `acct_${this.id}`;
    return call.run<Identity | { kind: "unknown"; detail: string }>(
      // The processor's answer to it is always the same; what counts is whether one came.
      async () =>
        (await ask).kind === "error" ? { kind: "identity", account, livemode: false } : { kind: "unknown", detail: "no answer" },
      bug,
      () => unknown("timeout", "no answer"),
    );
  }

  prepare(request: AttemptRequest, call: Call): Promise<Prepared | Outcome> {
    return this.#within<Prepared | Outcome>(call, false, async () => {
      const answer = await this.#create(request, call);
      return answer.kind === "ok" ? { kind: "prepared", object: answer.payment.id } : outcomeOf(answer, call, false);
    });
  }

  commit(request: AttemptRequest, object: string, call: Call, { replay }: { readonly replay: boolean }): Promise<Outcome> {
    return this.#within<Outcome>(call, replay, async () => {
      const answer = await this.#ask(call, {
        operation: "commit",
        about: `${request.attemptId} ${object}${replay ? " again" : ""}`,
        counted: true,
        intent: intentOf(request),
        object,
        execute: (manner, reply) => this.#processor.commit(stepKey(request.attemptId, "commit") + this.#keySuffix, object, manner, reply),
      });
      if (answer.kind === "ok") return settledOf(this.#psp, answer.payment);
      if (answer.kind === "error" && answer.code === "unexpected_state") {
        return asOutcome(await this.#look(object, call), "refused by its state, and still unpaid");
      }
      if (this.#psp === "paypal" && answer.kind === "error" && (answer.code === "already_captured" || answer.code === "in_progress"))
        return this.#decidedByLooking(object, call, outcomeOf(answer, call, replay), answer.code === "already_captured");
      return outcomeOf(answer, call, replay);
    });
  }

  capture(request: OperationRequest, call: Call, { replay } = { replay: false }): Promise<Outcome> {
    const { attemptId, chargeId, object, reference, money, key } = request;
    const known = this.#psp === "stripe" || reference === holdOf(this.#psp, object);
    return this.#within<Outcome>(call, replay, async () => {
      const answer = await this.#ask(call, {
        operation: "capture",
        about: `${attemptId} ${object}${replay ? " again" : ""}`,
        counted: true,
        intent: null,
        act: { attemptId, chargeId, amount: money.amount, key },
        object,
        execute: (manner, reply) => {
          // stripe: a PaymentIntent is captured once, whatever the key; a replay under the old one would meet a stored 500.
          const sent = this.#psp === "stripe" && replay ? null : key + this.#keySuffix;
          this.#processor.capture(sent, known ? object : "", money.amount, manner, reply);
        },
      });
      if (answer.kind === "ok") return capturedOf(findingOf(this.#psp, answer.payment), money.amount);
      if (answer.kind === "error" && BY_STATE.has(answer.code)) {
        const finding = await this.#look(object, call);
        const decides = this.#psp === "stripe" || finding.kind === "approved" || finding.kind === "pending" || finding.kind === "fenced";
        return decides ? capturedOf(finding, money.amount) : unknown("conflict", answer.code);
      }
      return outcomeOf(answer, call, replay);
    });
  }

  cancel(object: string, call: Call): Promise<Finding> {
    return this.#within<Finding>(call, true, async () => {
      if (!this.capabilities.fence) {
        // Only a hold can be voided: an order that is not yet authorized may still be.
        const seen = await this.#read(call, object, () => this.#processor.get(object));
        if (seen.kind !== "ok") return doubtful(outcomeOf(seen, call, true));
        const { manual, status } = seen.payment;
        if (!manual || !AFTER_HOLD.has(status)) return unknown("unexpected", "this provider cannot cancel what is not authorized");
        if (status === "declined") return { kind: "fenced", object, decline: null };
        if (status !== "held") return findingOf(this.#psp, seen.payment);
      }
      const answer = await this.#ask(call, {
        operation: "cancel",
        about: object,
        counted: true,
        intent: null,
        object: null,
        execute: (manner, reply) =>
          reply(
            manner.fails === "before" ? { kind: "server_error", replayed: false } : hidden(this.#processor.cancel(object), manner.fails),
          ),
      });
      if (answer.kind === "ok") return closed(findingOf(this.#psp, answer.payment));
      if (answer.kind === "error" && BY_STATE.has(answer.code)) return closed(await this.#look(object, call));
      return closed(doubtful(outcomeOf(answer, call, true)));
    });
  }

  refund(request: OperationRequest, call: Call, { replay } = { replay: false }): Promise<Outcome> {
    const refundKey = request.key + this.#keySuffix;
    return this.#within<Outcome>(call, replay, async () => {
      const answer = await this.#ask(call, {
        operation: "refund",
        refund: { key: request.key, attemptId: request.attemptId, amount: request.money.amount },
        about: `${request.attemptId} ${request.reference}`,
        counted: true,
        intent: null,
        object: null,
        execute: (manner, reply) => this.#processor.refund(refundKey, request.object, request.money.amount, manner, reply),
      });
      if (answer.kind === "ok") return refundOf(answer.payment, { key: refundKey });
      if (answer.kind === "error" && (answer.code === "not_refundable" || answer.code === "too_much_refunded")) {
        // The first send may have refunded it; at paypal only where something was refunded.
        const perhapsOurs = replay && (this.#psp === "stripe" || answer.code === "too_much_refunded");
        return perhapsOurs ? unknown("conflict", answer.code) : refundFailed(answer.code);
      }
      return outcomeOf(answer, call, replay);
    });
  }

  lookupRefund(request: OperationRequest, refund: string | null, call: Call): Promise<Outcome> {
    return this.#within<Outcome>(call, true, async () => {
      const answer = await this.#read(call, `refund ${refund}`, () => this.#processor.get(request.object));
      return answer.kind === "ok"
        ? refundOf(answer.payment, refund === null ? { key: request.key + this.#keySuffix } : { id: refund })
        : outcomeOf(answer, call, true);
    });
  }

  lookup(query: LookupQuery, call: Call): Promise<{ object: string | null; finding: Finding }> {
    let { object } = query;
    const work = async (): Promise<{ object: string | null; finding: Finding }> => {
      if (object === null && query.replayPrepare) {
        const answer = await this.#create(query.request, call);
        // Nobody was ever told an id under this key, so nobody can have confirmed it.
        if (answer.kind === "server_error" && answer.replayed && this.#psp === "stripe")
          return { object, finding: { kind: "fenced", object: "none", decline: null } };
        if (answer.kind === "ok") object = answer.payment.id;
      }
      if (object === null && this.#psp === "stripe") {
        const answer = await this.#read(call, query.request.attemptId, () => this.#processor.find(query.request.attemptId));
        if (answer.kind === "ok") object = answer.payment.id;
      }
      if (object === null) return { object, finding: unknown("unexpected", "not found, which proves nothing") };
      return { object, finding: await this.#look(object, call) };
    };
    return call.run(
      work,
      () => ({ object, finding: bug() }),
      () => ({ object, finding: doubtful(ended(call, true)) }),
    );
  }

  /** Another request has this order: what is settled there is this attempt's doing, a decline only if that request has ended. */
  async #decidedByLooking(object: string, call: Call, doubt: Outcome, ended: boolean): Promise<Outcome> {
    const finding = await this.#look(object, call);
    const decides = finding.kind === "approved" || finding.kind === "pending" || (finding.kind === "declined" && ended);
    return decides ? finding : doubt;
  }

  #create(request: AttemptRequest, call: Call): Promise<Answer> {
    const { card } = request.token as Token;
    const { attemptId, chargeId, money } = request;
    const manual = request.capture === "manual";
    return this.#ask(call, {
      operation: "prepare",
      about: attemptId,
      counted: true,
      intent: intentOf(request),
      object: null,
      execute: (manner, reply) =>
        this.#processor.create(
          stepKey(attemptId, "prepare") + this.#keySuffix,
          { attemptId, chargeId, ...money, card, manual },
          manner,
          reply,
        ),
    });
  }

  async #look(object: string, call: Call): Promise<Finding> {
    const answer = await this.#read(call, object, () => this.#processor.get(object));
    return answer.kind === "ok"
      ? findingOf(this.#psp, answer.payment)
      : unknown(answer.kind === "lost" ? "connection_lost" : "unexpected", `lookup: ${answer.kind}`);
  }

  #read(call: Call, about: string, read: () => Reply): Promise<Answer> {
    return this.#ask(call, {
      operation: "lookup",
      about,
      counted: false,
      intent: null,
      object: null,
      execute: ({ fails }, reply) => reply(hidden(read(), fails)),
    });
  }

  #ask(call: Call, request: Request): Promise<Answer> {
    return this.#wire.send(this.#machine, this.#processor, call, request);
  }

  #within<T extends { readonly kind: string }>(call: Call, replay: boolean, work: () => Promise<T>): Promise<T> {
    const end = (): T => {
      const outcome = ended(call, replay);
      return (replay ? doubtful(outcome) : outcome) as unknown as T;
    };
    return call.run(work, () => bug() as unknown as T, end);
  }
}

/** Refused because of the state that the object is in: a look tells. */
const BY_STATE: ReadonlySet<ErrorCode> = new Set(["unexpected_state", "already_captured", "hold_gone"]);

const AFTER_HOLD: ReadonlySet<PaymentStatus> = new Set(["held", "processing", "succeeded", "canceled", "declined"]);

/** A fence that does not stand proves nothing. */
function closed(finding: Finding): Finding {
  const open = finding.kind === "unpaid" || (finding.kind === "approved" && !finding.captured);
  return open ? unknown("unexpected", "not canceled") : finding;
}
