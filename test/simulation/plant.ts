import type { Core } from "../../gateway/charges/core.ts";
import type { KeyClaims } from "../../gateway/idempotency/key-claims.ts";
import type { Statement } from "../../gateway/store/database.ts";
import type { AttemptRequest, Provider } from "../../providers/contract/provider.ts";
import { purposeOf } from "./sql.ts";

/** A mistake that somebody could make, planted from outside: the product's own code stays as it is. */
export interface Bug {
  readonly name: string;
  readonly provider?: (provider: Provider) => Provider;
  /** The adapter makes its keys anew with each start of the process. */
  readonly keysPerBoot?: boolean;
  readonly sql?: (statement: Statement) => Statement;
  readonly core?: (core: Core) => Core;
  readonly claims?: (claims: KeyClaims) => KeyClaims;
  /** The transport does not ask the gate. */
  readonly gateless?: boolean;
  /** Run by each instance as it starts. */
  readonly onBoot?: Statement;
}

type Commit = Provider["commit"];

export function withCommit(change: (commit: Commit, ...args: Parameters<Commit>) => ReturnType<Commit>): (provider: Provider) => Provider {
  return (provider) => overlay(provider, { commit: (...args) => change(provider.commit.bind(provider), ...args) });
}

export function withLookup(
  change: (found: Awaited<ReturnType<Provider["lookup"]>>) => Awaited<ReturnType<Provider["lookup"]>>,
): (provider: Provider) => Provider {
  return (provider) => overlay(provider, { lookup: async (query, call) => change(await provider.lookup(query, call)) });
}

export function overlay(provider: Provider, over: Partial<Provider>): Provider {
  return new Proxy(provider, {
    get(target, name) {
      if (Reflect.has(over, name)) return Reflect.get(over, name);
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

export function inText(name: string, from: string, to: string): (statement: Statement) => Statement {
  return (statement) => {
    if (purposeOf(statement) !== name) return statement;
    const text = statement.text.replaceAll(from, to);
    if (text === statement.text) throw new Error(`the planted bug does not fit the statement ${name} any more`);
    return { ...statement, text };
  };
}

type Row = Record<string, unknown> & { attempt: Record<string, unknown> | null };

export function inRows(name: string, change: (row: Row) => Row): (statement: Statement) => Statement {
  return (statement) => {
    if (purposeOf(statement) !== name) return statement;
    const [rows, ...others] = statement.values ?? [];
    return { ...statement, values: [JSON.stringify((JSON.parse(rows as string) as Row[]).map(change)), ...others] };
  };
}

/** Another request than the committed one, in both steps. */
export function withRequest(change: (request: AttemptRequest) => AttemptRequest): (provider: Provider) => Provider {
  return (provider) =>
    overlay(provider, {
      prepare: (request, call) => provider.prepare(change(request), call),
      commit: (request, ...others) => provider.commit(change(request), ...others),
    });
}

export const silently = (promise: Promise<unknown>): void => void promise.catch(() => {});
