import { hash, randomBytes } from "node:crypto";
import type { Answer, World } from "../processor.ts";
import type { Table } from "../table.ts";
import { wrongClient } from "./error.ts";

const LIVES_S = 32_400;
const MAX_TOKENS = 1_000;

interface Token {
  readonly client: string;
  readonly expiresAt: number;
}

/** Access tokens. Every client is known, and every secret but `wrong` is right. */
export class Oauth {
  readonly #world: World;
  readonly #tokens: Table<Token>;

  constructor(world: World) {
    this.#world = world;
    this.#tokens = world.tables.create("paypal.tokens", MAX_TOKENS);
  }

  /** POST /v1/oauth2/token with the client's id and secret as basic authentication. */
  issue(authorization: string | undefined): Answer {
    const [scheme, credentials = ""] = (authorization ?? "").split(" ");
    const [client = "", secret = ""] = Buffer.from(credentials, "base64").toString("utf8").split(":");
    if (scheme?.toLowerCase() !== "basic" || client === "" || secret === "" || secret === "wrong") return wrongClient();
    const token = `A21AA${randomBytes(36).toString("base64url")}`;
    this.#tokens.put(token, { client, expiresAt: this.#world.now() + LIVES_S * 1000 });
    const body = {
      scope: "https://uri.paypal.com/services/payments/payment openid",
      access_token: token,
      token_type: "Bearer",
      app_id: "APP-SANDBOX",
      expires_in: LIVES_S,
      nonce: new Date(this.#world.now()).toISOString(),
    };
    return { status: 200, body: JSON.stringify(body), executed: true };
  }

  /** Who the bearer of the token is, or null. */
  clientOf(authorization: string | undefined): string | null {
    const [scheme, value = ""] = (authorization ?? "").split(" ");
    const token = scheme?.toLowerCase() === "bearer" ? this.#tokens.get(value) : undefined;
    return token && token.expiresAt > this.#world.now() ? token.client : null;
  }
}

/** GET /v1/identity/oauth2/userinfo: one merchant per client. */
export function merchantOf(client: string): Record<string, unknown> {
  const payerId = hash("sha1", client).slice(0, 13).toUpperCase();
  return {
    user_id: `https://www.paypal.com/webapps/auth/identity/user/${payerId}`,
    sub: `https://www.paypal.com/webapps/auth/identity/user/${payerId}`,
    payer_id: payerId,
    name: "Sandbox Merchant",
    verified_account: "true",
  };
}
