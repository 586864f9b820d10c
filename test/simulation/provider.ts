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
import type { Machine } from "./machine.ts";
import { bug, declined, doubtful, ended, hidden, intentOf, notSent, outcomeOf, refundFailed, refundOf, unknown } from "./outcomes.ts";
import type { Card, Payment, Reply } from "./payment.ts";
import type { Processor } from "./processor.ts";
import type { Answer, Request, Wire } from "./wire.ts";

export interface Token {
  readonly card: Card;
}

/** The adapter below the seam: the same judgments as the real ones make, on the simulated wire. */
export class SimulatedProvider implements Provider {
  readonly id: string;
  readonly kind: string;
  readonly capabilities: Capabilities;
  readonly #processor: Processor;
  readonly #wire: Wire;
  readonly #machine: Machine;
  readonly #keySuffix: string;

  /** `keySuffix` is a planted bug: the real keys are the same for ever. */
  constructor(parts: { processor: Processor; wire: Wire; machine: Machine; keySuffix: string }) {
    this.id = parts.processor.psp;
    this.kind = parts.processor.psp;
    this.capabilities = CAPABILITIES[parts.processor.psp];
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
      if (answer.kind === "ok") return this.#settled(answer.payment);
      if (answer.kind === "error" && answer.code === "unexpected_state") {
        const finding = await this.#look(object, call);
        if (finding.kind === "fenced") return notSent("fenced", false, "canceled");
        return finding.kind === "unpaid" ? unknown("unexpected", "refused by its state, and still unpaid") : finding;
      }
      if (this.id === "paypal" && answer.kind === "error" && (answer.code === "already_captured" || answer.code === "in_progress"))
        return this.#decidedByLooking(object, call, outcomeOf(answer, call, replay), answer.code === "already_captured");
      return outcomeOf(answer, call, replay);
    });
  }

  capture(): Promise<Outcome> {
    throw new Error("nothing is authorized in the simulation");
  }

  cancel(object: string, call: Call): Promise<Finding> {
    return this.#within<Finding>(call, true, async () => {
      if (!this.capabilities.fence) return unknown("unexpected", "this provider has no fence");
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
      let finding: Finding;
      if (answer.kind === "ok") finding = this.#finding(answer.payment);
      else if (answer.kind === "error" && answer.code === "unexpected_state") finding = await this.#look(object, call);
      else finding = doubtful(outcomeOf(answer, call, true));
      return finding.kind === "unpaid" ? unknown("unexpected", "not canceled") : finding;
    });
  }

  refund(request: OperationRequest, call: Call, { replay } = { replay: false }): Promise<Outcome> {
    return this.#within<Outcome>(call, replay, async () => {
      const answer = await this.#ask(call, {
        operation: "refund",
        key: request.key,
        about: `${request.attemptId} ${request.reference}`,
        counted: true,
        intent: null,
        object: null,
        execute: (manner, reply) => this.#processor.refund(request.key, request.object, request.money.amount, manner, reply),
      });
      if (answer.kind === "ok") return refundOf(answer.payment, request);
      if (answer.kind === "error" && (answer.code === "not_refundable" || answer.code === "too_much_refunded")) {
        // The first send may have refunded it; at paypal only where something was refunded.
        const perhapsOurs = replay && (this.id === "stripe" || answer.code === "too_much_refunded");
        return perhapsOurs ? unknown("conflict", answer.code) : refundFailed(answer.code);
      }
      return outcomeOf(answer, call, replay);
    });
  }

  lookupRefund(request: OperationRequest, refund: string | null, call: Call): Promise<Outcome> {
    return this.#within<Outcome>(call, true, async () => {
      const answer = await this.#read(call, `refund ${refund}`, () => this.#processor.get(request.object));
      return answer.kind === "ok" ? refundOf(answer.payment, refund === null ? request : { id: refund }) : outcomeOf(answer, call, true);
    });
  }

  lookup(query: LookupQuery, call: Call): Promise<{ object: string | null; finding: Finding }> {
    let { object } = query;
    const work = async (): Promise<{ object: string | null; finding: Finding }> => {
      if (object === null && query.replayPrepare) {
        const answer = await this.#create(query.request, call);
        // Nobody was ever told an id under this key, so nobody can have confirmed it.
        if (answer.kind === "server_error" && answer.replayed && this.id === "stripe")
          return { object, finding: { kind: "fenced", object: "none", decline: null } };
        if (answer.kind === "ok") object = answer.payment.id;
      }
      if (object === null && this.id === "stripe") {
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
    return this.#ask(call, {
      operation: "prepare",
      about: attemptId,
      counted: true,
      intent: intentOf(request),
      object: null,
      execute: (manner, reply) =>
        this.#processor.create(stepKey(attemptId, "prepare") + this.#keySuffix, { attemptId, chargeId, ...money, card }, manner, reply),
    });
  }

  async #look(object: string, call: Call): Promise<Finding> {
    const answer = await this.#read(call, object, () => this.#processor.get(object));
    return answer.kind === "ok"
      ? this.#finding(answer.payment)
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

  #finding(payment: Readonly<Payment>): Finding {
    switch (payment.status) {
      case "succeeded":
        return { kind: "approved", reference: this.#processor.referenceOf(payment), amount: payment.amount, captured: true };
      case "processing":
        return { kind: "pending", reference: payment.id, reason: "review" };
      case "requires_action":
        return { kind: "requires_action", url: `https://pay.example/${payment.id}` };
      case "canceled":
        return { kind: "fenced", object: payment.id, decline: payment.declined && declined(payment.declined) };
      case "declined":
        return this.capabilities.fence ? { kind: "unpaid", object: payment.id } : declined(payment.declined ?? "declined_never");
      default:
        return { kind: "unpaid", object: payment.id };
    }
  }

  #settled(payment: Readonly<Payment>): Outcome {
    if (payment.status === "declined") return declined(payment.declined ?? "declined_never");
    const finding = this.#finding(payment);
    if (finding.kind === "fenced") return notSent("fenced", false, "canceled");
    return finding.kind === "unpaid" ? unknown("unexpected", "accepted, but neither paid nor declined") : finding;
  }

  #within<T extends { readonly kind: string }>(call: Call, replay: boolean, work: () => Promise<T>): Promise<T> {
    const end = (): T => {
      const outcome = ended(call, replay);
      return (replay ? doubtful(outcome) : outcome) as unknown as T;
    };
    return call.run(work, () => bug() as unknown as T, end);
  }
}
