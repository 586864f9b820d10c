import type { Transition } from "../../gateway/store/write-transitions.ts";
import type { Outcome } from "../../providers/contract/outcome.ts";
import type { OperationRequest, Provider } from "../../providers/contract/provider.ts";
import { notSent } from "./outcomes.ts";
import { type Bug, inRows, overlay, silently, withLookup } from "./plant.ts";

type Capture = Provider["capture"];
type Operation = { readonly kind: string; readonly captured: boolean } | null;

function withCapture(change: (capture: Capture, ...args: Parameters<Capture>) => Promise<Outcome>): (provider: Provider) => Provider {
  return (provider) => overlay(provider, { capture: (...args) => change(provider.capture.bind(provider), ...args) });
}

/** The turn goes on at once, whatever becomes of the write. */
function unwritten(which: (transition: Transition) => boolean): NonNullable<Bug["core"]> {
  return (core) => ({
    ...core,
    write: (transition) => {
      if (!which(transition)) return core.write(transition);
      silently(core.write(transition));
      return Promise.resolve(true);
    },
  });
}

/** What can go wrong with money that is only held: authorize, capture, void, and authorizations that are left for another provider. */
export const HOLD_BUGS: readonly Bug[] = [
  {
    name: "an orphan never looked at",
    sql: inRows("write_transitions", (row) => {
      const left = row.attempt?.live === false && row.attempt.outcome === "unknown";
      return left ? { ...row, attempt: { ...row.attempt, next_look_at: null } } : row;
    }),
  },
  {
    name: "an orphan's hold not released",
    sql: inRows("write_transitions", (row) => {
      const operation = row.operation as Operation;
      return operation?.kind === "compensate" && !operation.captured ? { ...row, operation: null } : row;
    }),
  },
  {
    name: "an orphan's hold taken instead of released",
    provider: (provider) => {
      const held = new Map<string, OperationRequest>();
      return overlay(provider, {
        lookup: async (query, call) => {
          const found = await provider.lookup(query, call);
          const { chargeId, attemptId, money } = query.request;
          if (found.finding.kind === "approved" && !found.finding.captured && found.object !== null) {
            const { reference } = found.finding;
            held.set(found.object, { chargeId, attemptId, money, reference, object: found.object, key: `${attemptId}:capture` });
          }
          return found;
        },
        cancel: async (object, call) => {
          const request = held.get(object);
          const outcome = request ? await provider.capture(request, call) : await provider.cancel(object, call);
          return outcome.kind === "not_sent" ? { kind: "unknown", cause: "unexpected", detail: outcome.detail } : outcome;
        },
      });
    },
  },
  {
    name: "a capture in doubt that fails over",
    provider: withCapture(async (capture, ...args) => {
      const outcome = await capture(...args);
      return outcome.kind === "unknown" ? notSent("fenced", false, "no answer") : outcome;
    }),
  },
  {
    name: "a declined capture that fails over",
    provider: withCapture(async (capture, ...args) => {
      const outcome = await capture(...args);
      return outcome.kind === "declined" ? notSent("fenced", false, "declined") : outcome;
    }),
  },
  { name: "a capture sent before its intent is committed", core: unwritten(({ operation }) => operation?.kind === "capture") },
  { name: "a void sent before its intent is committed", core: unwritten(({ operation }) => operation?.kind === "void") },
  {
    name: "a deferred capture sent again before that is committed",
    core: unwritten(({ settlement }) => settlement?.state === "processing"),
  },
  {
    name: "a capture's key made anew with each try",
    provider: (provider) => {
      let tries = 0;
      return withCapture((capture, request, ...others) => {
        tries += 1;
        return capture({ ...request, key: tries === 1 ? request.key : `${request.key}:${tries}` }, ...others);
      })(provider);
    },
  },
  {
    name: "more captured than was asked for",
    provider: withCapture((capture, request, ...others) =>
      capture({ ...request, money: { ...request.money, amount: request.money.amount + 1n } }, ...others),
    ),
  },
  {
    name: "a capture in doubt forgotten",
    sql: inRows("write_transitions", (row) => {
      const settlement = row.settlement as { readonly state: string } | null;
      return settlement?.state === "in_doubt" ? { ...row, next_action_at: null } : row;
    }),
  },
  {
    name: "a capture's key not kept",
    sql: inRows("write_transitions", (row) => {
      const command = row.command as { readonly operation: string } | null;
      return command?.operation === "capture" ? { ...row, command: null } : row;
    }),
  },
  {
    name: "a void believed without its confirmation",
    provider: (provider) =>
      overlay(provider, {
        cancel: async (object, call) => {
          const finding = await provider.cancel(object, call);
          const believed = finding.kind === "unknown" && !provider.capabilities.fence;
          return believed ? { kind: "fenced", object, decline: null } : finding;
        },
      }),
  },
  {
    name: "a hold read as a payment",
    provider: (provider) => {
      const paid = <T extends { readonly kind: string }>(found: T): T => (found.kind === "approved" ? { ...found, captured: true } : found);
      const looking = withLookup((found) => ({ ...found, finding: paid(found.finding) }))(provider);
      return overlay(looking, { commit: async (...args) => paid(await provider.commit(...args)) });
    },
  },
  {
    name: "a hold that cannot be seen read as lapsed",
    provider: (provider) =>
      overlay(provider, {
        lookup: async (query, call) => {
          const found = await provider.lookup(query, call);
          const gone = query.request.capture === "manual" && found.finding.kind === "unknown" && found.object !== null;
          return gone ? { ...found, finding: { kind: "fenced", object: found.object as string, decline: null } } : found;
        },
      }),
  },
];
