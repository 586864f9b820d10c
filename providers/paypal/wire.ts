import {
  ApiError,
  type ApiResponse,
  ArgumentsValidationError,
  Client,
  Environment,
  OAuthAuthorizationController,
  OrdersController,
  PaymentsController,
  TransactionSearchController,
} from "@paypal/paypal-server-sdk";
import { type Call, GateClosed } from "../contract/call.ts";
import type { Clock } from "../contract/clock.ts";
import { type Answer, readError } from "./answer.ts";
import { type FetchedToken, TokenCache, TokenUnavailable } from "./token-cache.ts";
import { ConnectionFailed, type Gate, Transport } from "./transport.ts";

type BuilderFactory = ReturnType<Client["getRequestBuilderFactory"]>;
type Interceptor = Parameters<ReturnType<BuilderFactory>["intercept"]>[0];
type SdkRequest = Parameters<Interceptor>[0];

/** Tokens without a stated life are used for this long. PayPal's live some nine hours. */
const DEFAULT_TOKEN_LIFE_S = 600;

export interface Api {
  readonly orders: OrdersController;
  readonly payments: PaymentsController;
  readonly reports: TransactionSearchController;
}

type Use<T> = (api: Api) => Promise<ApiResponse<T>>;

interface Access {
  readonly client: GatedClient;
  /** For what the SDK has no method. */
  readonly authorization: string;
  readonly appId: string | null;
}

export interface WireOptions {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly base: URL;
  readonly clock: Clock;
  readonly maxSockets: number;
}

/** PayPal's REST API through its SDK. Methods return what came of the request; they throw for nothing but bugs. */
export class Wire {
  readonly #options: WireOptions;
  readonly #transport: Transport;
  readonly #tokens: TokenCache<Access>;
  readonly #tokenless = new WeakSet<Call>();

  constructor(options: WireOptions) {
    this.#options = options;
    this.#transport = new Transport(options.base, options.maxSockets);
    this.#tokens = new TokenCache({
      clock: options.clock,
      fetch: (call) => this.#fetchToken(call),
      // A client for each token: the SDK keeps the token it was made with and never asks again after a 401.
      wrap: (token) => ({
        client: new GatedClient(this.#transport, token.accessToken),
        authorization: `Bearer ${token.accessToken}`,
        appId: token.appId,
      }),
    });
  }

  /** A request that can execute something. Counted when its socket is open: until then nothing was sent. */
  execute<T>(call: Call, use: Use<T>): Promise<Answer<T>> {
    return this.#request(
      call,
      gateOf(call, () => call.countWireAttempt()),
      use,
    );
  }

  /** A request that only reads; it is no wire attempt. */
  read<T>(call: Call, use: Use<T>): Promise<Answer<T>> {
    return this.#request(
      call,
      gateOf(call, () => call.assertMaySend()),
      use,
    );
  }

  /** A request that only reads, and that the SDK has no method for. `body` is JSON, sent as it is; the result is parsed JSON. */
  ask(call: Call, method: "GET" | "POST", path: string, body: string | null): Promise<Answer<unknown>> {
    const gate = gateOf(call, () => call.assertMaySend());
    return this.#withAccess(call, async ({ authorization }) => {
      const headers = { authorization, accept: "application/json", ...(body === null ? {} : { "content-type": "application/json" }) };
      const answer = await this.#transport.send({ method, url: new URL(path, this.#options.base).href, headers, body }, gate);
      if (answer.statusCode >= 300) return readError(answer.statusCode, answer.body, answer.headers);
      try {
        return { kind: "ok", result: JSON.parse(answer.body) as unknown };
      } catch {
        return { kind: "unreadable", status: answer.statusCode, debugId: null };
      }
    });
  }

  /** Fetches a token, whether or not one is held: an answer proves the credentials. */
  async identify(call: Call): Promise<Answer<{ appId: string | null }>> {
    try {
      return { kind: "ok", result: { appId: (await this.#tokens.refresh(call)).appId } };
    } catch (error) {
      return unsent(error);
    }
  }

  /** Whether the call has come no further than asking for an access token. */
  awaitsToken(call: Call): boolean {
    return this.#tokenless.has(call);
  }

  close(): void {
    this.#transport.close();
  }

  #request<T>(call: Call, gate: Gate, use: Use<T>): Promise<Answer<T>> {
    return this.#withAccess(call, async ({ client }) => {
      const bound = client.bind(gate);
      const api = {
        orders: new OrdersController(bound),
        payments: new PaymentsController(bound),
        reports: new TransactionSearchController(bound),
      };
      return { kind: "ok", result: (await use(api)).result };
    });
  }

  async #withAccess<T>(call: Call, work: (access: Access) => Promise<Answer<T>>): Promise<Answer<T>> {
    let access: Access;
    this.#tokenless.add(call);
    try {
      access = await this.#tokens.get(call);
      this.#tokenless.delete(call);
    } catch (error) {
      return unsent(error);
    }
    const answer = await work(access).catch((error: unknown) => toAnswer(error));
    if (answer.kind === "refused" && answer.status === 401) this.#tokens.drop(access);
    return answer;
  }

  async #fetchToken(call: Call): Promise<FetchedToken> {
    const { clientId, clientSecret } = this.#options;
    const authorization = `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString("base64")}`;
    const bound = new GatedClient(this.#transport, null).bind(gateOf(call, () => call.assertMaySend()));
    try {
      const { result, body } = await new OAuthAuthorizationController(bound).requestToken({ authorization });
      if (result.accessToken === "") throw new TokenUnavailable("the token is empty");
      const appId = typeof body === "string" ? (JSON.parse(body) as { app_id?: unknown }).app_id : null;
      return {
        accessToken: result.accessToken,
        expiresInS: result.expiresIn === undefined ? DEFAULT_TOKEN_LIFE_S : Number(result.expiresIn),
        appId: typeof appId === "string" && /^[A-Za-z0-9-]{1,60}$/.test(appId) ? appId : null,
      };
    } catch (error) {
      // Rebuilt, because the SDK's errors carry the request, and with it the client's secret.
      if (error instanceof GateClosed || error instanceof TokenUnavailable) throw error;
      const answer = toAnswer(error);
      const why = "status" in answer ? `HTTP ${answer.status}` : "code" in answer ? answer.code : "detail" in answer ? answer.detail : "";
      throw new TokenUnavailable(`no access token: ${why}`.slice(0, 200));
    }
  }
}

/**
 * The SDK's client with another base address and our transport under every request that it makes, OAuth included: the
 * SDK knows two environments only, and its axios would retry nothing but follow redirects and proxies unseen.
 */
class GatedClient extends Client {
  readonly #transport: Transport;

  constructor(transport: Transport, accessToken: string | null) {
    super({
      environment: Environment.Sandbox,
      httpClientOptions: { retryConfig: { maxNumberOfRetries: 0, httpMethodsToRetry: [], httpStatusCodesToRetry: [] } as never },
      clientCredentialsAuthCredentials: {
        oAuthClientId: "",
        oAuthClientSecret: "",
        // Without `expiry`: whether it is still good is decided by our clocks, in the token cache.
        ...(accessToken === null ? {} : { oAuthToken: { accessToken, tokenType: "Bearer" } }),
        // The SDK would keep a failed fetch for good, so it never fetches.
        oAuthTokenProvider: () => Promise.reject(new TokenUnavailable("no access token was handed in")),
      },
    });
    this.#transport = transport;
  }

  /** What a controller is made with, for requests of one gate. */
  bind(gate: Gate): ConstructorParameters<typeof OrdersController>[0] {
    const make = super.getRequestBuilderFactory();
    const transport = this.#transport;
    const factory: BuilderFactory = (method, path) => {
      const builder = make(method, path);
      // Ends the chain: the SDK's own sender is never reached.
      builder.intercept(async (request) => ({ request, response: await transport.send(toWire(request), gate) }));
      return builder;
    };
    return { getRequestBuilderFactory: () => factory };
  }

  /** A request without a gate would escape the call's closing, so there is none. */
  override getRequestBuilderFactory(): BuilderFactory {
    return () => {
      throw new Error("a request to PayPal needs a gate: use bind()");
    };
  }
}

function toWire(request: SdkRequest): { method: string; url: string; headers: Record<string, string>; body: string | null } {
  const { body } = request;
  if (body !== undefined && body.type !== "text" && body.type !== "form") throw new Error(`no ${body.type} body is ever sent`);
  const headers = { ...request.headers };
  if (body?.type === "form") headers["content-type"] = "application/x-www-form-urlencoded";
  const form =
    body?.type === "form" ? new URLSearchParams(body.content.map(({ key, value }): [string, string] => [key, value])).toString() : null;
  return { method: request.method, url: request.url, headers, body: body?.type === "text" ? body.content : form };
}

function gateOf(call: Call, firstByte: () => void): Gate {
  return { firstByte, onClose: (end) => call.onClose(end) };
}

function unsent(error: unknown): Answer<never> {
  if (error instanceof GateClosed) return { kind: "unsent", cause: "gate_closed", detail: error.message };
  if (error instanceof TokenUnavailable) return { kind: "unsent", cause: "token_unavailable", detail: error.message };
  throw error;
}

function toAnswer(error: unknown): Exclude<Answer<never>, { kind: "ok" }> {
  if (error instanceof GateClosed) return { kind: "unsent", cause: "gate_closed", detail: error.message };
  if (error instanceof ConnectionFailed) {
    if (error.sent) return { kind: "lost", code: error.code };
    return { kind: "unsent", cause: "refused", detail: error.message };
  }
  if (error instanceof ArgumentsValidationError) return { kind: "unsent", cause: "rejected", detail: "the SDK refused the request" };
  if (error instanceof ApiError) return readError(error.statusCode, error.body, error.headers);
  // ResponseValidationError, or a plain Error for a body that is not JSON: an answer came, and it may have moved money.
  return { kind: "unreadable", status: null, debugId: null };
}
