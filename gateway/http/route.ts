import type { z } from "zod";
import type { ProblemCode } from "../problems.ts";

export const ROLES = ["billing", "finance", "ops", "admin"] as const;
export type Role = (typeof ROLES)[number];

/** Who asks. Every row that a handler reads or writes is filtered by `accountId`. */
export interface Principal {
  readonly accountId: string;
  readonly keyId: string;
  readonly role: Role;
  /** What events name as their author: `key:<key id>`. */
  readonly actor: string;
}

/**
 * One definition mounts a route and documents it in /openapi.json. Made by `route`, which types the handler.
 * The server checks everything that is declared here before it calls the handler.
 */
export interface Route {
  readonly method: Method;
  /** As in OpenAPI: `/v1/charges/{id}`. */
  readonly path: string;
  /** `admin` may do all, and need not be named. */
  readonly roles: readonly Role[] | "public";
  readonly summary: string;
  readonly description?: string;
  /** For our own pages: it may change with them, and is not in /openapi.json. */
  readonly internal?: boolean;
  /** Requires the Idempotency-Key header. */
  readonly idempotent?: boolean;
  /** A path parameter that does not fit is 404. */
  readonly params?: z.ZodType;
  /** Of the query's strings; undeclared parameters are refused. Without it none is allowed. */
  readonly query?: z.ZodType;
  /** Of the JSON body. Without it only an empty body or `{}` is allowed. */
  readonly body?: z.ZodType;
  /** No body is `{}`. */
  readonly emptyBody?: boolean;
  /** The handler gets the body's bytes as they came, of whatever type, up to this many; nothing of ours is demanded of it. */
  readonly rawBodyBytes?: number;
  /** Of a body, for the documentation. */
  readonly example?: object;
  readonly responses: Readonly<Record<number, ResponseDoc>>;
  /** Beyond those that the server itself answers on every route. */
  readonly problems: readonly ProblemCode[];
  handler(request: RouteRequest): Promise<Reply>;
  /**
   * Asked when the body fits no more: the same request may have been accepted before (by an earlier version, another
   * configuration, before a date had passed), and the same key gets the same answer. null: tell the faults.
   */
  replay?(request: RouteRequest): Promise<Reply | null>;
}

export type Method = "get" | "post" | "put" | "delete";

export interface ResponseDoc {
  readonly description: string;
  /** Of the JSON as it is sent: describe bigint amounts as `z.int()`. */
  readonly schema?: z.ZodType;
  /** Default `application/json`. Another `Accept` is answered 406 before the handler runs. */
  readonly contentTypes?: readonly string[];
  /** For the documentation: an answer that a real gateway gave; text, if it is not JSON. Else answers.json has some. */
  readonly example?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Reply {
  readonly status: number;
  /** Sent as JSON; a bigint becomes a JSON integer, a Date RFC 3339. */
  readonly body?: unknown;
  /** Instead of `body`. */
  readonly text?: { readonly type: string; readonly content: string | Buffer };
  /** Instead of both: an answer that stays open. Its log line is written when it opens. */
  readonly stream?: { readonly type: string; open(out: OpenAnswer): void };
  readonly headers?: Readonly<Record<string, string>>;
  /** For the log line, when the reply is about one charge. */
  readonly chargeId?: string;
}

export interface OpenAnswer {
  /** A reader that does not take what is sent is cut off. */
  write(text: string): void;
  close(): void;
  /** Called once, whoever closed it. */
  onClose(listener: () => void): void;
}

export interface RouteRequest<Body = unknown, Query = unknown, Params = unknown, Who = Principal | null, Key = string | null> {
  readonly method: Method;
  /** The path as called, without the query: `/v1/charges/ch_1`. */
  readonly path: string;
  readonly requestId: string;
  /** Of the connection: behind a proxy, the proxy's. */
  readonly remoteAddress: string;
  readonly body: Body;
  readonly query: Query;
  readonly params: Params;
  /** null on public routes. */
  readonly principal: Who;
  /** The checked header, on routes that are `idempotent`. */
  readonly idempotencyKey: Key;
  /** The body as parsed, before defaults: what a fingerprint is made of. undefined when there was none. */
  readonly json: unknown;
  readonly rawBody: Buffer;
  /** Names in lower case; of one that came several times, all values, where HTTP allows that. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  header(name: string): string | undefined;
  /** The best of `types` for the Accept header, or false. */
  accepts(...types: string[]): string | false;
}

type Output<S, Otherwise> = S extends z.ZodType ? z.output<S> : Otherwise;

interface TypedRoute<R, I, P, Q, B> extends Omit<Route, "roles" | "idempotent" | "params" | "query" | "body" | "handler"> {
  readonly roles: R;
  readonly idempotent?: I;
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  handler(
    request: RouteRequest<
      Output<B, undefined>,
      Output<Q, Readonly<Record<string, never>>>,
      Output<P, Readonly<Record<string, string>>>,
      R extends "public" ? null : Principal,
      I extends true ? string : null
    >,
  ): Promise<Reply>;
}

/** Types the handler by the schemas that are given beside it. */
export function route<
  const R extends readonly Role[] | "public",
  const I extends boolean = false,
  P extends z.ZodType | undefined = undefined,
  Q extends z.ZodType | undefined = undefined,
  B extends z.ZodType | undefined = undefined,
>(definition: TypedRoute<R, I, P, Q, B>): Route {
  // The server hands the handler exactly what these schemas made: the one place where that is asserted.
  return definition as unknown as Route;
}
