import type { Statement } from "../../gateway/store/database.ts";
import type { Transition } from "../../gateway/store/write-transitions.ts";
import type { Currency } from "../../providers/contract/money.ts";
import { HOLD_BUGS } from "./hold-bugs.ts";
import { notSent } from "./outcomes.ts";
import { type Bug, inRows, inText, overlay, silently, withCommit, withLookup, withRequest } from "./plant.ts";
import { REFUND_BUGS } from "./refund-bugs.ts";
import { purposeOf } from "./sql.ts";

/** As if it could not be adopted. */
function sentBack(row: Transition): Transition {
  const { reopen } = row;
  if (reopen?.outcome !== "approved") return row;
  const { id: attempt_id, object } = reopen;
  const reference = reopen.provider_reference ?? "";
  const operation = {
    id: `op_${attempt_id}`,
    kind: "compensate" as const,
    account_id: "acct_default",
    attempt_id,
    provider_key: `${attempt_id}:compensate`,
    object,
    reference,
    amount: row.amount_captured,
    currency: "usd",
    captured: true,
  };
  return { ...row, status: row.from_status, amount_captured: "0", reopen: null, operation, events: [] };
}

function operationOf(command: unknown): unknown {
  return (command as { operation?: unknown } | null)?.operation;
}

const LEASE_MS = 40_000;

/** The database's leases as they are, whatever the process believes. */
function withLeasesOf(ms: number): (statement: Statement) => Statement {
  const inWrites = (name: string) =>
    inRows(name, (row) => {
      const end = new Date(Date.parse(String(row.now)) + ms).toISOString();
      return row.lease_until === null ? row : { ...row, lease_until: end, next_action_at: end };
    });
  return (statement) => {
    if (!/^(claim_|take_)/.test(statement.name)) return inWrites("write_transitions")(inWrites("accept_charges")(statement));
    const [now, , ...others] = statement.values as [Date, Date, ...unknown[]];
    return { ...statement, values: [now, new Date(now.getTime() + ms), ...others] };
  };
}

export const BUGS: readonly Bug[] = [
  ...HOLD_BUGS,
  ...REFUND_BUGS,
  {
    name: "failover on a commit timeout",
    provider: withCommit(async (commit, ...args) => {
      const outcome = await commit(...args);
      return outcome.kind === "unknown" && outcome.cause === "timeout" ? notSent("refused", true, "timed out") : outcome;
    }),
  },
  {
    name: "a reset in the commit step read as never sent",
    provider: withCommit(async (commit, ...args) => {
      const outcome = await commit(...args);
      return outcome.kind === "unknown" && outcome.cause === "connection_lost" ? notSent("refused", true, "reset") : outcome;
    }),
  },
  { name: "a closed call still sends", gateless: true },
  {
    name: "unpaid so far read as proof",
    provider: withLookup((found) =>
      found.finding.kind === "unpaid" ? { ...found, finding: { kind: "fenced", object: found.finding.object, decline: null } } : found,
    ),
  },
  {
    name: "not found read as not charged",
    provider: withLookup((found) =>
      found.object === null && found.finding.kind === "unknown"
        ? { ...found, finding: { kind: "fenced", object: "none", decline: null } }
        : found,
    ),
  },
  {
    name: "a fence believed without its confirmation",
    provider: (provider) =>
      overlay(provider, {
        cancel: async (object, call) => {
          const finding = await provider.cancel(object, call);
          return finding.kind === "unknown" ? { kind: "fenced", object, decline: null } : finding;
        },
      }),
  },
  { name: "keys made anew after a crash", keysPerBoot: true },
  {
    name: "replay after the provider has forgotten the key",
    provider: (provider) => overlay(provider, { capabilities: { ...provider.capabilities, prepareKeyAgeMs: Number.MAX_SAFE_INTEGER } }),
  },
  {
    name: "a refused connection after a lost reply read as never sent",
    provider: withCommit(async (commit, request, object, call, options) => {
      const first = await commit(request, object, call, options);
      if (first.kind !== "unknown" || first.cause !== "connection_lost") return first;
      const second = await commit(request, object, call, options);
      return second.kind === "unknown" ? notSent("refused", true, "refused") : second;
    }),
  },
  {
    name: "no compare-and-set on the lease",
    sql: inText("write_transitions", "c.lease_no = i.lease_no and c.status = i.from_status", "true"),
  },
  {
    name: "acknowledged before the outcome is committed",
    core: (core) => ({
      ...core,
      write: (transition) => {
        if (transition.next_attempt) return core.write(transition);
        silently(core.write(transition));
        return Promise.resolve(true);
      },
    }),
  },
  {
    name: "sent before the intent is committed",
    core: (core) => ({
      ...core,
      accept: (charge) => {
        silently(core.accept(charge));
        return Promise.resolve("accepted");
      },
    }),
  },
  {
    name: "Redis trusted over PostgreSQL",
    sql: inRows("accept_charges", (row) => ({
      ...row,
      idempotency_key: `${String(row.idempotency_key)} ${String(row.id)}`,
      reference: null,
    })),
  },
  {
    name: "a doubt forgotten at restart",
    onBoot: { name: "forget", text: "update attempts set live = false, outcome = 'not_sent' where live and outcome is null" },
  },
  {
    name: "a drained charge sent twice by two workers",
    sql: (statement) => {
      if (statement.name === "claim_deferred")
        return { ...statement, text: statement.text.replaceAll("c.lease_no + 1, lease_until = $2", "c.lease_no, lease_until = null") };
      if (purposeOf(statement) === "write_transitions")
        return { ...statement, text: statement.text.replaceAll("c.lease_no = i.lease_no and c.status = i.from_status", "true") };
      return statement;
    },
    core: (core) => ({
      ...core,
      write: (transition) =>
        transition.from_status === "deferred" && transition.next_attempt
          ? core.write(transition).then(
              () => true,
              () => true,
            )
          : core.write(transition),
    }),
  },
  {
    name: "a late success ignored",
    sql: inRows("write_transitions", (row) => {
      // An authorization that was left in doubt is another story: hold-bugs.ts.
      const orphan = row.attempt?.live === false && row.attempt.outcome === "unknown";
      return orphan ? row : { ...row, attempt: row.attempt && { ...row.attempt, next_look_at: null } };
    }),
  },
  { name: "a change without its event", sql: inRows("write_transitions", (row) => ({ ...row, events: [] })) },
  {
    name: "what cannot be finished is dropped",
    sql: inRows("write_transitions", (row) =>
      row.dead_letter ? { ...row, dead_letter: null, next_action_at: row.status === "deferred" ? null : row.next_action_at } : row,
    ),
  },
  { name: "a claim of what is under a lease", sql: inText("claim_due", "(lease_until is null or lease_until <= $1)", "true") },
  { name: "another's lease given back", sql: inText("release_claim", "lease_no = $2", "$2::int is not null") },
  {
    name: "a lease held for ever",
    sql: withLeasesOf(LEASE_MS),
    core: (core) => ({ ...core, settings: { ...core.settings, chargeBudgetMs: 3_600_000 } }),
  },
  {
    name: "the currency always usd",
    provider: withRequest((request) => ({ ...request, money: { ...request.money, currency: "usd" as Currency } })),
  },
  {
    name: "another provider's token",
    sql: inRows("accept_charges", (row) => {
      const { tokens } = row.payment_method as { tokens: object };
      const request = { ...(row.attempt?.request as object), token: Object.values(tokens).at(-1) };
      return { ...row, attempt: row.attempt && { ...row.attempt, request } };
    }),
  },
  {
    name: "a compensation's key made anew with each try",
    provider: (provider) => {
      let tries = 0;
      return overlay(provider, {
        refund: (request, ...others) => {
          if (!request.key.includes(":compensate")) return provider.refund(request, ...others);
          tries += 1;
          return provider.refund({ ...request, key: `${request.key}:${tries}` }, ...others);
        },
      });
    },
  },
  {
    name: "late evidence that leaves the holder its lease",
    sql: inText("hint_attempt", "set lease_no = c.lease_no + 1", "set lease_no = c.lease_no"),
  },
  { name: "a late success never adopted", core: (core) => ({ ...core, write: (row) => core.write(sentBack(row)) }) },
  {
    name: "a cancel's key not kept",
    sql: inRows("write_transitions", (row) => (operationOf(row.command) === "cancel" ? { ...row, command: null } : row)),
  },
];
